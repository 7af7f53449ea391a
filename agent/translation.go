package agent

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"comity/agent/api"
	letters "comity/agent/letter"
	"comity/agent/scan"
	"comity/agent/store"
	"comity/schemas"
)

// A translation is ordered of what somebody may read, and the order holds the text. Of a message that was received it is kept beside it,
// never sent, and known by its hash, so that what sticks to the message sticks to it. Of a draft it becomes a file of the draft: that is
// an edit, which undoes the approval, and the rules read the file as its own text.

var languageForm = regexp.MustCompile(`^[a-z]{2}$`)

// endings are the media types of translations with the ending of their names. The set is closed.
var endings = map[string]string{"text/plain": "txt", "application/pdf": "pdf"}

// OrderTranslation notes an order and gives the text to translate.
func (a *Agent) OrderTranslation(ctx context.Context, by string, id schemas.MessageID, asked api.TranslationOrder) (api.Translation, error) {
	if !languageForm.MatchString(asked.Language) {
		return api.Translation{}, problem(api.ReasonRequest, "nothing says into which language", "two letters, such as fr")
	}
	due, err := time.Parse(time.DateOnly, string(asked.DueOn))
	if err != nil || due.AddDate(0, 0, 1).Before(a.now()) {
		return api.Translation{}, problem(api.ReasonRequest, "nothing says by when, or it is over", "a day such as 2026-12-15")
	}
	var shown api.Translation
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		m, err := oneMessage(tx, id)
		if err != nil {
			return err
		}
		if !translatable(m) {
			return problem(ReasonState, fmt.Sprintf("message %s is %s and cannot be translated", m.ID, show(m, nil).State), "")
		}
		read, err := letters.Read(jsontext.Value(m.Payload))
		if err != nil {
			return fmt.Errorf("reading message %s: %w", m.ID, err)
		}
		var text bytes.Buffer
		read.WriteText(&text, "(enclosed)")
		order := &store.Translation{
			ID: string(schemas.NewMessageID()), Of: m.Key, Language: asked.Language, Certified: asked.Certified, DueOn: asked.DueOn, OrderedBy: by, OrderedAt: a.now(),
		}
		shown = showTranslation(order)
		shown.Text = text.String()
		return tx.PutTranslation(order)
	})
	return shown, err
}

// oneMessage finds a message by its whole id, which is unique within its sender only.
func oneMessage(tx *store.Tx, id schemas.MessageID) (*store.Message, error) {
	found, err := tx.MessagesByPrefix(string(id), 2)
	if err == nil {
		err = exactlyOne(len(found), "message")
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// translatable are what was received and may be read, and what of ours has not left.
func translatable(m *store.Message) bool {
	if m.Payload == nil {
		return false
	}
	if m.Direction == store.In {
		return m.Screening == store.ScreenClear
	}
	return slices.Contains(editable, m.State)
}

// AttachTranslation takes the translation that an order asked for.
func (a *Agent) AttachTranslation(ctx context.Context, by, order string, t api.TranslationText) (api.Translation, error) {
	if endings[t.MediaType] == "" || len(t.Content) == 0 || len(t.Content) > schemas.MaxAttachmentBytes {
		return api.Translation{}, problem(api.ReasonRequest, "a translation is plain text or PDF, of at most 512 KiB", "give its media type: text/plain or application/pdf")
	}
	var m *store.Message
	err := a.store.View(ctx, func(tx *store.Tx) error {
		o, err := openOrder(tx, order)
		if err != nil {
			return err
		}
		m, err = tx.Message(o.Of)
		return err
	})
	if err == nil && m.Direction == store.Out {
		err = a.addToDraft(ctx, by, m, t)
	}
	if err != nil {
		return api.Translation{}, err
	}
	var shown api.Translation
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		o, err := openOrder(tx, order)
		if err != nil {
			return err
		}
		o.DoneBy, o.DoneAt, o.MediaType, o.SHA256 = by, a.now(), t.MediaType, sha256.Sum256(t.Content)
		shown = showTranslation(o)
		if m.Direction == store.Out {
			return tx.PutTranslation(o)
		}
		if m, err = tx.BareMessage(o.Of); err != nil {
			return err
		}
		if !translatable(m) {
			return problem(ReasonState, fmt.Sprintf("message %s is %s and cannot be translated", m.ID, show(m, nil).State), "")
		}
		o.Content = t.Content
		return errors.Join(tx.PutTranslation(o), noteTranslation(tx, o), a.recordHome(tx, eventTranslated, m.ID, o.SHA256, by))
	})
	return shown, err
}

