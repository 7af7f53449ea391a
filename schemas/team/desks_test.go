package team

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"comity/schemas"
)

// desk is one authority in the simulation: what it holds, and what is on the way to it.
type desk struct {
	me           schemas.AuthorityID
	held, coming []Item
}

func (d *desk) view(on schemas.Date) Team { return derive(d.held, on) }

func (d *desk) receive(rng *rand.Rand) {
	if len(d.coming) == 0 {
		return
	}
	i := rng.IntN(len(d.coming))
	d.held = append(d.held, d.coming[i])
	d.coming = slices.Delete(d.coming, i, i+1)
}

// act is what a desk would do by its own view, if the team takes it.
func (d *desk) act(w *writer, text Item, on schemas.Date, rng *rand.Rand) (Item, bool) {
	t := d.view(on)
	members := t.authorities()
	someone := append(slices.Clone(all), qx, qy)[rng.IntN(5)]
	var a Accession
	if len(t.Accessions) > 0 {
		a = t.Accessions[rng.IntN(len(t.Accessions))]
	}
	request := Item{Ref: a.Request}
	var i Item
	var err error
	if len(members) < 2 && len(d.held) > 0 {
		return i, false // a team of one has nobody to write to
	}
	switch rng.IntN(9) {
	case 0:
		if d.me != qx && d.me != qy || len(d.held) > 0 {
			return i, false
		}
		i, err = w.try(d.me, accessionRequest, append(slices.Clone(all), d.me), nil)
	case 1, 2:
		vote := "in-favour"
		if rng.IntN(15) == 0 {
			vote = "against"
		}
		if a.Request == (Ref{}) || len(members) < 2 || slices.Contains(a.Votes, d.me) {
			return i, false
		}
		i, err = w.try(d.me, accessionVote, members, map[string]any{"accession": refOf(request.Ref), "vote": vote})
	case 3, 4:
		if a.Request == (Ref{}) || slices.Contains(a.Accepted, d.me) && rng.IntN(4) > 0 {
			return i, false
		}
		i, err = w.try(d.me, accessionAccept, slices.Compact(sorted(append(members, request.Author))), map[string]any{
			"accession": refOf(request.Ref), "agreement": text.Agreement, "until": t.To, "accepted_on": on,
		})
	case 5:
		if t.Agreement == "" || a.Request.Author != d.me || len(a.Members) == 0 {
			return i, false
		}
		i, err = w.try(d.me, signature, append(slices.Clone(a.Members), d.me), map[string]any{"agreement": text.Agreement, "signed_on": on})
	case 6:
		if t.Agreement == "" || rng.IntN(40) > 0 {
			return i, false
		}
		i, err = w.try(d.me, memberRemoval, slices.Compact(sorted(append(members, someone))), map[string]any{"member": someone, "agreed_on": on})
	case 7:
		if t.Agreement == "" || rng.IntN(3) > 0 {
			return i, false
		}
		i, err = w.try(d.me, extension, members, map[string]any{"until": schemas.Date("2028-04-30"), "agreed_on": on})
	case 8: // the text, for an applicant
		if len(t.applicants(Agreed)) == 0 || !t.Has(d.me) {
			return i, false
		}
		i, err = w.try(d.me, agreement, []schemas.AuthorityID{d.me, t.applicants(Agreed)[0]}, map[string]any{"document": document(w.t, nil)})
	}
	return i, err == nil && CheckItem(t, i, day(on)) == nil
}

// Desks do what their own view of the team permits, with every delay and disorder on the way. In the end every member has
// the same team, newcomers too, who were sent no history; and whoever is out knows it.
func TestDesksConverge(t *testing.T) {
	const steps = 200
	runs := 80
	switch {
	case os.Getenv("COMITY_FULL") != "":
		runs = 1500
	case testing.Short():
		runs = 40
	}
	grown, shrunk, extended := 0, 0, 0
	for seed := range runs {
		rng := rand.New(rand.NewPCG(uint64(seed), 19))
		w := &writer{t: t}
		base, text := w.founding()
		desks := map[schemas.AuthorityID]*desk{}
		order := append(slices.Clone(all), qx, qy)
		for _, a := range order {
			desks[a] = &desk{me: a}
			if slices.Contains(all, a) {
				desks[a].held = slices.Clone(base)
			}
		}
		union := slices.Clone(base)
		days := []schemas.Date{during, "2027-06-01", "2027-10-31", after}
		for step := range steps {
			d := desks[order[rng.IntN(len(order))]]
			if rng.IntN(2) == 0 {
				d.receive(rng)
				continue
			}
			i, ok := Item{}, false
			for tries := 0; tries < 8 && !ok; tries++ {
				i, ok = d.act(w, text, days[step*len(days)/steps], rng)
			}
			if !ok {
				continue
			}
			union = append(union, i)
			for _, a := range i.Audience {
				if a == d.me {
					d.held = append(d.held, i)
				} else {
					desks[a].coming = append(desks[a].coming, i)
				}
			}
		}
		for _, d := range desks {
			for len(d.coming) > 0 {
				d.receive(rng)
			}
		}
		want := derive(union, after)
		for _, a := range order {
			got := desks[a].view(after)
			if want.Has(a) && (names(got) != names(want) || got.To != want.To || got.Agreement != want.Agreement) {
				t.Fatalf("seed %d: %s sees %s until %s; all items together say %s until %s", seed, a, names(got), got.To, names(want), want.To)
			}
			if slices.Contains(want.Left, a) && slices.Contains(all, a) && got.StateFor(a) != MemberRemoved {
				t.Fatalf("seed %d: %s was removed and does not know it", seed, a)
			}
		}
		if want.Has(qx) || want.Has(qy) {
			grown++
		}
		if len(want.Left) > 0 {
			shrunk++
		}
		if want.To > "2027-10-31" {
			extended++
		}
	}
	t.Logf("%d runs: %d teams took in newcomers, %d lost members, %d were extended", runs, grown, shrunk, extended)
	if !testing.Short() && (grown < 3 || shrunk < 3 || extended < 3) {
		t.Error("the simulation hardly does anything")
	}
}
