package people

import "slices"

// lasting are the roles that nobody takes over for a time: who checks the others, and who holds the keys.
var lasting = []Role{Auditor, KeyOfficer}

// ActingFor is the person with the roles of those for whom they stand in, who are away. What somebody has by standing in
// themselves is not passed on: others must come with their own roles. The person is not changed.
func (p *Person) ActingFor(others ...*Person) *Person {
	acting := *p
	acting.Roles = slices.Clone(p.Roles)
	for _, other := range others {
		for _, role := range other.Roles {
			if !slices.Contains(lasting, role) && !slices.Contains(acting.Roles, role) {
				acting.Roles = append(acting.Roles, role)
			}
		}
	}
	return &acting
}
