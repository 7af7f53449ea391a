package indicator

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
	"comity/schemas/lifecycle"
)

var today = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func TestOnlyWholeQuartersThatAreOver(t *testing.T) {
	for _, c := range []struct{ first, last, why string }{
		{"2026-07-01", "2026-09-30", ""},
		{"2025-10-01", "2026-09-30", ""},
		{"2016-10-01", "2026-09-30", ""},
		{"2016-07-01", "2026-09-30", "longer than"},
		{"2026-07-02", "2026-09-30", "not the first day of a quarter"},
		{"2026-08-01", "2026-09-30", "not the first day of a quarter"},
		{"2026-07-01", "2026-08-31", "not the last day of a quarter"},
		{"2026-07-01", "2026-09-29", "not the last day of a quarter"},
		{"2026-10-01", "2026-12-31", "is not over"},
		{"2026-10-01", "2026-09-30", "ends before it begins"},
		{"July", "2026-09-30", "is not a day"},
		{"2026-07-01", "2026-09-31", "is not a day"},
	} {
		p, err := ParsePeriod(c.first, c.last, today)
		if c.why == "" && err != nil || c.why != "" && (!errors.Is(err, ErrPeriod) || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s to %s: %v, want %q", c.first, c.last, err, c.why)
		}
		if err == nil && p.Before().To != p.From {
			t.Errorf("%s: the period before ends at %s", c.first, p.Before().To)
		}
	}
	first, last := LastQuarter(today)
	if p, err := ParsePeriod(first, last, today); err != nil || day(p.From) != "2026-07-01" || day(p.Before().From) != "2026-04-01" {
		t.Errorf("the last quarter is %s to %s, %v", first, last, err)
	}
}

func days(n float64) *time.Duration { return new(time.Duration(n * 24 * float64(time.Hour))) }

// report computes for some cases.
func report(t *testing.T, cases ...Case) map[string]Table {
	t.Helper()
	p, err := ParsePeriod("2026-07-01", "2026-09-30", today)
	if err != nil {
		t.Fatal(err)
	}
	r := Compute(Input{
		Authority: "QM/justice", Period: p, Cases: cases, States: []schemas.StateCode{"QM", "QN", "QP"},
		Messages: map[schemas.Channel]Traffic{"mla": {30, 22}}, Before: map[schemas.Channel]Traffic{"mla": {10, 11}},
		Reachable: map[schemas.Channel]int{"mla": 2, "border": 1},
	})
	tables := map[string]Table{}
	for _, table := range r.Tables {
		if _, twice := tables[table.ID]; twice {
			t.Fatalf("two tables %s", table.ID)
		}
		tables[table.ID] = table
	}
	return tables
}

func repeat(n int, c Case) []Case { return slices.Repeat([]Case{c}, n) }

// rowOf is one row of a table as a reader sees it.
func rowOf(t *testing.T, table Table, label string) string {
	t.Helper()
	for _, row := range plain(table) {
		if row[0] == label {
			return strings.Join(row[1:], " ")
		}
	}
	t.Fatalf("table %s has no row %q", table.ID, label)
	return ""
}

