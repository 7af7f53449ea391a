package scan

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Config is how a scanner is set up. The zero value works.
type Config struct {
	// Extractor is the command line that starts the child process that reads attachments. Without one, only plain text
	// is read and every other attachment is unscannable.
	Extractor []string
}

// Scanner looks for asylum data. It is safe for concurrent use.
type Scanner struct {
	config    Config
	match     *matcher
	languages *profiles
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
		s.readText(&report, f.Pointer, f.Text)
	}
	for n, f := range in.Files {
		if err := ctx.Err(); err != nil {
			return Report{}, fmt.Errorf("scanning attachments: %w", err)
		}
		s.readFile(&report, fmt.Sprintf("file:%d", n), f)
	}
	report.judge()
	return report, nil
}

func (s *Scanner) readText(report *Report, pointer, text string) {
	if !utf8.ValidString(text) {
		report.Unscannable = append(report.Unscannable, Unread{Pointer: pointer, Reason: BadEncoding})
	}
	stretches := s.languages.judgeLanguages(text)
	language, covered := summary(stretches)
	report.Covered = report.Covered && covered
	if len(text) > report.longest && language != "" {
		report.Language, report.longest = language, len(text)
	}
	hits, complete := s.match.readAll(text)
	if !complete {
		report.Unscannable = append(report.Unscannable, Unread{Pointer: pointer, Reason: TooMuch})
	}
	for _, h := range hits {
		if h.local != "" && !s.languages.may(stretches, h.Start, h.local) {
			continue
		}
		h.Pointer = pointer
		report.Hits = append(report.Hits, h)
	}
}

func (s *Scanner) readFile(report *Report, pointer string, f File) {
	s.readText(report, pointer+"/name", f.Name)
	text := string(f.Content)
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) || strings.HasPrefix(text, "%PDF") {
		report.Unscannable = append(report.Unscannable, Unread{Pointer: pointer, Reason: NotText})
		text = ""
	}
	report.FileText = append(report.FileText, text)
	s.readText(report, pointer, text)
}
