// Package policytest stands in for the register and the scanner in tests of what asks them: a register of a few people by
// name and document number, a scanner of a few words, and both can fail.
//
// It trusts the test that fills it in. It must never be used outside of tests: it protects nobody.
package policytest

import (
	"context"
	"slices"
	"strings"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/agent/scan"
)

// Config is an engine's with a fresh register that holds nobody and a scanner that knows the usual words.
func Config() policy.Config {
	return policy.Config{Register: &Register{Fresh: true}, Scanner: &Scanner{}}
}

// Register answers from two lists. The zero value is stale and holds nobody.
type Register struct {
	Fresh bool
	// ByDocument gives certain matches by document number, ByName gives matches by likeness.
	ByDocument map[string][]register.Match
	ByName     map[string][]register.Match
	Err        error
	// Deaf: it answers only when this channel is closed, and does not listen to the context.
	Deaf <-chan struct{}
}

// Look is what the engine asks.
func (r *Register) Look(_ context.Context, q register.Question) (register.Answer, error) {
	if r.Deaf != nil {
		<-r.Deaf
	}
	if r.Err != nil {
		return register.Answer{}, r.Err
	}
	answer := register.Answer{Fresh: r.Fresh, Persons: make([][]register.Match, len(q.Persons))}
	for i, who := range q.Persons {
		for _, name := range slices.Concat(who.Names, who.FormerNames) {
			answer.Persons[i] = append(answer.Persons[i], r.ByName[name]...)
		}
		for _, d := range who.Documents {
			answer.Persons[i] = append(answer.Persons[i], certain(r.ByDocument[d.Number])...)
		}
	}
	for i, text := range q.Texts {
		for name, matches := range r.ByName {
			if strings.Contains(text, name) {
				answer.Named = append(answer.Named, in(i, matches)...)
			}
		}
		for number, matches := range r.ByDocument {
			if strings.Contains(text, number) {
				answer.Named = append(answer.Named, in(i, certain(matches))...)
			}
		}
	}
	return answer, nil
}

func certain(matches []register.Match) []register.Match {
	sure := slices.Clone(matches)
	for i := range sure {
		sure[i].Certain = true
	}
	return sure
}

func in(text int, matches []register.Match) []register.Match {
	found := slices.Clone(matches)
	for i := range found {
		found[i].Text = text
	}
	return found
}

// Scanner finds a few words. It reads nothing but plain text.
type Scanner struct {
	Err  error
	Deaf <-chan struct{}
	// Report is given in place of a scan, where it is set.
	Report *scan.Report
}

// The words: the strong ones block, the ambiguous ones hold, and what is garbled cannot be read.
var (
	strong    = map[string]string{"asylum": "A1", "refugee": "A2", "eurodac": "A3", "reception centre": "A6", "protection refused": "A1", "fear to return": "A4"}
	ambiguous = map[string]string{"sanctuary": "A1", "protection": "A2"}
	garbled   = "zzzz"
)

// Scan is what the engine asks.
func (s *Scanner) Scan(_ context.Context, in scan.Input) (scan.Report, error) {
	if s.Deaf != nil {
		<-s.Deaf
	}
	if s.Err != nil || s.Report != nil {
		report := s.Report
		if report == nil {
			report = &scan.Report{}
		}
		return *report, s.Err
	}
	report := scan.Report{Verdict: scan.Pass, Language: "en", Covered: true}
	read := func(pointer, text string) {
		text = strings.ToLower(text)
		for word, code := range strong {
			if strings.Contains(text, word) {
				report.Hits = append(report.Hits, scan.Hit{Code: code, Grade: scan.Strong, Term: word, Track: scan.Plain, Pointer: pointer})
				report.Verdict = scan.Block
			}
		}
		for word, code := range ambiguous {
			if strings.Contains(text, word) && report.Verdict != scan.Block {
				report.Hits = append(report.Hits, scan.Hit{Code: code, Grade: scan.Ambiguous, Term: word, Track: scan.Plain, Pointer: pointer})
				report.Verdict = scan.Hold
			}
		}
		if strings.Contains(text, garbled) {
			report.Unscannable = append(report.Unscannable, scan.Unread{Pointer: pointer, Reason: scan.NotText})
		}
	}
	for _, f := range in.Fields {
		read(f.Pointer, f.Text)
	}
	for _, f := range in.Files {
		if f.Unread != "" {
			report.Unscannable = append(report.Unscannable, scan.Unread{Pointer: "file", Reason: f.Unread})
		}
		read("file", string(f.Content))
		report.FileText = append(report.FileText, string(f.Content))
	}
	if len(report.Unscannable) > 0 && report.Verdict == scan.Pass {
		report.Verdict = scan.Hold
	}
	return report, nil
}
