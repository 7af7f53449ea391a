package team

import (
	"errors"
	"slices"
	"testing"

	"comity/schemas"
)

func TestReadRefusesWhatContradictsItself(t *testing.T) {
	w := &writer{t: t}
	other := document(t, map[string]any{"leaders": []map[string]any{{"state": "QM", "authority": "QM/justice", "function": "Prosecutor"}}})
	tests := []struct {
		name     string
		from     schemas.AuthorityID
		kind     string
		audience []schemas.AuthorityID
		change   map[string]any
		reason   Reason
	}{
		{"an author outside its audience", qx, teamMessage, all, nil, AuthorNotInAudience},
		{"a proposal in another's name", qn, proposal, all, map[string]any{"proposed_parties": []string{"QM/justice", "QP/justice"}}, NotTheProposer},
		{"a proposal to more than it proposes", qm, proposal, append(slices.Clone(all), qx), map[string]any{"proposed_parties": all[1:]}, AudienceNotAll},
		{"a case of three", qm, teamOpen, all, nil, AudienceNotAll},
		{"a case that the other one opens", qp, teamOpen, []schemas.AuthorityID{qn, qp}, nil, OtherOpens},
		{"a vote that the applicant sees", qm, accessionVote, append(slices.Clone(all), qx), nil, ApplicantInAudience},
		{"an acceptance behind the applicant's back", qm, accessionAccept, all, nil, AudienceNotAll},
		{"a removal that the member is not told of", qm, memberRemoval, []schemas.AuthorityID{qm, qn}, map[string]any{"member": qp}, AudienceNotAll},
		{"an operating State without a leader", qm, agreement, all, map[string]any{"document": other}, DocumentContradicts},
		{"an agreement that ends before it begins", qm, agreement, all, map[string]any{"document": document(t, map[string]any{"to": "2026-01-01"})}, DocumentContradicts},
		{"another team's agreement", qm, agreement, all, map[string]any{"document": document(t, map[string]any{"team": map[string]any{"proposer": qm, "id": "0ther00000000000000000000a"}})}, DocumentContradicts},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.try(test.from, test.kind, test.audience, test.change)
			wantRefused(t, err, test.reason)
		})
	}
	p, err := schemas.Validate(schemas.Example("jit.decision/1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(qm, p); !errors.Is(err, ErrNotOfATeam) {
		t.Errorf("a message of two: %v", err)
	}
}