// noteTranslation makes the file known, as it is and as it would be attached, so that it is recognised when it is passed on.
func noteTranslation(tx *store.Tx, o *store.Translation) error {
	neutral, err := scan.Neutralise(scan.File{Name: "translation-1." + endings[o.MediaType], MediaType: o.MediaType, Content: o.Content}, 1, false)
	if err == nil && neutral.Changed {
		if err := tx.AddItem(neutral.After, o.Of); err != nil {
			return err
		}
	}
	return tx.AddItem(o.SHA256, o.Of)
}

func openOrder(tx *store.Tx, id string) (*store.Translation, error) {
	o, err := tx.Translation(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, problem(ReasonNotFound, "no such order of a translation", "comity translation list shows those that are open")
	}
	if err == nil && !o.DoneAt.IsZero() {
		return nil, problem(ReasonState, "this translation is attached already", "order another one")
	}
	return o, err
}

// addToDraft is an edit like any other: the approval is undone, the file is read and made neutral, and whoever attached it is an
// author.
func (a *Agent) addToDraft(ctx context.Context, by string, m *store.Message, t api.TranslationText) error {
	var object map[string]any
	if err := schemas.Decode(m.Payload, &object, schemas.PayloadLimits); err != nil {
		return fmt.Errorf("reading message %s: %w", m.ID, err)
	}
	files, _ := object["attachments"].([]any)
	n, name := 0, ""
	for taken := true; taken; {
		n++
		name = fmt.Sprintf("translation-%d.%s", n, endings[t.MediaType])
		taken = slices.ContainsFunc(files, func(f any) bool { file, _ := f.(map[string]any); return file["name"] == name })
	}
	object["attachments"] = append(files, map[string]any{
		"name": name, "media_type": t.MediaType, "sha256": sha256Hex(t.Content), "bytes": len(t.Content), "content": base64.StdEncoding.EncodeToString(t.Content),
	})
	object["to"] = []any{string(m.Recipient)}
	if m.Home != nil {
		object["home"] = jsontext.Value(m.Home)
	}
	draft, err := schemas.Canonical(object)
	if err != nil {
		return err
	}
	_, err = a.Edit(ctx, by, m.ID, draft)
	return err
}

// OpenTranslations lists the orders that are not done, the most urgent first. It holds no text.
func (a *Agent) OpenTranslations(ctx context.Context) ([]api.Translation, error) {
	shown := []api.Translation{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.OpenTranslations(listLimit)
		for _, o := range found {
			shown = append(shown, showTranslation(o))
		}
		return err
	})
	return shown, err
}

// Translations are those of one message with their text, none while people may not read the message itself.
func (a *Agent) Translations(ctx context.Context, id schemas.MessageID) ([]api.Translation, error) {
	shown := []api.Translation{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		m, err := oneMessage(tx, id)
		if err != nil || m.Direction == store.In && m.Screening != store.ScreenClear {
			return err
		}
		found, err := tx.TranslationsOf(m.Key)
		for _, o := range found {
			one := showTranslation(o)
			one.Content = o.Content
			shown = append(shown, one)
		}
		return err
	})
	return shown, err
}

func showTranslation(o *store.Translation) api.Translation {
	t := api.Translation{
		Order: o.ID, Message: o.Of.ID, Language: o.Language, Certified: o.Certified, DueOn: o.DueOn, OrderedBy: o.OrderedBy, OrderedAt: o.OrderedAt,
		DoneBy: o.DoneBy, DoneAt: o.DoneAt, MediaType: o.MediaType,
	}
	if !o.DoneAt.IsZero() {
		t.SHA256 = hexOf(o.SHA256)
	}
	return t
}
