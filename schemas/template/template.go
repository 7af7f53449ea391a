// Package template holds the neutral texts that stand in place of words in refusals, postponements, withdrawals and the
// answer that neither confirms nor denies. A message names a text by its id; each side shows it in a language that its
// people read. So nothing can be concluded from how somebody phrased it, and the bytes of the answer are the same for
// every person (ASY-09, NEU-01).
//
// It trusts only what is compiled in. It must never see a message: a text has no gap to be filled in. Each text is true
// wherever it may be used (NEU-02): one that names a ground belongs to messages that give this ground.
package template

import (
	_ "embed"
	"fmt"
	"slices"
	"sync"

	"comity/schemas"
)

// ID names a text. The text of an id never changes its meaning; another meaning has another id.
type ID string

// The ids that code refers to by name. NeitherConfirmNorDeny is the one answer to every question about where a victim
// or witness is, about status or protection (NEU-01).
const (
	NeitherConfirmNorDeny ID = "neither-confirm-nor-deny"
	WithdrawalNeutral     ID = "withdrawal-neutral"
	NotAvailable          ID = "not-available"
)

// Template is one text in all languages of the catalogue.
type Template struct {
	ID ID `json:"id"`
	// Channels and Name say which message types it may stand in: those of this name on these channels.
	Channels []schemas.Channel           `json:"channels"`
	Name     string                      `json:"name"`
	Texts    map[schemas.Language]string `json:"texts"`
}

// Text is the text in a language, English where the catalogue lacks it.
func (t Template) Text(l schemas.Language) string {
	if text, ok := t.Texts[l.Primary()]; ok {
		return text
	}
	return t.Texts["en"]
}

// MayStandIn tells whether a message of type m may name this text.
func (t Template) MayStandIn(m schemas.MessageType) bool {
	return m.Name() == t.Name && slices.Contains(t.Channels, m.Channel())
}

//go:embed catalogue.json
var catalogue []byte

var loaded = sync.OnceValues(func() ([]Template, error) {
	var file struct {
		Templates []Template `json:"templates"`
	}
	if err := schemas.Decode(catalogue, &file, schemas.DefaultLimits); err != nil {
		return nil, fmt.Errorf("reading the catalogue of templates: %w", err)
	}
	return file.Templates, nil
})

// All lists the catalogue, by id.
func All() []Template {
	list, err := loaded()
	if err != nil {
		return nil // a test holds that the catalogue can be read
	}
	return slices.Clone(list)
}

// ByID finds a text.
func ByID(id ID) (Template, bool) {
	for _, t := range All() {
		if t.ID == id {
			return t, true
		}
	}
	return Template{}, false
}
