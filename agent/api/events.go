package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/people"
)

func (s *Server) eventRoutes() []route {
	return []route{
		{method: "GET", path: "/webhooks", doors: onWeb, act: people.UseHooks, handle: s.webhooks,
			about: describe[Webhooks]("List where the caller is told what changes")},
		{method: "POST", path: "/webhooks", doors: onWeb, act: people.UseHooks, handle: s.addWebhook,
			about: describe[Webhook]("Be told what changes at an address: https, or http on this machine. The secret is answered once").takes(NewWebhook{}).status(http.StatusCreated)},
		{method: "DELETE", path: "/webhooks/{id}", doors: onWeb, act: people.UseHooks, handle: s.dropWebhook,
			about: describe[Webhook]("Be told there no more")},
		{method: "GET", path: "/events", doors: onBoth, act: people.ReadList, stream: s.events,
			about: describe[eventStream]("What changes from now on, as server-sent events: ids and states, no content")},
	}
}

// maxStreams bounds the streams of events that are open at one time, at each door.
const maxStreams = 256

// keepAlive is how often a stream says that it is there, and looks whether its session is.
const keepAlive = 15 * time.Second

// events is a stream of server-sent events that ends with the request, its session or the agent.
func (s *Server) events(w http.ResponseWriter, r *request) {
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		s.refuse(w, &Problem{Reason: ReasonTooOften, Message: "as many streams of events are open as may be", Hint: "close one, or use a webhook"})
		return
	}
	events, stop := s.desk.Watch()
	defer stop()
	flusher := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if flusher.Flush() != nil {
		return
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for {
		var line []byte
		select {
		case <-r.Context().Done():
			return
		case <-alive.C:
			line = []byte(": alive\n\n")
		case e := <-events:
			encoded, err := json.Marshal(e)
			if err != nil {
				return
			}
			line = fmt.Appendf(nil, "data: %s\n\n", encoded)
		}
		if r.alive != nil && !r.alive() {
			return
		}
		if _, err := w.Write(line); err != nil || flusher.Flush() != nil {
			return
		}
	}
}
