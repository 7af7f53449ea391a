package bus

import (
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// Usage is how much of the inboxes is used, all together: whose inbox holds what is nobody's business but its owner's.
type Usage struct {
	Inboxes  int
	Messages uint64
	Bytes    uint64
	// Fullest is how much of the fullest inbox is used, from 0 to 1. A full one refuses.
	Fullest float64
}

// Usage reads the streams of this server.
func (b *Bus) Usage() (Usage, error) {
	var u Usage
	state, err := b.server.Jsz(&server.JSzOptions{Account: b.core, Streams: true, Config: true})
	if err != nil {
		return u, fmt.Errorf("reading the use of the inboxes: %w", err)
	}
	for _, account := range state.AccountDetails {
		for _, stream := range account.Streams {
			if stream.Config != nil && stream.Config.Storage == server.MemoryStorage {
				continue // chunks of evidence on their way
			}
			u.Inboxes++
			u.Messages += stream.State.Msgs
			u.Bytes += stream.State.Bytes
			if stream.Config != nil && stream.Config.MaxBytes > 0 {
				u.Fullest = max(u.Fullest, float64(stream.State.Bytes)/float64(stream.Config.MaxBytes))
			}
		}
	}
	return u, nil
}
