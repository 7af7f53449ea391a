package agent

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/schemas"
)

// Files are read and made neutral when they are attached, before anybody approves, and the officer is shown what was found
// (ASY-10). What is approved, filtered and sent is the neutral file. A certified or evidential original keeps every byte: it
// is clean, or it waits. What was taken out of a file still counts when the message is decided on.

// The readings of a file, as officers see them. They say what the file is like and nothing of the rules.
const (
	readingClean  = "clean"
	readingHit    = "asylum-terms"   // something in it may be about asylum
	readingUnread = "cannot-be-read" // all or part of it
)

// attached is the files of one draft.
type attached []store.File

// attach makes the files of a draft neutral, in its payload, and reads each as it was handed in.
func (a *Agent) attach(ctx context.Context, d *schemas.Draft) (attached, error) {
	var files attached
	payload := d.Payload
	originals := originalsIn(d.Parsed)
	for i, handed := range d.Parsed.Attachments {
		was := scan.File{Name: handed.Name, MediaType: handed.MediaType, Content: handed.Content}
		neutral, err := scan.Neutralise(was, i+1, originals[handed.SHA256])
		if err != nil && !errors.Is(err, scan.ErrNotStripped) {
			return nil, fmt.Errorf("making attachment %d neutral: %w", i+1, err)
		}
		if neutralName.MatchString(handed.Name) {
			neutral.Name = handed.Name
		}
		file := store.File{Name: neutral.Name, Was: neutral.Before, Became: neutral.After, Reading: a.readFile(ctx, was)}
		if neutral.Changed {
			file.Original = handed.Content
		}
		files = append(files, file)
		payload = replaceFile(payload, handed, neutral)
	}
	if bytes.Equal(payload, d.Payload) {
		return files, nil
	}
	parsed, err := schemas.Validate(payload)
	if err != nil {
		return nil, asProblem(err)
	}
	d.Payload, d.Parsed = payload, parsed
	return files, nil
}

// neutralName is a name that says what kind of thing a file is and nothing of anybody.
var neutralName = regexp.MustCompile(`^(annex|attachment|certificate|claims|document|evidence|exhibit|fingerprints|image|judgment|law|ledger|letter|order|photo|record|report|statement|table|text|translation)-[0-9]{1,3}\.[a-z0-9]{1,5}$`)

// replaceFile puts a neutral file in the place of the one that was handed in. A hash is 64 digits and stands for nothing
// else in a payload, so what refers to the file by it follows.
func replaceFile(payload []byte, was schemas.Attachment, now scan.Neutral) []byte {
	if now.Changed {
		for old, fresh := range map[string]string{
			was.SHA256: hex.EncodeToString(now.After[:]),
			`"content":"` + base64.StdEncoding.EncodeToString(was.Content) + `"`: `"content":"` + base64.StdEncoding.EncodeToString(now.Content) + `"`,
		} {
			payload = bytes.ReplaceAll(payload, []byte(old), []byte(fresh))
		}
	}
	if !now.Changed && now.Name == was.Name {
		return payload
	}
	var object map[string]any
	if schemas.Decode(payload, &object, schemas.PayloadLimits) != nil {
		return payload // Validate says what is wrong
	}
	list, _ := object["attachments"].([]any)
	for _, entry := range list {
		if file, ok := entry.(map[string]any); ok && file["sha256"] == hex.EncodeToString(now.After[:]) && file["name"] == was.Name {
			file["name"], file["bytes"] = now.Name, len(now.Content)
		}
	}
	renamed, err := schemas.Canonical(object)
	if err != nil {
		return payload
	}
	return renamed
}

// originalsIn are the hashes of the files that a message gives as certified or as evidence with a chain of custody.
func originalsIn(p *schemas.Payload) map[string]bool {
	originals := map[string]bool{}
	var body any
	if json.Unmarshal(p.Body, &body) != nil {
		return originals
	}
	var visit func(node any)
	visit = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			if node["certified"] == true || node["chain_of_custody"] != nil || node["final"] == true {
				markOriginals(originals, node)
			}
			for _, child := range node {
				visit(child)
			}
		case []any:
			for _, child := range node {
				visit(child)
			}
		}
	}
	visit(body)
	return originals
}

func markOriginals(originals map[string]bool, node map[string]any) {
	if hash, ok := node["sha256"].(string); ok {
		originals[hash] = true
	}
	files, _ := node["files"].([]any)
	for _, file := range files {
		if hash, ok := file.(string); ok {
			originals[hash] = true
		}
	}
}

// readFile says what the scanner makes of a file as it was handed in.
func (a *Agent) readFile(ctx context.Context, f scan.File) string {
	report, err := a.scanner.Scan(ctx, scan.Input{Files: []scan.File{f}})
	switch {
	case err != nil:
		return readingUnread
	case len(report.Hits) > 0:
		return readingHit
	case report.Verdict != scan.Pass:
		return readingUnread
	}
	return readingClean
}

// originals adds the files of a draft as they were, for the rules, and the hashes under which they may have been received.
func originals(tx *store.Tx, f *policy.Facts, k store.Key) ([]store.Hash, error) {
	if k.ID == "" {
		return nil, nil
	}
	files, err := tx.Files(k)
	if err != nil {
		return nil, err
	}
	var before []store.Hash
	for _, file := range files {
		if file.Original == nil {
			continue
		}
		before = append(before, file.Was)
		f.Originals = append(f.Originals, scan.File{Name: file.Name, Content: file.Original})
	}
	return before, nil
}

func showFiles(files []store.File) []api.File {
	var shown []api.File
	for _, f := range files {
		shown = append(shown, api.File{Name: f.Name, SHA256: hexOf(f.Became), Reading: f.Reading, Neutralised: f.Was != f.Became})
	}
	return shown
}
