package register

import (
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"comity/schemas"
)

// letter is free text of the kind that a request carries, without a registered person in it.
const letter = `On 3 May 2026 the company Example Trading in Old Harbour received three payments that were split between two accounts.
The holder of the first account gave an address in Port Street and said that the money came from the sale of a van, registration
TEST-123. The court of first instance asks for the opening documents of both accounts, the statements from January to June 2026, and
the name of whoever may sign for them. A hearing is planned for 8 February 2027; copies certified by the bank are sufficient. The
offence is money laundering, article 261, with a maximum of ten years. The suspect has lived in the district since 2019 and works as a
driver. Two witnesses saw him at crossing 4 on the evening of 2 May. Please tell us as well whether the accounts are still open, and
whether the bank has reported any of the payments. We are grateful for every answer, in English or in French, before the hearing. `

// BenchmarkLook is what one message asks of a register of 100,000 entries.
func BenchmarkLook(b *testing.B) {
	p := &people{readCultures(b), rand.New(rand.NewPCG(2026, 11))}
	r, persons := populate(b, p, 100_000)
	text := strings.Repeat(letter, 5)[:4000]
	ids := make([]schemas.Identity, 300)
	for i := range ids {
		m := p.person()
		if i%10 == 0 {
			m = persons[p.IntN(len(persons))]
		}
		ids[i] = born(named(p.again(m)), schemas.Date(m.born.Format(time.DateOnly)))
	}
	run := func(name string, question func(i int) Question) {
		b.Run(name, func(b *testing.B) {
			i, before := 0, processorTime(b)
			for b.Loop() {
				if _, err := r.Look(b.Context(), question(i%100)); err != nil {
					b.Fatal(err)
				}
				i++
			}
			b.ReportMetric(float64(processorTime(b)-before)/float64(i)/1e6, "cpu-ms/op")
		})
	}
	run("person", func(i int) Question { return Question{Persons: ids[i : i+1]} })
	run("text 4 KB", func(int) Question { return Question{Texts: []string{text}} })
	run("message", func(i int) Question { return Question{Persons: ids[3*i : 3*i+3], Texts: []string{text[:3000]}} })
}

// processorTime is what this process has used: on a busy machine the only measure that says something.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkIndex is what an import of everything costs look-ups, and a start.
func BenchmarkIndex(b *testing.B) {
	p := &people{readCultures(b), rand.New(rand.NewPCG(2026, 11))}
	r, _ := populate(b, p, 100_000)
	entries := r.snapshot.Load().index.all()
	for b.Loop() {
		r.keys.newIndex(entries, nil)
	}
}
