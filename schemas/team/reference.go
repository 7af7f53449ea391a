package team

import (
	"cmp"
	"slices"

	"comity/schemas"
)

// CheckAudience holds an item against what it answers. The item answered must be held, and its audience is the widest that
// an answer can have: whoever was not sent a question does not learn of it by the answer.
func CheckAudience(i Item, held func(Ref) (Item, bool)) error {
	if i.Parent == (Ref{}) {
		return nil
	}
	parent, ok := held(i.Parent)
	switch {
	case !ok || parent.Team != i.Team:
		return i.refuse(UnknownItem, "it answers an item of this team that is not held here")
	case !within(i.Audience, parent.Audience):
		return i.refuse(BeyondParent, "whoever was not sent the question is not sent the answer")
	}
	return nil
}

// CheckReferences is rule REF-01 for one copy: it may name only what its recipient was sent. sentTo says so of an item from
// the sender's own records: the recipient wrote it, or was sent a copy by whoever did. What the sender does not hold it
// cannot know of.
func CheckReferences(i Item, recipient schemas.AuthorityID, sentTo func(Ref) bool) error {
	if !slices.Contains(i.Audience, recipient) {
		return i.refuse(NotInAudience, "the audience of an item names everybody who is sent it")
	}
	for _, ref := range i.References {
		if !sentTo(ref) {
			return i.refuse(ReferenceNotSent, "a copy may name only what its recipient was sent (REF-01)")
		}
	}
	return nil
}

// CheckRecipients holds the recipients of a draft against the audience that it names: one copy for each, and for nobody
// else.
func CheckRecipients(i Item, recipients []schemas.AuthorityID) error {
	for _, r := range recipients {
		if !slices.Contains(i.Audience, r) {
			return i.refuse(NotInAudience, "the audience of an item names everybody who is sent it")
		}
	}
	if !sameSet(recipients, without(i.Audience, i.Author)) {
		return i.refuse(RecipientsMissing, "an item is drafted once, for everybody whom its audience names")
	}
	return nil
}

// Copy is an item as one member sent it to another, with its number in their pair.
type Copy struct {
	Ref
	To  schemas.AuthorityID
	Seq uint64
}

// Numbers gives each copy the number by which its recipient knows the item: 1, 2, 3 from each author. The numbers are
// counted from what the recipient was sent, on both sides alike, and are never written anywhere; so a recipient cannot see
// from a gap that others were sent more.
func Numbers(copies []Copy) map[Copy]int {
	ordered := slices.SortedFunc(slices.Values(copies), func(a, b Copy) int {
		return cmp.Or(cmp.Compare(a.Author, b.Author), cmp.Compare(a.To, b.To), cmp.Compare(a.Seq, b.Seq), cmp.Compare(a.Item, b.Item))
	})
	ordered = slices.Compact(ordered)
	numbers := map[Copy]int{}
	n := 0
	for i, c := range ordered {
		if i > 0 && (ordered[i-1].Author != c.Author || ordered[i-1].To != c.To) {
			n = 0
		}
		n++
		numbers[c] = n
	}
	return numbers
}
