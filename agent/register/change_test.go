package register

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"comity/schemas"
)

func TestPut(t *testing.T) {
	r, _, _ := newRegister(t)
	alpha := Record{Ref: "r1", Status: FearExpressed, Identity: named("TESTPERSON ALPHA-01")}
	id, err := r.Put(t.Context(), alpha)
	if err != nil || id == "" {
		t.Fatal(id, err)
	}
	alpha.Status = Granted
	again, err := r.Put(t.Context(), alpha)
	if got := ask(t, r, alpha.Identity); err != nil || again != id || len(got) != 1 || got[0].Status != Granted || got[0].Entry != id {
		t.Fatalf("updated: %v, %v, %+v", again, err, got)
	}
	_, err = r.Put(t.Context(), Record{Ref: "r2", Status: "asked", Identity: named("TESTPERSON BRAVO-02")})
	if d, ok := errors.AsType[*Defect](err); !ok || *d != (Defect{"/status", UnknownStatus}) {
		t.Fatalf("a defect: %v", err)
	}
	if _, err := r.Put(t.Context(), Record{Ref: "r1", Delete: true}); err != nil || len(ask(t, r, alpha.Identity)) != 0 {
		t.Fatalf("deleted: %v", err)
	}
}

func TestLabel(t *testing.T) {
	r, _, config := newRegister(t)
	who := schemas.Identity{Names: []string{"TESTPERSON ECHO-05"}, Nationalities: []schemas.StateCode{"QP"}}
	for _, from := range [][]schemas.StateCode{{"QS"}, {"QR", "QS"}, {"QR"}} {
		if err := r.Label(t.Context(), who, from, "QN/justice"); err != nil {
			t.Fatal(err)
		}
	}
	want := []schemas.StateCode{"QP", "QR", "QS"}
	got := ask(t, r, named("Echo-05 TESTPERSON"))
	if len(got) != 1 || got[0].Status != Labelled || got[0].Certain || !slices.Equal(got[0].Origins, want) || len(got[0].Feared) != 0 {
		t.Fatalf("%+v", got)
	}
	// A feed that knows better about the person does not take the label away, and cannot name it.
	feed(t, r, `{"ref":"r1","status":"none","names":["TESTPERSON ECHO-05"]}`)
	if got := ask(t, r, who); len(got) != 2 {
		t.Fatalf("beside a feed's entry: %+v", got)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	state, err := r.State(t.Context())
	if got := ask(t, r, who); err != nil || len(got) != 2 || state.Labelled != 1 || state.Entries != 2 {
		t.Fatalf("after a restart: %+v, %+v, %v", got, state, err)
	}
	err = r.Label(t.Context(), named("?"), want, "QN/justice")
	if d, ok := errors.AsType[*Defect](err); !ok || d.Reason != NoIdentity {
		t.Fatalf("nobody: %v", err)
	}
}

// TestDistinct: "not the same person" holds for that identity and that entry, until the entry changes.
func TestDistinct(t *testing.T) {
	r, _, config := newRegister(t)
	officers := [2]string{"officer-1", "officer-2"}
	feed(t, r, row("echo-05", `,"birth_date":"2000-02-03","documents":[{"kind":"id","number":"X0000055","issuer":"QP"}],"updated":"2026-11-01"`))
	namesake := born(named("TESTPERSON ECHO-05"), "2000-02-08")
	entry := ask(t, r, namesake)[0].Entry

	for name, by := range map[string][2]string{"alone": {"officer-1", "officer-1"}, "half": {"officer-1", ""}} {
		if err := r.Distinct(t.Context(), namesake, entry, by); !errors.Is(err, ErrTwoOfficers) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.Distinct(t.Context(), namesake, "nosuchentry", officers); !errors.Is(err, ErrNoEntry) {
		t.Errorf("no entry: %v", err)
	}
	if err := r.Distinct(t.Context(), document("x0000055", "QP"), entry, officers); !errors.Is(err, ErrCertain) {
		t.Errorf("equal number: %v", err)
	}
	if err := r.Distinct(t.Context(), namesake, entry, officers); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want int) {
		t.Helper()
		if got := ask(t, r, born(named("echo-05, Testperson"), "2000-02-08")); len(got) != want {
			t.Errorf("%s: %+v", when, got)
		}
		if got := ask(t, r, born(named("TESTPERSON ECHO-05"), "2000-02-03")); len(got) != 1 {
			t.Errorf("%s, another date of birth: %+v", when, got)
		}
		with := namesake
		with.Documents = document("X0000055", "QP").Documents
		if got := ask(t, r, with); len(got) != 1 || !got[0].Certain {
			t.Errorf("%s, with the entry's number: %+v", when, got)
		}
	}
	check("decided", 0)
	// The person's name in a text names the person, not the entry; but beside the entry's date of birth it may be the entry.
	q := Question{Persons: []schemas.Identity{namesake}, Texts: []string{"TESTPERSON ECHO-05 lives there."}}
	if a, err := r.Look(t.Context(), q); err != nil || len(a.Named) != 0 {
		t.Errorf("in a text: %+v, %v", a.Named, err)
	}
	q.Persons = nil
	if a, err := r.Look(t.Context(), q); err != nil || len(a.Named) != 1 {
		t.Errorf("in a text without the person: %+v, %v", a.Named, err)
	}
	r.Close()
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	check("after a restart", 0)
	feed(t, r, row("echo-05", `,"birth_date":"2000-02-03","documents":[{"kind":"id","number":"X0000055","issuer":"QP"}],"updated":"2026-11-02"`))
	check("the same again in the next feed", 0)
	feed(t, r, row("echo-05", `,"birth_date":"2000-02-03","documents":[{"kind":"id","number":"X0000055","issuer":"QP"}],"sex":"male"`))
	check("after a change", 1)
	if state, err := r.State(t.Context()); err != nil || state.Decisions != 0 {
		t.Errorf("%+v, %v", state, err)
	}
}

func TestChanged(t *testing.T) {
	r, _, _ := newRegister(t)
	heard := func(name string, want bool, do func() error) {
		t.Helper()
		before := r.Changed()
		if err := do(); (err == nil) != want {
			t.Fatalf("%s: %v", name, err)
		}
		select {
		case <-before:
			if !want {
				t.Errorf("%s is told", name)
			}
		default:
			if want {
				t.Errorf("%s is not told", name)
			}
		}
	}
	heard("an import", true, func() error {
		_, err := r.Import(t.Context(), strings.NewReader(row("alpha-01", "")), Options{})
		return err
	})
	heard("a bad import", false, func() error { _, err := r.Import(t.Context(), strings.NewReader("{}"), Options{}); return err })
	heard("a put", true, func() error {
		_, err := r.Put(t.Context(), Record{Ref: "r2", Status: None, Identity: named("TESTPERSON BRAVO-02")})
		return err
	})
	heard("a label", true, func() error { return r.Label(t.Context(), named("TESTPERSON ECHO-05"), nil, "QN/justice") })
	entry := ask(t, r, named("TESTPERSON ALPHA-01"))[0].Entry
	heard("a decision", true, func() error { return r.Distinct(t.Context(), named("TESTPERSON ALPHA-01"), entry, [2]string{"a", "b"}) })
	heard("a look-up", false, func() error {
		if _, err := r.Look(t.Context(), Question{}); err != nil {
			return nil
		}
		return errors.New("nothing happened")
	})
}

// TestManyChanges goes over the size of the small segment and back to one, and compares with a register read from the file.
func TestManyChanges(t *testing.T) {
	r, _, config := newRegister(t)
	var rows strings.Builder
	names := []string{}
	for i := range 700 {
		names = append(names, fmt.Sprintf("BRAVO-%d", i))
		rows.WriteString(row(names[i], ""))
	}
	feed(t, r, rows.String())
	for i := range 40 {
		rec := Record{Ref: names[i], Status: Granted, Identity: named("TESTPERSON " + names[i])}
		rec.Delete = i%3 == 0
		if rec.Delete {
			rec = Record{Ref: rec.Ref, Delete: true}
		}
		if _, err := r.Put(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	before := []int{}
	for _, n := range names[:80] {
		before = append(before, len(ask(t, r, named("TESTPERSON "+n))))
	}
	if before[0] != 0 || before[1] != 1 || before[60] != 1 {
		t.Fatalf("found %v", before)
	}
	r.Close()
	r, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	after := []int{}
	for _, n := range names[:80] {
		after = append(after, len(ask(t, r, named("TESTPERSON "+n))))
	}
	if !slices.Equal(before, after) {
		t.Fatalf("before a restart %v, after it %v", before, after)
	}
}
