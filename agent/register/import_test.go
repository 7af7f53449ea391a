package register

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

func row(ref string, more string) string {
	return fmt.Sprintf(`{"ref":%q,"status":"pending","names":["TESTPERSON %s"]%s}`+"\n", ref, strings.ToUpper(ref), more)
}

func TestImportCounts(t *testing.T) {
	r, _, _ := newRegister(t)
	got := feed(t, r, row("alpha-01", `,"updated":"2026-11-01"`)+row("bravo-02", "")+row("charlie-03", ""))
	if want := (Report{Rows: 3, Added: 3}); got.Rows != want.Rows || got.Added != want.Added {
		t.Fatalf("first feed: %+v", got)
	}
	got = feed(t, r, row("alpha-01", `,"updated":"2026-10-01","sex":"male"`)+row("bravo-02", "")+"\n"+
		row("charlie-03", `,"nationalities":["QP"]`)+`{"ref":"delta-04","delete":true}`+"\n"+row("echo-05", ""))
	if got.Older != 1 || got.Unchanged != 2 || got.Updated != 1 || got.Added != 1 || got.Rows != 5 || got.Deleted != 0 {
		t.Fatalf("second feed: %+v", got)
	}
	got = feed(t, r, `{"ref":"echo-05","delete":true}`)
	if got.Deleted != 1 {
		t.Fatalf("third feed: %+v", got)
	}
	if m := ask(t, r, named("TESTPERSON ECHO-05")); len(m) != 0 {
		t.Fatalf("deleted, and still there: %+v", m)
	}
	if m := ask(t, r, named("TESTPERSON CHARLIE-03")); len(m) != 1 || !slices.Equal(m[0].Origins, []schemas.StateCode{"QP"}) {
		t.Fatalf("updated: %+v", m)
	}
}

