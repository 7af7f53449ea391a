package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"comity/agent/scan"
)

func policyScanCommand() *cobra.Command {
	asLines, asJSON := false, false
	cmd := &cobra.Command{
		Use:   "scan [FILE...]",
		Short: "Look for asylum data in files, or in standard input",
		Long: `Reads files, or standard input where there are none, and says of each whether the scanner would block it, hold it or let
it pass, with each hit underlined. Text and attachments are told apart by their content. Nothing is kept or sent.

With --jsonl each line is {"id":…,"text":…}, and each line of the answer, in the same order, is
{"id":…,"verdict":"block|hold|pass","language":…,"covered":true|false,"hits":[{"code":"A1","grade":"A|B","term":…,"track":…,"start":…,"end":…}]}.
Start and end are byte offsets into the UTF-8 text. A line that cannot be read is held, with "unscannable", and makes the
exit code 1.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			child, err := extractor()
			if err != nil {
				return fmt.Errorf("finding this program, to read attachments: %w", err)
			}
			scanner, err := scan.New(scan.Config{Extractor: child})
			if err != nil {
				return err
			}
			if asLines {
				return scanLines(cmd, scanner, files)
			}
			return scanFiles(cmd, scanner, files, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asLines, "jsonl", false, "read lines of JSON, and answer each with a line")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a file, with the members of --jsonl and the file's name")
	cmd.MarkFlagsMutuallyExclusive("jsonl", "json")
	return cmd
}

// scannedText is one answer of policy scan.
type scannedText struct {
	ID          jsontext.Value `json:"id,omitzero"`
	File        string         `json:"file,omitempty"`
	Verdict     scan.Verdict   `json:"verdict"`
	Language    string         `json:"language"`
	Covered     bool           `json:"covered"`
	Hits        []scannedHit   `json:"hits"`
	Unscannable []scan.Reason  `json:"unscannable,omitempty"`
}

type scannedHit struct {
	Code  string     `json:"code"`
	Grade scan.Grade `json:"grade"`
	Term  string     `json:"term"`
	Track scan.Track `json:"track"`
	Start int        `json:"start"`
	End   int        `json:"end"`
}

func scanned(r scan.Report) scannedText {
	s := scannedText{Verdict: r.Verdict, Language: r.Language, Covered: r.Covered, Hits: []scannedHit{}}
	for _, h := range r.Hits {
		s.Hits = append(s.Hits, scannedHit{Code: h.Code, Grade: h.Grade, Term: h.Term, Track: h.Track, Start: h.Start, End: h.End})
	}
	for _, u := range r.Unscannable {
		s.Unscannable = append(s.Unscannable, u.Reason)
	}
	return s
}

// attachmentLimit bounds what policy scan reads of one file.
const attachmentLimit = 256 << 20

func scanFiles(cmd *cobra.Command, scanner *scan.Scanner, files []string, asJSON bool) error {
	if len(files) == 0 {
		files = []string{"-"}
	}
	for _, name := range files {
		content, err := readUpTo(cmd, name)
		if err != nil {
			return err
		}
		file := scan.File{Content: content}
		if name != "-" {
			file.Name = filepath.Base(name)
		}
		report, err := scanner.Scan(cmd.Context(), scan.Input{Files: []scan.File{file}})
		if err != nil {
			return fmt.Errorf("scanning %q: %w", name, err)
		}
		if !asJSON {
			printScan(cmd.OutOrStdout(), name, file.Name, report)
			continue
		}
		answer := scanned(report)
		answer.File = name
		line, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("printing the scan of %q: %w", name, err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n", line)
	}
	return nil
}

func readUpTo(cmd *cobra.Command, name string) ([]byte, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening what to scan: %w", err)
		}
		defer f.Close()
		in = f
	}
	content, err := io.ReadAll(io.LimitReader(in, attachmentLimit+1))
	if err != nil {
		return nil, fmt.Errorf("reading what to scan: %w", err)
	}
	if len(content) > attachmentLimit {
		return nil, fmt.Errorf("%q is larger than %d MB", name, attachmentLimit>>20)
	}
	return content, nil
}
