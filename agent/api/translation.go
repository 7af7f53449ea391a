package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"comity/agent/people"
	"comity/schemas"
)

// TranslationDesk is what the desk does with translations.
type TranslationDesk interface {
	OrderTranslation(ctx context.Context, by string, id schemas.MessageID, asked TranslationOrder) (Translation, error)
	AttachTranslation(ctx context.Context, by, order string, t TranslationText) (Translation, error)
	OpenTranslations(ctx context.Context) ([]Translation, error)
	// Translations are those of a message that people may read.
	Translations(ctx context.Context, id schemas.MessageID) ([]Translation, error)
}

// TranslationOrder asks for a translation of a message.
type TranslationOrder struct {
	Language  string       `json:"language"` // ISO 639-1
	DueOn     schemas.Date `json:"due_on"`
	Certified bool         `json:"certified,omitzero"`
}

// TranslationText is a translation as it came back.
type TranslationText struct {
	MediaType string `json:"media_type"` // text/plain or application/pdf
	Content   []byte `json:"content"`
}

// Translation is an order, and what came of it.
type Translation struct {
	Order     string            `json:"order"`
	Message   schemas.MessageID `json:"message"`
	Language  string            `json:"language"`
	Certified bool              `json:"certified,omitzero"`
	DueOn     schemas.Date      `json:"due_on"`
	OrderedBy string            `json:"ordered_by"`
	OrderedAt time.Time         `json:"ordered_at"`
	DoneBy    string            `json:"done_by,omitzero"`
	DoneAt    time.Time         `json:"done_at,omitzero"`
	MediaType string            `json:"media_type,omitzero"`
	SHA256    string            `json:"sha256,omitzero"`  // of the content
	Text      string            `json:"text,omitzero"`    // to be translated; in the answer to an order only
	Content   []byte            `json:"content,omitzero"` // of what was received; a draft has it among its files
}

// Translations is the answer of the lists.
type Translations struct {
	Translations []Translation `json:"translations"`
}

func (s *Server) translationRoutes() []route {
	return []route{
		{method: "POST", path: "/messages/{id}/translations", doors: onBoth, act: people.Translate, handle: s.orderTranslation,
			about: describe[Translation]("Order a translation of a message; the answer holds the text").takes(TranslationOrder{}).status(http.StatusCreated)},
		{method: "GET", path: "/messages/{id}/translations", doors: onBoth, act: people.ReadText, handle: s.translations,
			about: describe[Translations]("The translations of a message that was received, with their text")},
		{method: "GET", path: "/translations", doors: onBoth, act: people.ReadList, handle: s.openTranslations,
			about: describe[Translations]("List the orders of translations that are open, the next one due first")},
		{method: "POST", path: "/translations/{id}", doors: onBoth, act: people.Translate, handle: s.attachTranslation,
			about: describe[Translation]("Attach the translation that was ordered; of a draft this is an edit").takes(TranslationText{})},
	}
}

func (s *Server) orderTranslation(r *request) (int, any, error) {
	id, asked, err := named[TranslationOrder](r)
	if err != nil {
		return 0, nil, err
	}
	made, err := s.desk.OrderTranslation(r.Context(), r.person.Name, id, asked)
	return http.StatusCreated, made, err
}

func (s *Server) translations(r *request) (int, any, error) {
	id, err := r.id()
	if err != nil {
		return 0, nil, err
	}
	found, err := s.desk.Translations(r.Context(), id)
	return http.StatusOK, Translations{Translations: found}, err
}

func (s *Server) openTranslations(r *request) (int, any, error) {
	found, err := s.desk.OpenTranslations(r.Context())
	return http.StatusOK, Translations{Translations: found}, err
}

func (s *Server) attachTranslation(r *request) (int, any, error) {
	var t TranslationText
	if err := schemas.Decode(r.body, &t, schemas.PayloadLimits); err != nil {
		return 0, nil, badRequest(err)
	}
	done, err := s.desk.AttachTranslation(r.Context(), r.person.Name, r.PathValue("id"), t)
	return http.StatusOK, done, err
}

// OrderTranslation orders a translation of a message.
func (c *Client) OrderTranslation(ctx context.Context, id schemas.MessageID, asked TranslationOrder) (t Translation, err error) {
	body, err := schemas.Canonical(asked)
	if err != nil {
		return t, err
	}
	return t, c.do(ctx, http.MethodPost, "/v1/messages/"+string(id)+"/translations", body, &t)
}

// Translations are those of a message, with their text.
func (c *Client) Translations(ctx context.Context, id schemas.MessageID) ([]Translation, error) {
	var answer Translations
	err := c.do(ctx, http.MethodGet, "/v1/messages/"+string(id)+"/translations", nil, &answer)
	return answer.Translations, err
}

// OpenTranslations lists the orders that are open.
func (c *Client) OpenTranslations(ctx context.Context) ([]Translation, error) {
	var answer Translations
	err := c.do(ctx, http.MethodGet, "/v1/translations", nil, &answer)
	return answer.Translations, err
}

// AttachTranslation attaches the translation that an order asked for.
func (c *Client) AttachTranslation(ctx context.Context, order string, said TranslationText) (t Translation, err error) {
	body, err := schemas.Canonical(said)
	if err != nil {
		return t, err
	}
	return t, c.do(ctx, http.MethodPost, "/v1/translations/"+url.PathEscape(order), body, &t)
}