// The copies of one item differ in the case of their pair and in nothing else.
func TestCopiesAreOneItem(t *testing.T) {
	p, err := schemas.Validate(schemas.Example("jit.team-message/1"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := Read(qm, p)
	if err != nil {
		t.Fatal(err)
	}
	p.Case = "c4se000000000000000000000b"
	two, err := Read(qm, p)
	if err != nil || one.SHA256 != two.SHA256 {
		t.Fatalf("copies have different hashes, %v", err)
	}
	p.Language = "fr"
	if three, err := Read(qm, p); err != nil || one.SHA256 == three.SHA256 {
		t.Fatalf("other content has the same hash, %v", err)
	}
}

func TestCheckItem(t *testing.T) {
	w := &writer{t: t}
	base, text := w.founding()
	request := w.request(qx, qm, qn, qp)
	votes := []Item{request, w.vote(qm, request, "in-favour", all...), w.vote(qn, request, "in-favour", all...), w.vote(qp, request, "in-favour", all...)}
	removed := []Item{w.remove(qm, qp, all...), w.remove(qn, qp, all...)}
	with := func(more ...Item) []Item { return slices.Concat(base, more) }
	write := func(from schemas.AuthorityID, name string, audience []schemas.AuthorityID, change map[string]any) Item {
		return w.write(from, name, audience, change)
	}
	pair := []schemas.AuthorityID{qm, qn}
	stranger := append(slices.Clone(all), qy)
	higher := w.write(qn, agreement, all, map[string]any{"document": document(t, map[string]any{"version": 2})})
	tests := []struct {
		name   string
		held   []Item
		item   Item
		on     schemas.Date
		reason Reason // "" where the team takes it
	}{
		{"evidence for all", base, write(qm, evidenceItem, all, nil), during, ""},
		{"evidence for one, bilateral", base, write(qm, evidenceItem, pair, nil), during, ""},
		{"evidence for a stranger", base, write(qm, evidenceItem, stranger, nil), during, AudienceStranger},
		{"evidence of a stranger", base, write(qy, evidenceItem, stranger, nil), during, NotAMember},
		{"evidence before all have signed", base[:4], write(qm, evidenceItem, all, nil), during, NotSigned},
		{"evidence before the first day", base, write(qm, evidenceItem, all, nil), before, WrongState},
		{"evidence after the last day", base, write(qm, evidenceItem, all, nil), after, ReadOnly},
		{"a message while negotiating", base[:2], write(qn, teamMessage, all, nil), before, ""},
		{"a message after the last day", base, write(qm, teamMessage, pair, nil), after, ReadOnly},
		{"an evaluation after the last day", base, write(qm, evaluation, all, nil), after, ""},
		{"evidence for a removed member", with(removed...), write(qm, evidenceItem, all, nil), during, AudienceStranger},
		{"evidence for those who remain", with(removed...), write(qm, evidenceItem, pair, nil), during, ""},
		{"evidence of a removed member", with(removed...), write(qp, evidenceItem, all, nil), during, NotAMember},
		{"a second proposal of the team", base, write(qm, proposal, all, map[string]any{"proposed_parties": all[1:]}), before, AlreadyProposed},
		{"a text with a stranger for a party", base[:1], w.write(qm, agreement, all, map[string]any{"document": document(t, map[string]any{"parties": stranger})}), before, AudienceStranger},
		{"a signature of a text not held", base[:1], w.sign(qn, text), before, UnknownText},
		{"a signature for some", base[:3], w.sign(qn, text, qm, qn), before, AudienceNotAll},
		{"a signature dated ahead", base[:3], w.sign(qn, text), "2026-10-01", WrongDay},
		{"a signature of a stranger", base[:3], w.sign(qy, text, stranger...), before, NotAMember},
		{"a signature of the text before", append(slices.Clone(base[:2]), higher, w.sign(qn, higher)), w.sign(qn, text), before, EarlierText},
		{"extension", base, w.extend(qm, "2028-01-01", during, all...), during, ""},
		{"extension to an earlier day", base, w.extend(qm, "2027-01-01", during, all...), during, WrongDay},
		{"extension dated ahead", base, w.extend(qm, "2028-01-01", after, all...), during, WrongDay},
		{"extension among some", base, w.extend(qm, "2028-01-01", during, pair...), during, AudienceNotAll},
		{"extension after expiry", base, w.extend(qm, "2028-01-01", after, all...), after, ReadOnly},
		{"a member asks to join", base, w.request(qn, qm), during, AlreadyMember},
		{"a vote on a member", base, w.vote(qm, w.request(qn, qm), "in-favour", qm, qp), during, AlreadyMember},
		{"a vote after a vote against", with(request, w.vote(qm, request, "against", all...)), w.vote(qn, request, "in-favour", all...), during, WrongState},
		{"acceptance before the vote", with(votes[:3]...), w.accept(qm, request, text, "2027-10-31", all...), during, NotAgreed},
		{"acceptance", with(votes...), w.accept(qm, request, text, "2027-10-31", all...), during, ""},
		{"acceptance until another day", with(votes...), w.accept(qm, request, text, "2027-10-30", all...), during, WrongDay},
		{"acceptance on other terms", with(append(slices.Clone(votes), higher)...), w.accept(qm, request, higher, "2027-10-31", all...), during, UnknownText},
		{"acceptance without one member", with(votes...), w.accept(qm, request, text, "2027-10-31", pair...), during, AudienceNotAll},
		{"evidence for an applicant", with(votes...), write(qm, evidenceItem, append(slices.Clone(all), qx), nil), during, AudienceStranger},
		{"a newcomer signs unaccepted", with(votes...), w.sign(qx, text, qm, qn, qp, qx), during, NotAgreed},
		{"removal of a stranger", base, w.remove(qm, qy, qm, qn, qp, qy), during, NotAMember},
		{"removal behind a member's back", base, w.remove(qm, qp, qm, qp), during, AudienceNotAll},
		{"removal that leaves one", with(removed...), w.remove(qm, qn, pair...), during, TooFew},
		{"removal with members told who decide", base, w.tell(qm, qp, qn, qm, qp), during, AudienceStranger},
		{"final close before the evaluation", base, write(qm, closing, all, map[string]any{"stage": final}), during, WrongState},
		{"winding down", base, write(qm, closing, all, map[string]any{"stage": windingDown}), during, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := CheckItem(derive(test.held, test.on), test.item, day(test.on))
			if test.reason == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			wantRefused(t, err, test.reason)
		})
	}
	wantRefused(t, CheckItem(Team{ID: ID{qn, "x"}}, base[1], day(during)), OtherTeam)
}

// The accession of a newcomer, as the newcomer sees it, who holds nothing from before.
func TestNewcomerDerivesWithoutHistory(t *testing.T) {
	w := &writer{t: t}
	_, text := w.founding()
	request := w.request(qx, qm, qn, qp)
	held := []Item{request}
	if got := derive(held, during); got.State != AccessionVote {
		t.Fatalf("after its request the team is %s", got.State)
	}
	for _, a := range all {
		held = append(held, w.accept(a, request, text, "2027-10-31", all...))
	}
	held = append(held, text)
	signs := w.sign(qx, text, qm, qn, qp, qx)
	if err := CheckItem(derive(held, during), signs, day(during)); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, CheckItem(derive(held, during), w.sign(qx, text, qm, qx), day(during)), AudienceNotAll)
	got := derive(append(held, signs), during)
	if names(got) != "QM QN QP QX" || got.State != Active || got.To != "2027-10-31" {
		t.Fatalf("%s of %s until %s", got.State, names(got), got.To)
	}
}

