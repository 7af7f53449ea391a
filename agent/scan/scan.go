package scan

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Config is how a scanner is set up. The zero value works.
type Config struct {
	// Extractor is the command line that starts the child process that reads attachments. Without one, only plain text
	// is read and every other attachment is unscannable.
	Extractor []string
	// ExtractTime is how long one attachment may take; zero means 30 s.
	ExtractTime time.Duration
}

// Scanner looks for asylum data. It is safe for concurrent use.
type Scanner struct {
	config    Config
	match     *matcher
	languages *profiles
	inProcess bool // in tests that need no child: read attachments here
	read      remembered
}

// New makes a scanner. The lexicon is compiled once a process, so further scanners cost nothing.
func New(c Config) (*Scanner, error) {
	m, err := compiled()
	if err != nil {
		return nil, fmt.Errorf("compiling the lexicon: %w", err)
	}
	p, err := loadedProfiles()
	if err != nil {
		return nil, err
	}
	return &Scanner{config: c, match: m, languages: p}, nil
}

// Scan reads everything of one message. It never panics; any failure is an error, and an error means that nothing was
// cleared: the caller holds.
func (s *Scanner) Scan(ctx context.Context, in Input) (report Report, err error) {
	defer func() {
		if p := recover(); p != nil {
			// What a panic says may quote what was read.
			report, err = Report{}, fmt.Errorf("scanning: a reader failed (%T)", p)
		}
	}()
	report.Covered = true
	for _, f := range in.Fields {
		if err := ctx.Err(); err != nil {
			return Report{}, fmt.Errorf("scanning fields: %w", err)
		}
		s.readField(&report, f)
	}
	for n, f := range in.Files {
		if err := ctx.Err(); err != nil {
			return Report{}, fmt.Errorf("scanning attachments: %w", err)
		}
		s.readFile(ctx, &report, fmt.Sprintf("file:%d", n), f)
	}
	report.Hits = append(report.Hits, s.match.findJoined(pieces(in, report.FileText))...)
	report.judge()
	return report, nil
}

// pieces are the parts of a message in which people write: fields, and the text of attachments.
func pieces(in Input, files []string) []piece {
	var all []piece
	for _, f := range in.Fields {
		all = append(all, piece{f.Pointer, f.Text})
	}
	for n, text := range files {
		all = append(all, piece{fmt.Sprintf("file:%d", n), text})
	}
	return all
}

// readText scans one text on all tracks.
func (s *Scanner) readText(report *Report, pointer, text string, stretches []stretch) {
	language, covered := summary(stretches)
	report.Covered = report.Covered && covered
	if len(text) > report.longest && language != "" {
		report.Language, report.longest = language, len(text)
	}
	hits, complete := s.match.readAll(text)
	if !complete {
		report.miss(pointer, TooMuch)
	}
	if opaque(text) || conceals(text) {
		report.miss(pointer, Opaque)
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Compare(a.Start, b.Start) })
	for _, h := range hits {
		if h.local != "" && !s.languages.may(stretches, h.Start, h.local) {
			continue
		}
		if h.name && namesSomebody(text, h) && !saysSomething(stretches, h.Start) {
			if h.Grade == Ambiguous {
				continue
			}
			h.Grade = Ambiguous
		}
		h = Hit{Code: h.Code, Grade: h.Grade, Term: h.Term, Track: h.Track, Pointer: pointer, Start: h.Start, End: h.End}
		if n := len(report.Hits); n == 0 || report.Hits[n-1] != h {
			report.Hits = append(report.Hits, h)
		}
	}
}

func (s *Scanner) readField(report *Report, f Field) {
	if !utf8.ValidString(f.Text) {
		report.miss(f.Pointer, BadEncoding)
	}
	s.readText(report, f.Pointer, f.Text, s.languages.judgeLanguages(f.Text))
}

// readFile scans an attachment: its name, its text and its metadata as one text, since a word may be split over them. The
// language is that of the text, and of such lines of the metadata as are sentences.
func (s *Scanner) readFile(ctx context.Context, report *Report, pointer string, f File) {
	var x extraction
	if f.Unread == "" {
		x = s.extract(ctx, f)
	} else {
		x.Unread = []Reason{f.Unread}
	}
	for _, reason := range x.Unread {
		report.miss(pointer, reason)
	}
	x.Notes = f.Name + "\n" + x.Notes
	text := x.Text + x.Notes
	stretches := s.languages.judgeLanguages(x.Text)
	at := len(x.Text)
	for line := range strings.Lines(x.Notes) {
		if strings.Count(line, " ") >= sentenceSpaces {
			for _, st := range s.languages.judgeLanguages(line) {
				st.start, st.end = st.start+at, st.end+at
				stretches = append(stretches, st)
			}
		}
		at += len(line)
	}
	report.FileText = append(report.FileText, text)
	s.readText(report, pointer, text, stretches)
}

// sentenceSpaces is how many spaces a line of metadata has that may be a sentence.
const sentenceSpaces = 7

// miss notes that a part could not be read.
func (r *Report) miss(pointer string, reason Reason) {
	r.Unscannable = append(r.Unscannable, Unread{Pointer: pointer, Reason: reason})
}
