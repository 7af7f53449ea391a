package team

import (
	"cmp"
	"slices"
	"strings"

	"comity/schemas"
)

// membership is one time of being a member: of a party of the agreement, or by an accession.
type membership struct {
	authority schemas.AuthorityID
	accession Ref
}

// decision is the same statement of several leaders to the same audience. It counts once each leader of the members in
// that audience has made it.
type decision struct {
	about     membership // whom it is about, for accession and removal
	agreement string
	until     schemas.Date
	audience  string
	informed  string
}

// motion is a decision with those who made it.
type motion struct {
	decision
	audience []schemas.AuthorityID
	deciding []schemas.AuthorityID // the audience without those who are only told
	made     []schemas.AuthorityID
	latest   schemas.Date // the last day on which one of them made it
}

// motions groups items into decisions, in an order of their own.
func motions(list []Item, about func(Item) membership) []*motion {
	found := map[decision]*motion{}
	var all []*motion
	for _, i := range list {
		key := decision{about(i), i.Agreement, i.Until, joinAuthorities(i.Audience), joinAuthorities(i.Informed)}
		m := found[key]
		if m == nil {
			deciding := slices.DeleteFunc(slices.Clone(i.Audience), func(a schemas.AuthorityID) bool { return slices.Contains(i.Informed, a) })
			m = &motion{decision: key, audience: i.Audience, deciding: deciding}
			found[key], all = m, append(all, m)
		}
		m.made = append(m.made, i.Author)
		m.latest = max(m.latest, i.On)
	}
	return all
}

func joinAuthorities(list []schemas.AuthorityID) string {
	var names []string
	for _, a := range list {
		names = append(names, string(a))
	}
	return strings.Join(names, " ")
}

// settlement is what the leaders have decided about who is a member, and until when.
type settlement struct {
	document  *Document
	founders  []schemas.AuthorityID // the parties that are known to have signed
	signed    []schemas.AuthorityID // of the text in force, newcomers among them
	gone      map[membership]bool
	removals  []*motion                            // that count
	joined    []*motion                            // accessions that count
	vouched   map[schemas.AuthorityID]schemas.Date // newcomers, with the last day that they were told of
	agreement string
	to        schemas.Date
}

// settle takes the steps of the package comment in turn. Removals rest on one another only, accessions on removals, and
// extensions on both, so each step has one outcome and the order of items plays no part.
func (d items) settle(x Text, hash string) *settlement {
	s := &settlement{
		document: x.Document, agreement: hash, signed: x.Signed, to: x.Document.To,
		gone: map[membership]bool{}, vouched: map[schemas.AuthorityID]schemas.Date{},
	}
	for _, p := range x.Document.Parties {
		if slices.Contains(x.bound(), p) {
			s.founders = append(s.founders, p)
		}
	}
	s.remove(d.of(memberRemoval))
	s.join(d.of(accessionAccept))
	s.extend(d.of(extension))
	return s
}

// remove finds who has left. A removal makes others possible, whose audience no longer needs the one who left, so it is
// repeated until nothing changes; each step only adds, so the end is one.
func (s *settlement) remove(list []Item) {
	all := motions(list, func(i Item) membership { return membership{i.Member, i.Accession} })
	for changed := true; changed; {
		changed = false
		for _, m := range all {
			if slices.Contains(s.removals, m) || !s.removes(m) {
				continue
			}
			s.gone[m.about] = true
			s.removals, changed = append(s.removals, m), true
		}
	}
}

// removes tells whether a removal counts: a member leaves by its own word, or by that of all other leaders of a team that
// remains one.
func (s *settlement) removes(m *motion) bool {
	if slices.Contains(m.made, m.about.authority) {
		return true
	}
	others := without(m.deciding, m.about.authority)
	return len(others) >= 2 && s.names(m.deciding) && s.unanimous(others, m.made)
}

// join finds who has joined. It counts once all leaders accepted on the same terms, and the newcomer signed. An acceptance
// that names as a member one who has left, by a removal that the newcomer was not told of, would let the newcomer take the
// one who left for a member: it does not count.
func (s *settlement) join(list []Item) {
	all := motions(list, func(i Item) membership { return membership{i.Accession.Author, i.Accession} })
	slices.SortFunc(all, func(a, b *motion) int {
		return cmp.Or(compareRefs(a.about.accession, b.about.accession), strings.Compare(a.decision.audience, b.decision.audience))
	})
	for _, m := range all {
		members := without(m.audience, m.about.authority)
		if m.agreement == s.agreement && s.names(members) && s.unanimous(members, m.made) &&
			slices.Contains(s.signed, m.about.authority) && !s.misled(m) && !s.crosses(m) {
			s.joined = append(s.joined, m)
			s.vouched[m.about.authority] = max(s.vouched[m.about.authority], m.until)
			s.to = max(s.to, m.until)
		}
	}
}

// crosses tells whether two newcomers were accepted without either being told of the other. The first by name has joined;
// the leaders accept the second once more. No leader brings this about who accepts one at a time, as CheckItem demands.
func (s *settlement) crosses(accession *motion) bool {
	return slices.ContainsFunc(s.joined, func(m *motion) bool {
		return m.about != accession.about && !slices.Contains(m.audience, accession.about.authority) &&
			!slices.Contains(accession.audience, m.about.authority)
	})
}