func TestEveryIndicatorCountsWhatItSays(t *testing.T) {
	freeze := Case{Channel: "confiscation", Opened: "confiscation.provisional-request/1", Sent: true}
	frozen := freeze
	frozen.Done = true
	order := Case{Channel: "confiscation", Opened: "confiscation.request/1", Route: "domestic-order", Dispositions: []string{"domestic-law", "return-for-victim-compensation"}}
	enforced := Case{Channel: "confiscation", Opened: "confiscation.request/1", Route: "enforce-foreign-order", Done: true, Dispositions: []string{"domestic-law"}}
	mla := Case{Channel: "mla", Opened: "mla.request/1", Sent: true, Acknowledged: days(2), Decided: days(20), Supplemented: true}
	slow := Case{Channel: "mla", Opened: "mla.request/1", Acknowledged: days(9), Late: true}
	girl := Case{Channel: "repatriation", State: lifecycle.StateReturned, Person: &Person{Age: 15, Sex: "female", Nationality: "QN"}}
	man := Case{Channel: "repatriation", State: lifecycle.StateMonitored, Person: &Person{Age: -1, Sex: "male", Nationality: "ZZ"}}
	waiting := Case{Channel: "repatriation", State: lifecycle.StateVerified, Person: &Person{Age: 30, Sex: "male", Nationality: "QN"}}
	alert := Case{Channel: "border", Alert: "vehicle", Response: "intercepted", Victims: 3, Children: 1, Forged: 2, Checks: []string{"forged"}}
	unseen := Case{Channel: "border", Alert: "person"}
	signed := Case{Channel: "jit", Team: "t", Signed: true}
	transfer := Case{Channel: "transfer", Sent: true, State: lifecycle.StateCompleted}
	got := report(t, slices.Concat(repeat(12, freeze), repeat(31, frozen), repeat(22, order), repeat(41, enforced), repeat(52, mla), repeat(24, slow),
		repeat(21, girl), repeat(33, man), repeat(14, waiting), repeat(20, alert), repeat(23, unseen), repeat(40, signed), repeat(61, transfer))...)
	for _, want := range []struct{ table, row, cells string }{
		{"freezing", "sent", "30 10 45"},
		{"confiscation", "domestic-order", "- - 20"},
		{"confiscation", "total", "40 20 65"},
		{"transfers", "handed over", "60 - -"},
		{"timeliness", "mla", "- - 75"},
		{"timeliness", "total", "370 25 395"},
		{"times", "mla", "2 9 20 20 - -"},
		{"first-submission", "total", "340 50 395"},
		{"communication", "mla", "50 20 75"},
		{"channels", "mla", "2"},
		{"compensation", "return-for-victim-compensation", "20"},
		{"returns-nationality", "QN", "- - - 20"},
		{"border-victims", "children", "20"},
		{"border-victims", "adults", "40"},
		{"border-documents", "forged", "20"},
		{"border-documents", "forged, taken upon an alert", "40"},
	} {
		if cells := rowOf(t, got[want.table], want.row); cells != want.cells {
			t.Errorf("%s, %s: %s, want %s\n%v", want.table, want.row, cells, want.cells, plain(got[want.table]))
		}
	}
	if rows := plain(got["joint-teams"]); rows[2][3] != "-" {
		t.Errorf("one team in 40 pairs is counted as %v", rows)
	}
	// Of those who were not returned nothing is said, and the one age that nobody knew stands in its class.
	if cells := rowOf(t, got["returns-age-sex"], "25 to 34"); cells != "- - - -" {
		t.Errorf("ages: %v", plain(got["returns-age-sex"]))
	}
}

// Every table of a report, of an authority with few cases, holds no number between 1 and 9 and none that is not rounded, and
// the labels do not depend on the cases.
func TestAReportOfFewCasesSaysNothingOfAnyOfThem(t *testing.T) {
	empty := report(t)
	one := report(t, Case{Channel: "repatriation", State: lifecycle.StateReturned, Person: &Person{Age: 15, Sex: "female", Nationality: "QN"}},
		Case{Channel: "border", Alert: "vehicle", Response: "intercepted", Victims: 3}, Case{Channel: "jit", Team: "t"}, Case{Channel: "transfer"},
		Case{Channel: "mla", Sent: true, Acknowledged: days(2)})
	for id, table := range one {
		if a, b := fmt.Sprint(plain(table)), fmt.Sprint(plain(empty[id])); a != b {
			t.Errorf("%s differs from the table of no cases:\n%s\n%s", id, a, b)
		}
		for _, row := range table.Rows {
			for _, cell := range row.Cells {
				if cell != nil && !table.Public && table.Unit != "days" && (*cell < Least || *cell%RoundTo != 0) {
					t.Errorf("%s, %s shows %d", id, row.Label, *cell)
				}
			}
		}
	}
}

func TestCSV(t *testing.T) {
	p, err := ParsePeriod("2026-07-01", "2026-09-30", today)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Compute(Input{Authority: "QM/justice", Period: p, Messages: map[schemas.Channel]Traffic{"mla": {300, 1}}}).WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"authority,from,to,table,unit,row,column,value\n",
		"QM/justice,2026-07-01,2026-09-30,freezing,cases,sent,executed,suppressed\n",
		"QM/justice,2026-07-01,2026-09-30,communication,messages,mla,this period,",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in\n%s", line, out.String())
		}
	}
}
