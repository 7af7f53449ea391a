package policy_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/register"
	"comity/agent/scan"
	"comity/schemas"
)

// BenchmarkRules is what reading and ruling cost where register and scanner answer at once: one person, and 25.
func BenchmarkRules(b *testing.B) {
	for _, persons := range []int{1, 25} {
		b.Run(fmt.Sprint("persons=", persons), func(b *testing.B) {
			decideOn(b, crowded(b, persons), policytest.Config())
		})
	}
}

// BenchmarkDecide is the cost of one message to one recipient with the real scanner and a register of 100,000 entries. The aim
// is 5 ms with 25 persons. It takes a minute to fill the register first.
func BenchmarkDecide(b *testing.B) {
	scanner, err := scan.New(scan.Config{})
	if err != nil {
		b.Fatal(err)
	}
	r := filled(b, 100_000)
	for _, persons := range []int{1, 25} {
		b.Run(fmt.Sprint("persons=", persons), func(b *testing.B) {
			decideOn(b, crowded(b, persons), policy.Config{Register: r, Scanner: scanner})
		})
	}
}

func decideOn(b *testing.B, s *story, c policy.Config) {
	s.facts.Payload = s.payload()
	e := engineOf(b, c)
	b.ReportAllocs()
	for b.Loop() {
		if d, _ := e.Decide(b.Context(), s.facts); d.Cause != nil || d.Invalid() {
			b.Fatalf("%+v", d)
		}
	}
}

// crowded is a request with text about some persons, every other of whom has a document.
func crowded(tb testing.TB, persons int) *story {
	s := bankRecords(tb).set("/subjects", nil).set("/body/facts", strings.Repeat("Between March and July the wages were paid into an account and moved on within days. ", 10))
	for i := range persons {
		w := who{name: fmt.Sprintf("TESTPERSON NOVEMBER-%03d", i), born: fmt.Sprintf("19%02d-03-%02d", 60+i%40, 1+i%28), nationalities: []any{"QP"}}
		if i%2 == 0 {
			w.number = fmt.Sprintf("Z%07d", i)
		}
		s.about(schemas.RoleSuspect, w)
	}
	return s
}

// filled is a register with some people in it.
func filled(b *testing.B, people int) *register.Register {
	dir := b.TempDir()
	r, err := register.Create(context.Background(), register.Config{Path: filepath.Join(dir, "register.db"), KeyPath: filepath.Join(dir, "register.key")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { r.Close() })
	first := []string{"Amina", "Bahar", "Chidi", "Dilan", "Esra", "Farah", "Goran", "Hamid", "Ines", "Jovan", "Kofi", "Leyla", "Mina", "Nadir", "Omar", "Petra"}
	last := []string{"Abdi", "Berisha", "Cele", "Demir", "Ekwueme", "Farouk", "Gashi", "Hoxha", "Idris", "Jallow", "Kurt", "Lenz", "Mensah", "Noor", "Okafor", "Popa"}
	var feed strings.Builder
	for i := range people {
		fmt.Fprintf(&feed, `{"ref":"r%d","names":["%s %s%c%c %s"],"birth_date":"19%02d-%02d-%02d","nationalities":["Q%c"],"documents":[{"kind":"passport","number":"P%07d","issuer":"QP"}],"status":"pending","updated":"2026-11-20T00:00:00Z"}`+"\n",
			i, first[i%16], last[i/16%16], 'a'+i/256%26, 'a'+i/6656%26, last[i/7%16], 50+i%50, 1+i%12, 1+i%28, 'M'+i%8, i)
	}
	report, err := r.Import(context.Background(), strings.NewReader(feed.String()), register.Options{})
	if err != nil {
		b.Fatalf("filling the register: %v %+v", err, report)
	}
	return r
}