// TestImportAllOrNothing: one bad row, wherever it stands, and nothing of the feed counts; each bad row is reported.
func TestImportAllOrNothing(t *testing.T) {
	good := row("alpha-01", "")
	secret := "TESTPERSON SECRET-99"
	tests := []struct {
		name, feed string
		want       []BadRow
	}{
		{"last row", good + `{"ref":"x","status":"` + secret + `","names":["A"]}`, []BadRow{{2, "/status", UnknownStatus}}},
		{"first row", `{"ref":"x"}` + "\n" + good, []BadRow{{1, "/status", MissingMember}}},
		{"several", `["` + secret + `"]` + "\n\n" + good + `{"` + secret + `":1}`, []BadRow{{1, "", WrongForm}, {4, "/?", UnknownMember}}},
		{"same ref twice", good + good, []BadRow{{2, "/ref", DuplicateRef}}},
		{"cut off", good + good[:20], []BadRow{{2, "", NotReadable}}},
		{"long row", good + `{"ref":"` + strings.Repeat("x", MaxRowBytes) + "\"}\n" + good[:5], []BadRow{{2, "", TooLong}, {3, "", NotReadable}}},
		{"null", "null\n", []BadRow{{1, "", WrongForm}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, c, _ := newRegister(t)
			c.at = c.at.Add(25 * time.Hour)
			before, err := r.State(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			report, err := r.Import(t.Context(), strings.NewReader(test.feed), Options{Format: JSONLines})
			if !errors.Is(err, ErrBadRows) || !slices.Equal(report.Bad, test.want) || report.BadRows != len(test.want) {
				t.Fatalf("got %+v, %v; want %+v", report, err, test.want)
			}
			if report.Added+report.Updated+report.Unchanged+report.Deleted != 0 {
				t.Errorf("a refused feed counts changes: %+v", report)
			}
			if text := fmt.Sprint(report, err); strings.Contains(text, "SECRET") {
				t.Errorf("the report shows a value: %s", text)
			}
			if after, err := r.State(t.Context()); err != nil || after != before {
				t.Errorf("state was %+v, is %+v, %v", before, after, err)
			}
			if m := ask(t, r, named("TESTPERSON ALPHA-01")); len(m) != 0 {
				t.Errorf("half imported: %+v", m)
			}
		})
	}
}

func TestImportReportsAThousand(t *testing.T) {
	r, _, _ := newRegister(t)
	report, err := r.Import(t.Context(), strings.NewReader(strings.Repeat("{}\n", 1500)), Options{})
	if !errors.Is(err, ErrBadRows) || report.BadRows != 1500 || len(report.Bad) != 1000 {
		t.Fatalf("%d bad rows, %d listed, %v", report.BadRows, len(report.Bad), err)
	}
}

func TestImportCSV(t *testing.T) {
	const head = "ref,status,names,birth_date,nationalities,documents,linked,suspensive_remedy,consent\n"
	consent := strings.ReplaceAll(whole[strings.Index(whole, `[{"recipient"`):strings.Index(whole, `,"suspensive_remedy"`)], `"`, `""`)
	r, _, _ := newRegister(t)
	got := feed(t, r, "\ufeff"+head+
		`r1,pending,"TESTPERSON ALPHA-01|TESTPERSON, ALPHA",2000-02-03,QP|QR,passport:X0000011:QP|id:77-88 99:QR,r2|r3,yes,"`+consent+"\"\n"+
		"r2,none,TESTPERSON BRAVO-02,,,,,,\n")
	if got.Added != 2 {
		t.Fatalf("%+v", got)
	}
	m := ask(t, r, schemas.Identity{Documents: []schemas.IdentityDocument{{Number: "778899", Issuer: "QR"}}})
	if len(m) != 1 || !m[0].Certain || !m[0].SuspensiveRemedy || len(m[0].Consents) != 1 || !slices.Equal(m[0].Origins, []schemas.StateCode{"QP", "QR"}) {
		t.Fatalf("%+v", m)
	}
	semicolons := strings.ReplaceAll("ref,status,names\nr4,granted,TESTPERSON CHARLIE-03\n", ",", ";")
	if got := feed(t, r, semicolons); got.Added != 1 {
		t.Fatalf("with semicolons: %+v", got)
	}
	tests := []struct {
		name, feed string
		want       []BadRow
	}{
		{"a column of its own", "ref,status,names,note\nr1,none,A,x\n", []BadRow{{1, "", UnknownMember}}},
		{"a column twice", "ref,status,status\nr1,none,none\n", []BadRow{{1, "/status", DuplicateMember}}},
		{"no ref", "status,names\nnone,A\n", []BadRow{{1, "/ref", MissingMember}}},
		{"too few fields", "ref,status,names\nr1,none\nr2,none,TESTPERSON BRAVO-02\n", []BadRow{{2, "", WrongForm}}},
		{"a flag that is none", "ref,status,names,child\nr1,none,TESTPERSON ALPHA-01,maybe\n", []BadRow{{2, "/child", WrongForm}}},
		{"a document that is none", "ref,status,documents\nr1,none,X0000011\n", []BadRow{{2, "/documents", WrongForm}}},
		{"a quote in the middle", "ref,status,names\nr1,none,TEST\"PERSON\nr2,none\n", []BadRow{{2, "", NotReadable}, {3, "", WrongForm}}},
		{"JSON that is none", "ref,status,names,consent\nr1,none,TESTPERSON ALPHA-01,{\n", []BadRow{{2, "/consent", WrongForm}}},
		{"line breaks in a field", "ref,status,names\nr1,none,\"TESTPERSON\nALPHA-01\"\nr2,maybe,B\n", []BadRow{{4, "/status", UnknownStatus}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			report, err := r.Import(t.Context(), strings.NewReader(test.feed), Options{Format: CSV})
			if !errors.Is(err, ErrBadRows) || !slices.Equal(report.Bad, test.want) {
				t.Fatalf("got %+v, %v; want %+v", report.Bad, err, test.want)
			}
		})
	}
}

// TestFreshness: a feed makes the register fresh for 26 hours, an empty one as well; nothing else does.
func TestFreshness(t *testing.T) {
	r, c, _ := newRegister(t)
	fresh := func() bool {
		t.Helper()
		a, err := r.Look(t.Context(), Question{})
		state, err2 := r.State(t.Context())
		if err != nil || err2 != nil || state.Fresh != a.Fresh {
			t.Fatalf("%v, %v, look says %v, state says %v", err, err2, a.Fresh, state.Fresh)
		}
		return a.Fresh
	}
	steps := []struct {
		name string
		do   func() error
		want bool
	}{
		{"after an empty feed", func() error { return nil }, true},
		{"nearly 26 hours later", func() error { c.at = noon.Add(26*time.Hour - time.Second); return nil }, true},
		{"26 hours later", func() error { c.at = noon.Add(26 * time.Hour); return nil }, false},
		{"after a put", func() error {
			_, err := r.Put(t.Context(), Record{Ref: "r1", Status: None, Identity: named("TESTPERSON ALPHA-01")})
			return err
		}, false},
		{"after a few rows", func() error {
			_, err := r.Import(t.Context(), strings.NewReader(row("bravo-02", "")), Options{Partial: true})
			return err
		}, false},
		{"after a feed that is 26 hours old", func() error {
			_, err := r.Import(t.Context(), strings.NewReader(""), Options{Made: c.at.Add(-26 * time.Hour)})
			return err
		}, false},
		{"after an empty CSV feed", func() error {
			_, err := r.Import(t.Context(), strings.NewReader("ref,status,names\n"), Options{})
			return err
		}, true},
		{"with the clock an hour back", func() error { c.at = c.at.Add(-time.Hour); return nil }, false},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := fresh(); got != step.want {
			t.Fatalf("%s: fresh is %v", step.name, got)
		}
	}
}

func TestFreshnessBeforeTheFirstFeed(t *testing.T) {
	r := createEmpty(t)
	if a, err := r.Look(t.Context(), Question{}); err != nil || a.Fresh {
		t.Fatalf("%+v, %v", a, err)
	}
}

func TestFeedTimes(t *testing.T) {
	r, _, _ := newRegister(t)
	if _, err := r.Import(t.Context(), strings.NewReader(""), Options{Made: noon.Add(6 * time.Minute)}); !errors.Is(err, ErrFeedTime) {
		t.Errorf("from the future: %v", err)
	}
	if _, err := r.Import(t.Context(), strings.NewReader(""), Options{Made: noon.Add(-time.Minute)}); !errors.Is(err, ErrFeedOlder) {
		t.Errorf("older than the last: %v", err)
	}
}

// TestImportBroken: a source that breaks off is no short feed.
func TestImportBroken(t *testing.T) {
	r, _, _ := newRegister(t)
	broken := io.MultiReader(strings.NewReader(row("alpha-01", "")), iotestErr{})
	if _, err := r.Import(t.Context(), broken, Options{}); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	if m := ask(t, r, named("TESTPERSON ALPHA-01")); len(m) != 0 {
		t.Fatalf("half imported: %+v", m)
	}
	if _, err := r.Import(t.Context(), endless{}, Options{Format: JSONLines}); !errors.Is(err, ErrFeedTooLarge) {
		t.Fatalf("an endless feed: %v", err)
	}
	if _, err := io.ReadAll(&bounded{strings.NewReader("abc"), 2}); !errors.Is(err, ErrFeedTooLarge) {
		t.Fatalf("beyond the limit: %v", err)
	}
}

var errBroken = errors.New("line broke")

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, errBroken }

// endless is a feed of empty lines.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

func FuzzImport(f *testing.F) {
	f.Add(whole, "jsonl")
	f.Add("ref,status,names\nr1,none,\"TESTPERSON\nALPHA-01\"\n", "csv")
	f.Add("ref;status;documents\nr1;none;passport:X0000011:QP\n", "csv")
	f.Fuzz(func(t *testing.T, text, format string) {
		rows, err := open(strings.NewReader(text), Format(format))
		if err != nil {
			return
		}
		for range 1000 {
			rec, line, err := rows.next()
			if defect, bad := errors.AsType[*Defect](err); bad {
				if line < 1 || defect.Reason == "" {
					t.Fatalf("line %d, %+v", line, defect)
				}
				continue
			}
			if err != nil {
				return
			}
			rec.check()
		}
	})
}
