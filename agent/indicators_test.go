package agent

import (
	"slices"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/indicator"
	"comity/agent/people"
	"comity/schemas"
)

func cellsOf(t *testing.T, r indicator.Report, table, row string) []int {
	t.Helper()
	for _, one := range r.Tables {
		if one.ID != table {
			continue
		}
		for _, line := range one.Rows {
			if line.Label == row {
				var cells []int
				for _, cell := range line.Cells {
					if cell == nil {
						cells = append(cells, -1)
					} else {
						cells = append(cells, *cell)
					}
				}
				return cells
			}
		}
	}
	t.Fatalf("no row %q in a table %q", row, table)
	return nil
}

// Twelve requests, of which one had to be supplemented: both desks count them, each from its side, and show what may be published.
func TestIndicatorsOfAQuarter(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	asks, asked := w.desks[qm], w.desks[qn]
	for range 12 {
		asks.send(draft(t, qn, "request", "", ""))
	}
	w.carry(t)
	w.clock.Advance(48 * time.Hour)
	cases, err := asked.Cases(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		name := "acknowledgement"
		if i == 0 {
			name = "supplement-request"
		}
		file, err := asked.Case(t.Context(), string(c.ID))
		if err != nil {
			t.Fatal(err)
		}
		asked.sealReviewed(asked.write(draft(t, qm, name, c.ID, file.Messages[0].ID)).ID)
	}
	w.carry(t)
	reach := indicator.Input{}
	if asks.fromDirectory(&reach); reach.Reachable["mla"] < 1 || !slices.Contains(reach.States, "QN") {
		t.Errorf("by the directory: %+v", reach)
	}
	w.clock.Advance(time.Date(2027, 1, 2, 9, 0, 0, 0, time.UTC).Sub(w.clock.Now())) // the quarter is over
	for d, row := range map[*desk]string{asks: "sent", asked: "received"} {
		r, err := d.Indicators(t.Context(), "2026-10-01", "2026-12-31")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []struct {
			table, row string
			cells      []int
		}{
			{"times", "mla", []int{2, 2, -1, -1, -1, -1}},
			{"communication", "mla", []int{25, -1, -1}},
		} {
			if got := cellsOf(t, r, want.table, want.row); !slices.Equal(got, want.cells) {
				t.Errorf("%s: %s, %s is %v, want %v", d.me, want.table, want.row, got, want.cells)
			}
		}
		in := indicator.Input{Period: indicator.Period{From: w.clock.Now().AddDate(0, -3, 0), To: w.clock.Now()}}
		if err := d.fromStore(t.Context(), &in); err != nil {
			t.Fatal(err)
		}
		supplemented := 0
		for _, c := range in.Cases {
			if c.Sent != (row == "sent") || c.Channel != schemas.ChannelMLA {
				t.Errorf("%s counts %+v", d.me, c)
			}
			if c.Supplemented {
				supplemented++
			}
		}
		if len(in.Cases) != 12 || supplemented != 1 {
			t.Errorf("%s counts %d cases, %d of them supplemented", d.me, len(in.Cases), supplemented)
		}
	}
}

// A victim who was returned is counted by age, sex and nationality, from what was exchanged; nothing else of them is read.
func TestAPersonIsAStatistic(t *testing.T) {
	subjects := []schemas.Subject{{Ref: "p1"}, {Ref: "p2", Identity: &schemas.Identity{
		Names: []string{"TESTPERSON KILO-11"}, BirthDate: "2001-03-09", Sex: "female", Nationalities: []schemas.StateCode{"QN", "QR"},
	}}}
	for _, c := range []struct {
		at  string
		age int
	}{{"2026-03-08", 24}, {"2026-03-09", 25}, {"2024-03-08", 22}, {"2024-03-09", 23}, {"2000-01-01", -1}} {
		at, err := time.Parse(time.DateOnly, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := personOf(subjects, "p2", at); *got != (indicator.Person{Age: c.age, Sex: "female", Nationality: "QN"}) {
			t.Errorf("on %s: %+v, want age %d", c.at, got, c.age)
		}
	}
	if got := personOf(subjects, "p1", time.Now()); *got != (indicator.Person{Age: -1}) {
		t.Errorf("a person without an identity: %+v", got)
	}
}

// Who may ask, and for which periods.
func TestWhoMayAskForIndicators(t *testing.T) {
	o := newOffice(t)
	for role := range o.staff {
		_, err := o.as(t, people.Role(role)).Indicators(t.Context(), "2026-07-01", "2026-09-30")
		may := slices.Contains([]people.Role{people.Registrar, people.LiaisonOfficer, people.Auditor}, people.Role(role))
		if refused := wasRefused(err, api.ReasonForbidden); refused == may || may && err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
	for period, why := range map[[2]string]string{
		{"2026-10-01", "2026-12-31"}: "is not over", {"2026-07-01", "2026-08-31"}: "not the last day of a quarter", {"", ""}: "not a day",
	} {
		_, err := o.as(t, people.Auditor).Indicators(t.Context(), period[0], period[1])
		if !wasRefused(err, api.ReasonRequest) || !strings.Contains(err.Error(), why) {
			t.Errorf("%v: %v, want %q", period, err, why)
		}
	}
}

func wasRefused(err error, reason string) bool {
	p, ok := err.(*api.Problem)
	return ok && p.Reason == reason
}
