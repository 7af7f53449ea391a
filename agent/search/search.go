// Package search says which words the content of a message has, for the index of words (agent/store).
//
// Words are folded like names in the protection register: case, accents, punctuation and the script make no difference. What
// was attached is not read. The package trusts that a payload was validated, and keeps nothing. It must never see a draft, nor what
// was withheld: the caller hands it only what everybody may read who may read content.
package search

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"

	"comity/agent/register/name"
)

const (
	// MaxWords bounds the words of one message that are kept, MaxQuery those that are asked for.
	MaxWords = 20_000
	MaxQuery = 12
)

// InText are the hashes of the words of a text, ascending, each once.
func InText(text string) (words []uint32) {
	for token := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		if len(words) >= MaxWords {
			break
		}
		words = append(words, hash(fold(token)))
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// InPayload are those of every text in a payload.
func InPayload(payload []byte) []uint32 {
	var value any
	if json.Unmarshal(payload, &value) != nil {
		return nil
	}
	var text strings.Builder
	collect(value, &text)
	return InText(text.String())
}

// collect gathers every text but the content of attachments, which is in base64.
func collect(value any, text *strings.Builder) {
	switch v := value.(type) {
	case string:
		text.WriteString(v)
		text.WriteByte('\n')
	case []any:
		for _, one := range v {
			collect(one, text)
		}
	case map[string]any:
		for key, one := range v {
			if key != "content" {
				collect(one, text)
			}
		}
	}
}

func fold(token string) string {
	if words := name.Words(token); len(words) > 0 {
		return words[0].Letters
	}
	return strings.ToLower(token)
}

func hash(word string) uint32 {
	sum := sha256.Sum256([]byte(word))
	return binary.LittleEndian.Uint32(sum[:])
}
