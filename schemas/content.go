package schemas

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// checkContent holds the rules that no schema can say. It walks the tree and not the typed payload, so that it also
// finds these defects in a payload that breaks its schema; what has the wrong kind is left to the schema.
func (s *schemaSet) checkContent(payload map[string]any) []Defect {
	var defects []Defect
	refs := checkSubjects(payload, &defects)
	hashes := append(checkAttachments(payload, &defects), checkEvidence(payload, &defects)...)
	s.checkReferences(payload["body"], "/body", refs, hashes, &defects)
	checkTemplate(payload["body"], &defects)
	return defects
}

// checkSubjects returns the references that the message defines, and reports one that is defined twice.
func checkSubjects(payload map[string]any, defects *[]Defect) []string {
	var refs []string
	subjects, _ := payload["subjects"].([]any)
	for i, subject := range subjects {
		s, _ := subject.(map[string]any)
		ref, ok := s["ref"].(string)
		if !ok {
			continue
		}
		if slices.Contains(refs, ref) {
			*defects = append(*defects, Defect{
				Pointer: "/subjects/" + strconv.Itoa(i) + "/ref", Rule: RuleUnique, Hint: "each subject has a reference of its own",
			})
		}
		refs = append(refs, ref)
	}
	return refs
}

// checkAttachments compares each content with its size and hash, and the whole with the limit. It returns the hashes.
func checkAttachments(payload map[string]any, defects *[]Defect) []string {
	var hashes, names []string
	total := 0
	attachments, _ := payload["attachments"].([]any)
	for i, attachment := range attachments {
		at := "/attachments/" + strconv.Itoa(i)
		report := func(member string, rule Rule, hint string) {
			*defects = append(*defects, Defect{Pointer: at + member, Rule: rule, Hint: hint})
		}
		a, _ := attachment.(map[string]any)
		if name, ok := a["name"].(string); ok {
			if slices.Contains(names, name) {
				report("/name", RuleUnique, "each attachment has a name of its own")
			}
			names = append(names, name)
		}
		text, ok := a["content"].(string)
		if !ok {
			continue
		}
		content, err := decodeBase64(text)
		if err != nil {
			report("/content", RuleAttachmentEncoding, "base64 with padding, in one line")
			continue
		}
		total += len(content)
		if size, ok := a["bytes"].(float64); ok && size != float64(len(content)) {
			report("/bytes", RuleAttachmentSize, "must be the number of bytes of the content")
		}
		sum := sha256.Sum256(content)
		if hash, ok := a["sha256"].(string); ok {
			if hash != hex.EncodeToString(sum[:]) {
				report("/sha256", RuleAttachmentHash, "must be the SHA-256 of the content")
			}
			hashes = append(hashes, hash)
		}
	}
	if total > MaxAttachmentBytes {
		*defects = append(*defects, Defect{
			Pointer: "/attachments", Rule: RuleAttachmentsTotal, Hint: fmt.Sprintf("at most %d bytes in all", MaxAttachmentBytes),
		})
	}
	return hashes
}

// decodeBase64 accepts the one canonical text of some content; the standard decoder would skip line ends.
func decodeBase64(text string) ([]byte, error) {
	content, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodedLen(len(content)) != len(text) {
		err = base64.CorruptInputError(len(text))
	}
	return content, err
}

// checkReferences holds two conventions of all bodies: a member "person" refers to a subject of this message, and
// "files" to attachments and evidence of this message by their hash.
func (s *schemaSet) checkReferences(node any, at string, refs, hashes []string, defects *[]Defect) {
	switch node := node.(type) {
	case map[string]any:
		if person, ok := node["person"].(string); ok && !slices.Contains(refs, person) {
			*defects = append(*defects, Defect{Pointer: at + "/person", Rule: RuleUnknownRef, Hint: "no subject of this message has this reference"})
		}
		files, _ := node["files"].([]any)
		for i, file := range files {
			if hash, ok := file.(string); ok && !slices.Contains(hashes, hash) {
				*defects = append(*defects, Defect{Pointer: at + "/files/" + strconv.Itoa(i), Rule: RuleUnknownRef, Hint: "no attachment and no file of evidence of this message has this hash"})
			}
		}
		for name, child := range node {
			if _, known := s.names[name]; known { // a name that no schema has must not become part of a pointer
				s.checkReferences(child, at+"/"+name, refs, hashes, defects)
			}
		}
	case []any:
		for i, child := range node {
			s.checkReferences(child, at+"/"+strconv.Itoa(i), refs, hashes, defects)
		}
	}
}

// checkTemplate holds a neutral text to what the message says (NEU-02): the text for one ground does not stand beside
// another.
func checkTemplate(body any, defects *[]Defect) {
	b, _ := body.(map[string]any)
	id, _ := b["template"].(string)
	for kind, member := range map[string]string{"refusal-": "ground", "postponement-": "reason"} {
		subject, ok := strings.CutPrefix(id, kind)
		if said, _ := b[member].(string); ok && subject != said {
			*defects = append(*defects, Defect{Pointer: "/body/template", Rule: RuleConst, Hint: "the text must be the one of the " + member + " that is given"})
		}
	}
}
