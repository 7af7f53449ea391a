package register

import (
	"slices"

	"comity/schemas"
)

// maxHousehold bounds the persons that are followed from one entry. Where there are more, nobody can say who is not protected.
const maxHousehold = 64

// matches says of an entry what it is: its own status and, where the household gives another, that (ASY-13).
func (l *lookUp) matches(e *entry, certain bool) []Match {
	if e.expired(l.now) {
		return nil
	}
	own := Match{
		Entry: e.id, Certain: certain, Status: e.card.Status, Origins: slices.Clone(e.card.Origins), Feared: slices.Clone(e.card.Feared),
		Witness: e.card.Witness, SuspensiveRemedy: e.card.SuspensiveRemedy, Informed: e.card.Informed, Withdrawal: e.card.Withdrawal,
		Consents: e.card.Consents.inForce(l.now),
	}
	inherited, any := l.inherited(e, own)
	switch {
	case !any:
		return []Match{own}
	case !own.Status.InP():
		return []Match{inherited}
	}
	return []Match{own, inherited}
}

// inherited is what an entry has from those of its household who are in P themselves. A household is everybody who is linked,
// over others as well; who is cleared against a person does not inherit from that person, nor pass it on.
func (l *lookUp) inherited(e *entry, own Match) (Match, bool) {
	m := own
	m.Inherited, m.Status, m.SuspensiveRemedy, m.Informed, m.Withdrawal = true, None, false, true, true
	reached, whole := l.household(e, nil)
	any := !whole
	if any {
		m.Status, m.Informed, m.Withdrawal = Unknown, false, false
	}
	for _, source := range reached {
		if !source.card.Status.InP() {
			continue
		}
		if from, _ := l.household(source, source); !slices.Contains(from, e) {
			continue
		}
		any = true
		m.Status = stronger(m.Status, source.card.Status)
		m.Origins, m.Feared = unite(m.Origins, source.card.Origins), unite(m.Feared, source.card.Feared)
		m.SuspensiveRemedy = m.SuspensiveRemedy || source.card.SuspensiveRemedy
		m.Informed = m.Informed && source.card.Informed
		m.Withdrawal = m.Withdrawal && source.card.Withdrawal
	}
	return m, any
}

func unite(a, b []schemas.StateCode) []schemas.StateCode { return sortedStates(slices.Concat(a, b)) }

// household is everybody whom links reach from an entry, without itself, and whether that is all. With a source, those who are
// cleared against the source are left out, and nobody is reached through them.
func (l *lookUp) household(from, source *entry) (reached []*entry, whole bool) {
	seen := []*entry{from}
	for next := 0; next < len(seen); next++ {
		for _, other := range l.index.linked(seen[next]) {
			if slices.Contains(seen, other) || other.expired(l.now) || source != nil && cleared(source, other) {
				continue
			}
			if len(seen) > maxHousehold {
				return seen[1:], false
			}
			seen = append(seen, other)
		}
	}
	return seen[1:], true
}

func cleared(a, b *entry) bool {
	return slices.Contains(a.card.Cleared, b.ref) || slices.Contains(b.card.Cleared, a.ref)
}
