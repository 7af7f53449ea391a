package console

import (
	"fmt"
	"net/http"
	"time"

	"comity/agent/api"
	"comity/schemas"
)

// The border desk works day and night: what arrives is there at once, with a sound, and the keyboard is enough.

// borderShown bounds the list.
const borderShown = 40

// borderPage is what came and went lately, the newest first.
type borderPage struct {
	Arrived []api.Message
	Sent    []api.Message
}

func (k *Console) borderBody(r *http.Request) (body borderPage, err error) {
	found, err := k.Records.OnChannel(r.Context(), schemas.ChannelBorder, borderShown)
	if err != nil {
		return body, err
	}
	drafts, err := k.Records.InState(r.Context(), "in-review", waitingShown)
	for _, m := range drafts {
		if m.Channel == schemas.ChannelBorder && m.Case != "" && !containsMessage(found, m.ID) {
			body.Sent = append(body.Sent, m)
		}
	}
	for _, m := range found {
		if m.Direction == "in" {
			body.Arrived = append(body.Arrived, m)
		} else {
			body.Sent = append(body.Sent, m)
		}
	}
	return body, err
}

func containsMessage(list []api.Message, id schemas.MessageID) bool {
	for _, m := range list {
		if m.ID == id {
			return true
		}
	}
	return false
}

func (k *Console) border(w http.ResponseWriter, r *http.Request, v *visit) {
	body, err := k.borderBody(r)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.show(w, r, v, "border", "border.title", body)
}

// borderList is the lists alone, for a script that was told that something changed.
func (k *Console) borderList(w http.ResponseWriter, r *http.Request, v *visit) {
	body, err := k.borderBody(r)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	k.fragment(w, v, "border", "lists", k.pageOf(r, v, "", body))
}

// How often a stream says that it is there, and looks whether its session is.
const keepAlive = 10 * time.Second

// borderEvents tells a script of each message on the border channel: its id, and whether it arrived. It is no use of the session:
// a page that is left open does not keep anybody logged in.
func (k *Console) borderEvents(w http.ResponseWriter, r *http.Request, v *visit) {
	events, stop := k.Desk.Watch()
	defer stop()
	stream := http.NewResponseController(w)
	stream.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if stream.Flush() != nil {
		return
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		line := ": alive\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-alive.C:
			if !k.Book.Alive(v.Session) {
				return
			}
		case e := <-events:
			kind := k.borderEvent(r, e)
			if kind == "" {
				continue
			}
			line = fmt.Sprintf("event: %s\ndata: %s\n\n", kind, e.Message)
		}
		if _, err := w.Write([]byte(line)); err != nil || stream.Flush() != nil {
			return
		}
	}
}

// borderEvent is arrived for a message that came just now and may be read, changed for any other of the border, and "" for the
// rest.
func (k *Console) borderEvent(r *http.Request, e api.Event) string {
	if e.Message == "" {
		return ""
	}
	m, err := k.Desk.Message(r.Context(), string(e.Message))
	switch {
	case err != nil || m.Channel != schemas.ChannelBorder:
		return ""
	case m.Direction == "in" && !m.Withheld:
		return "arrived"
	}
	return "changed"
}
