package agent

import "time"

// team tells a joint investigation team.
func (p *plot) team(at time.Duration, who about) {}