func TestAudienceOfAnAnswer(t *testing.T) {
	w := &writer{t: t}
	parent := w.write(qm, teamMessage, []schemas.AuthorityID{qm, qn}, nil)
	held := func(r Ref) (Item, bool) { return parent, r == parent.Ref }
	answer := func(audience ...schemas.AuthorityID) Item {
		return w.write(qn, teamMessage, audience, map[string]any{"parent": refOf(parent.Ref)})
	}
	if err := CheckAudience(answer(qm, qn), held); err != nil {
		t.Error(err)
	}
	wantRefused(t, CheckAudience(answer(qm, qn, qp), held), BeyondParent)
	wantRefused(t, CheckAudience(w.write(qn, teamMessage, all, map[string]any{"parent": refOf(Ref{qp, parent.Item})}), held), UnknownItem)
}

// REF-01.
func TestReferences(t *testing.T) {
	w := &writer{t: t}
	bilateral := w.write(qm, evidenceItem, []schemas.AuthorityID{qm, qn}, nil)
	item := w.write(qm, teamMessage, all, map[string]any{"references": []any{refOf(bilateral.Ref)}})
	sentTo := func(recipient schemas.AuthorityID) func(Ref) bool {
		return func(r Ref) bool { return r == bilateral.Ref && slices.Contains(bilateral.Audience, recipient) }
	}
	if err := CheckReferences(item, qn, sentTo(qn)); err != nil {
		t.Error(err)
	}
	wantRefused(t, CheckReferences(item, qp, sentTo(qp)), ReferenceNotSent)
	wantRefused(t, CheckReferences(item, qx, sentTo(qx)), NotInAudience)
	answer := w.write(qm, teamMessage, all, map[string]any{"parent": refOf(bilateral.Ref)})
	wantRefused(t, CheckReferences(answer, qp, sentTo(qp)), ReferenceNotSent)
}

func TestRecipients(t *testing.T) {
	w := &writer{t: t}
	item := w.write(qm, teamMessage, all, nil)
	if err := CheckRecipients(item, []schemas.AuthorityID{qp, qn}); err != nil {
		t.Error(err)
	}
	wantRefused(t, CheckRecipients(item, []schemas.AuthorityID{qn}), RecipientsMissing)
	wantRefused(t, CheckRecipients(item, []schemas.AuthorityID{qn, qp, qx}), NotInAudience)
}

// Each recipient counts what it was sent by each author, and nothing else shows.
func TestNumbersHaveNoGaps(t *testing.T) {
	c := func(from, to schemas.AuthorityID, item schemas.MessageID, seq uint64) Copy {
		return Copy{Ref{from, item}, to, seq}
	}
	copies := []Copy{c(qm, qn, "a", 3), c(qm, qp, "a", 9), c(qm, qn, "b", 4), c(qm, qn, "c", 7), c(qm, qp, "c", 12), c(qn, qp, "a", 1), c(qm, qn, "b", 4)}
	got := Numbers(copies)
	for copied, want := range map[Copy]int{copies[0]: 1, copies[2]: 2, copies[3]: 3, copies[1]: 1, copies[4]: 2, copies[5]: 1} {
		if got[copied] != want {
			t.Errorf("item %s from %s is number %d to %s, want %d", copied.Item, copied.Author, got[copied], copied.To, want)
		}
	}
	// QP, to whom b was not sent, sees the same numbers as if it had never been written.
	if alone := Numbers([]Copy{copies[1], copies[4]}); alone[copies[4]] != got[copies[4]] {
		t.Error("an item for others changes a number")
	}
}

func FuzzRead(f *testing.F) {
	for _, typ := range schemas.Types() {
		if typ.Channel() == schemas.ChannelJIT {
			f.Add(schemas.Example(typ))
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := schemas.Validate(payload)
		if err != nil {
			return
		}
		i, err := Read(qm, p)
		if err != nil {
			return
		}
		team := Derive(i.Team, []Item{i, i}, day(during))
		if err := CheckItem(team, i, day(during)); err != nil {
			if _, ok := errors.AsType[*RefusedError](err); !ok {
				t.Errorf("refused without a reason: %v", err)
			}
		}
	})
}
