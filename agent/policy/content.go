package policy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"comity/agent/scan"
	"comity/schemas"
)

// content is what the words and the structured members of a message say about asylum.
type content struct {
	datum      bool // in words, for certain
	structured bool // by the value of a member
	doubtful   bool
	unreadable bool
	eurodac    bool
	fearNoted  bool     // in the notes of the gate record
	unit       bool     // the sender is named like a unit for asylum
	plainly    bool     // there is a hit on the plain or folded track
	failed     bool     // the scanner did not answer
	codes      []string // of datum, structured and doubtful: A1 to A13, sorted
	fileText   []string
}

// clean tells whether all of it was read and nothing was found.
func (c content) clean() bool { return !c.datum && !c.structured && !c.doubtful && !c.unreadable }

// readContent scans a letter, and beside it what was noted at home and what the sender is called.
func readContent(ctx context.Context, s Scanner, f Facts, l *letter, sender string) content {
	c := scanLetter(ctx, s, l, append(evidenceOf(l, f.Evidence), f.Originals...)...)
	c.structured, c.eurodac = structuredData(l)
	if c.structured {
		c.codes = append(c.codes, "A3")
	}
	if f.Home.Gate != nil && f.Home.Gate.Notes != "" {
		c.fearNoted = notesFear(ctx, s, f.Home.Gate.Notes)
	}
	c.unit = namesAsylumUnit(ctx, s, sender)
	slices.Sort(c.codes)
	c.codes = slices.Compact(c.codes)
	return c
}

// evidenceOf is the files that travel beside a letter, each as it was handed in. One that was not counts as not read.
func evidenceOf(l *letter, handed []EvidenceContent) (files []scan.File) {
	for _, sha256 := range l.evidence {
		found := false
		for _, one := range handed {
			if one.SHA256 == sha256 {
				files, found = append(files, one.File), true
			}
		}
		if !found {
			files = append(files, scan.File{Unread: scan.TooMuch})
		}
	}
	return files
}

// scanLetter reads every text and every file. A scanner that is missing, fails or is slow has cleared nothing.
func scanLetter(ctx context.Context, s Scanner, l *letter, originals ...scan.File) (c content) {
	words, codes := l.scanned()
	c = scanAll(ctx, s, scan.Input{Fields: words, Files: slices.Concat(l.files, originals)})
	// Random letters are in no language, and like a word in some disguise: only what stands there plainly counts.
	coded := scanAll(ctx, s, scan.Input{Fields: codes})
	c.datum = c.datum || coded.datum
	c.doubtful = c.doubtful || coded.plainly
	c.unreadable = c.unreadable || coded.failed
	if coded.datum || coded.plainly {
		c.codes = append(c.codes, coded.codes...)
	}
	return c
}

// scanAll scans one input.
func scanAll(ctx context.Context, s Scanner, in scan.Input) (c content) {
	if len(in.Fields)+len(in.Files) == 0 {
		return c
	}
	report, err := ask(ctx, func(ctx context.Context) (scan.Report, error) {
		if s == nil {
			return scan.Report{}, errNobodyToAsk
		}
		return s.Scan(ctx, in)
	})
	if err != nil {
		return content{unreadable: true, failed: true}
	}
	for _, hit := range report.Hits {
		c.codes = append(c.codes, hit.Code)
		c.plainly = c.plainly || hit.Track == scan.Plain || hit.Track == scan.Folded
	}
	switch report.Verdict {
	case scan.Block:
		c.datum = !slices.ContainsFunc(report.Hits, scan.Hit.Strong) || slices.ContainsFunc(report.Hits, saysForCertain)
		c.doubtful = !c.datum
	case scan.Hold, scan.Pass:
		c.doubtful = len(report.Hits) > 0 // a strong hit beside a known harmless phrase comes with a milder verdict
	default:
		c.failed = true
	}
	nothingSaid := report.Verdict == scan.Hold && len(report.Hits) == 0
	c.unreadable = c.failed || len(report.Unscannable) > 0 || !report.Covered || nothingSaid
	c.fileText = report.FileText
	return c
}

// saysForCertain tells whether a hit is an asylum datum wherever it stands. Asil is a word of asylum in one language and a
// name in another: in a person's name only what is nobody's name is certain, and the rest is looked at by a person.
func saysForCertain(hit scan.Hit) bool {
	return hit.Strong() && (!isIdentity(hit.Pointer) || containsAny(strings.ToLower(hit.Term), nobodysName))
}

// nobodysName are parts of words of asylum that are no part of a name.
var nobodysName = []string{
	"asylum", "refugee", "asile", "réfugi", "refugia", "flücht", "fluecht", "asyl", "eurodac", "unhcr", "dublin", "reception", "убежищ", "бежен", "لجوء", "لاجئ", "庇护", "难民",
}

var errNobodyToAsk = errors.New("nobody to ask")

// ask calls somebody who may be slow or may not listen to ctx, and stops waiting when it ends.
func ask[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	type reply struct {
		value T
		err   error
	}
	replies := make(chan reply, 1)
	go func() {
		var r reply
		defer func() {
			if recover() != nil { // what a panic says may quote what was read
				r.err = errors.New("the one who was asked failed")
			}
			replies <- r
		}()
		r.value, r.err = call(ctx)
	}()
	select {
	case r := <-replies:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// structuredData finds asylum data that a member says by its value, whatever language the words are in (A2, A3, A8).
func structuredData(l *letter) (found, eurodac bool) {
	for _, leaf := range l.leaves {
		text := strings.ToLower(leaf.Text)
		switch {
		case strings.HasSuffix(leaf.Pointer, "/provenance") && strings.Contains(text, "eurodac"):
			found, eurodac = true, true
		case strings.HasSuffix(leaf.Pointer, "/instrument") && containsAny(text, asylumInstruments):
			found = true
		case isIdentity(leaf.Pointer) && (text == "xxb" || text == "xxc"): // ICAO 9303: refugee
			found = true
		case strings.HasSuffix(leaf.Pointer, "/kind") && containsAny(text, []string{"convention-travel", "refugee"}):
			found = true
		}
	}
	return found, eurodac
}

// asylumInstruments are parts of names of instruments on which only asylum matters rest.
var asylumInstruments = []string{
	"refugee", "asylum", "dublin", "eurodac", "geneva-1951", "1951", "1967", "qualification", "temporary-protection", "2024-1348", "2024-1351", "2013-604",
}

func containsAny(text string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// noteLetter is text that is not a message, in the form in which it is scanned.
func noteLetter(text string) *letter {
	return &letter{leaves: []schemas.Leaf{{Pointer: "", Text: text, Kind: schemas.LeafFree}}}
}

// unitStems are parts of names of units for asylum.
var unitStems = []string{"asyl", "asil", "refug", "réfug", "flücht", "dublin", "eurodac", "bamf", "ofpra", "unhcr", "убежищ", "бежен", "لجوء", "庇护"}

// namesAsylumUnit tells whether an authority is called like a unit for asylum (A9). Only words count here, not whether the
// name is in a language that the scanner knows.
func namesAsylumUnit(ctx context.Context, s Scanner, name string) bool {
	if containsAny(strings.ToLower(name), unitStems) {
		return true
	}
	return scanLetter(ctx, s, noteLetter(name)).datum
}