func (s *settlement) misled(accession *motion) bool {
	newcomer := accession.about.authority
	for gone := range s.gone {
		if !slices.Contains(accession.audience, gone.authority) || gone.authority == newcomer {
			continue
		}
		told := slices.ContainsFunc(s.removals, func(r *motion) bool {
			return r.about == gone && slices.Contains(r.audience, newcomer)
		})
		if !told {
			return true
		}
	}
	return false
}

// extend finds the last day. An extension counts if every part of it was agreed when the team had not expired, and every
// member was sent it or told of its day on joining.
func (s *settlement) extend(list []Item) {
	all := motions(list, func(Item) membership { return membership{} })
	slices.SortFunc(all, func(a, b *motion) int { return strings.Compare(string(a.until), string(b.until)) })
	for _, m := range all {
		if m.until > s.to && m.latest <= s.to && s.names(m.audience) && s.unanimous(m.audience, m.made) && s.told(m) {
			s.to = m.until
		}
	}
}

func (s *settlement) told(extension *motion) bool {
	for _, m := range s.members() {
		if !slices.Contains(extension.audience, m.Authority) && s.vouched[m.Authority] < extension.until {
			return false
		}
	}
	return true
}

// names tells whether an audience leaves out none of the parties that are members.
func (s *settlement) names(audience []schemas.AuthorityID) bool {
	for _, f := range s.founders {
		if !s.gone[membership{authority: f}] && !slices.Contains(audience, f) {
			return false
		}
	}
	return true
}

// unanimous tells whether each leader among these members is among those who made a decision.
func (s *settlement) unanimous(members, made []schemas.AuthorityID) bool {
	asked := false
	for _, a := range members {
		if !s.leads(a) || s.gone[membership{authority: a}] && slices.Contains(s.document.Parties, a) {
			continue
		}
		if asked = true; !slices.Contains(made, a) {
			return false
		}
	}
	return asked
}

// leads tells whether an authority takes part in decisions: it leads the team in an operating State, or joined later.
func (s *settlement) leads(a schemas.AuthorityID) bool {
	if !slices.Contains(s.document.Parties, a) {
		return true
	}
	return slices.ContainsFunc(s.document.Leaders, func(l Leader) bool { return l.Authority == a })
}

// members are those who are members now. A member whose own accession is not held is known from what the leaders told a
// newcomer: the audience of each acceptance.
func (s *settlement) members() []Member {
	by := map[schemas.AuthorityID]Ref{}
	for _, f := range s.founders {
		if !s.gone[membership{authority: f}] {
			by[f] = Ref{}
		}
	}
	for _, m := range s.joined {
		if !s.gone[m.about] {
			by[m.about.authority] = m.about.accession
		}
	}
	for _, m := range s.joined {
		for _, a := range m.audience {
			if _, known := by[a]; !known && !s.hasLeft(a) && a != m.about.authority {
				by[a] = Ref{}
			}
		}
	}
	var list []Member
	for a, accession := range by {
		list = append(list, Member{a, accession, s.leads(a)})
	}
	slices.SortFunc(list, func(a, b Member) int { return strings.Compare(string(a.Authority), string(b.Authority)) })
	return list
}

// hasLeft tells whether an authority has ended any membership.
func (s *settlement) hasLeft(a schemas.AuthorityID) bool {
	for gone := range s.gone {
		if gone.authority == a {
			return true
		}
	}
	return false
}

// left are those who were members and are none now.
func (s *settlement) left() (list []schemas.AuthorityID) {
	current := s.members()
	for gone := range s.gone {
		is := slices.ContainsFunc(current, func(m Member) bool { return m.Authority == gone.authority })
		was := slices.Contains(s.document.Parties, gone.authority) || slices.Contains(s.signed, gone.authority)
		if was && !is && !slices.Contains(list, gone.authority) {
			list = append(list, gone.authority)
		}
	}
	return sorted(list)
}

// accessions says where each request to join stands. Votes count that were sent to all who are members now.
func (d items) accessions(t Team, s *settlement) (list []Accession) {
	found := map[Ref]*Accession{}
	look := func(request Ref) *Accession {
		if found[request] == nil {
			found[request] = &Accession{Request: request, State: Voting}
		}
		return found[request]
	}
	for _, i := range d.of(accessionRequest) {
		look(i.Ref)
	}
	for _, i := range d.of(accessionVote) {
		a := look(i.Accession)
		switch {
		case !within(t.authorities(), i.Audience) || !slices.Contains(t.leaders(), i.Author):
		case !i.InFavour:
			a.State = Rejected
		case !slices.Contains(a.Votes, i.Author):
			a.Votes = append(a.Votes, i.Author)
		}
	}
	for _, i := range d.of(accessionAccept) {
		a := look(i.Accession)
		a.Members = append(a.Members, without(i.Audience, i.Accession.Author)...)
		a.Accepted = append(a.Accepted, i.Author)
	}
	for request, a := range found {
		a.Members, a.Accepted = slices.Compact(sorted(a.Members)), slices.Compact(sorted(a.Accepted))
		// The applicant does not see the votes; to it all leaders agree once each has accepted.
		if a.State == Voting && (within(t.leaders(), a.Votes) || within(t.leaders(), a.Accepted)) {
			a.State = Agreed
		}
		if slices.ContainsFunc(s.joined, func(m *motion) bool { return m.about.accession == request }) {
			a.State = Joined
		}
		a.Votes = sorted(a.Votes)
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b Accession) int { return compareRefs(a.Request, b.Request) })
	return list
}
