package agent

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/store"
)

// Webhooks tell the case systems of this authority what changes, one after the other to each. Nobody waits for them: a receiver
// that is away loses the oldest, and is told so with a resync, as it is after each start of the agent.

// Bounds of webhooks.
const (
	maxHooks     = 20 // in all
	hookQueue    = 256
	hookPatience = 10 * time.Second // for one answer
	hookFirst    = time.Second      // wait before the second attempt, doubled each time
	hookLongest  = 5 * time.Minute
	hookGiveUp   = 24 * time.Hour // after which what waits is dropped for a resync
	secretPrefix = "whsec_"
)

// hookRunner posts to the webhooks. Its map belongs to the lock.
type hookRunner struct {
	client *http.Client
	first  time.Duration // hookFirst, but in tests

	mu      sync.Mutex
	running map[string]*hook // nil until Run
	start   func(*hook)
}

// hook is one webhook at work.
type hook struct {
	store.Webhook
	stop context.CancelFunc
	mu   sync.Mutex
	wait []api.HookEvent // bounded: a resync stands for what was lost
	more signal
}

func newHookRunner() *hookRunner {
	return &hookRunner{first: hookFirst, client: &http.Client{
		Timeout:       hookPatience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the address is the one that was given
		Transport:     &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute},         // and no proxy stands between
	}}
}

// checkHookURL allows TLS to anywhere and plain HTTP to this machine only.
func checkHookURL(text string) error {
	u, err := url.Parse(text)
	if err == nil && len(text) <= 500 && u.Host != "" && u.User == nil && u.Fragment == "" {
		ip := net.ParseIP(u.Hostname())
		if u.Scheme == "https" || u.Scheme == "http" && ip != nil && ip.IsLoopback() {
			return nil
		}
	}
	return problem(api.ReasonRequest, "the address of a webhook is https://host/path, or http with a loopback address such as 127.0.0.1", "without user, fragment, and with 500 characters at most")
}

// AddWebhook keeps where a client is told what changes, and begins.
func (a *Agent) AddWebhook(ctx context.Context, client, address string) (api.Webhook, error) {
	if err := checkHookURL(address); err != nil {
		return api.Webhook{}, err
	}
	secret := make([]byte, 32)
	rand.Read(secret)
	h := &store.Webhook{ID: strings.ToLower(rand.Text()), Client: client, URL: address, Secret: secret, CreatedAt: a.now()}
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Webhooks()
		if err != nil {
			return err
		}
		if len(all) >= maxHooks {
			return problem(ReasonState, "there are as many webhooks as there may be", "remove one that is not used")
		}
		return errors.Join(tx.AddWebhook(h), a.recordAccount(tx, account.EventWebhook, sha256.Sum256([]byte(h.ID+"\n"+h.URL)), client))
	})
	if err != nil {
		return api.Webhook{}, err
	}
	a.hooks.begin(h)
	return api.Webhook{ID: h.ID, URL: h.URL, Secret: secretPrefix + base64.StdEncoding.EncodeToString(secret)}, nil
}

// DropWebhook forgets a webhook of a client.
func (a *Agent) DropWebhook(ctx context.Context, client, id string) error {
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		err := tx.DropWebhook(client, id)
		if errors.Is(err, store.ErrNotFound) {
			return problem(ReasonNotFound, "no such webhook", "GET /webhooks lists the caller's own")
		}
		return errors.Join(err, a.recordAccount(tx, account.EventUnhook, sha256.Sum256([]byte(id)), client))
	})
	if err == nil {
		a.hooks.end(id)
	}
	return err
}

// Webhooks lists those of a client.
func (a *Agent) Webhooks(ctx context.Context, client string) ([]api.Webhook, error) {
	shown := []api.Webhook{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Webhooks()
		for _, h := range all {
			if h.Client == client {
				shown = append(shown, api.Webhook{ID: h.ID, URL: h.URL})
			}
		}
		return err
	})
	return shown, err
}

// tellHooks posts what changes until ctx ends.
func (a *Agent) tellHooks(ctx context.Context) error {
	events, stop := a.Watch()
	defer stop()
	var all []*store.Webhook
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.Webhooks()
		return err
	})
	if err != nil {
		return err
	}
	var working sync.WaitGroup
	defer working.Wait()
	defer a.hooks.endAll()
	a.hooks.startWith(func(h *hook) {
		running, stop := context.WithCancel(ctx)
		h.stop = stop
		working.Go(func() { a.serveHook(running, h) })
	})
	for _, h := range all {
		a.hooks.begin(h)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			a.hooks.tell(api.HookEvent{Type: api.HookChange, Event: e})
		}
	}
}

func (r *hookRunner) startWith(start func(*hook)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running, r.start = map[string]*hook{}, start
}

// begin has a webhook told from now on; a resync comes first. Before Run nothing is told.
func (r *hookRunner) begin(row *store.Webhook) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		return
	}
	h := &hook{Webhook: *row, wait: []api.HookEvent{{Type: api.HookResync}}, more: newSignal()}
	h.more.give()
	r.running[h.ID] = h
	r.start(h)
}

func (r *hookRunner) end(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.running[id]; h != nil {
		h.stop()
		delete(r.running, id)
	}
}

func (r *hookRunner) endAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.running {
		h.stop()
	}
	r.running = nil
}

func (r *hookRunner) tell(e api.HookEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.running {
		h.put(e)
	}
}

// put adds an event to what waits. Where there is no room, a resync takes the place of all of it.
func (h *hook) put(e api.HookEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.wait) >= hookQueue {
		h.wait = []api.HookEvent{{Type: api.HookResync}}
	} else {
		h.wait = append(h.wait, e)
	}
	h.more.give()
}

// next is what is posted next; posted says that it was.
func (h *hook) next() (api.HookEvent, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.wait) == 0 {
		return api.HookEvent{}, false
	}
	e := h.wait[0]
	h.wait = h.wait[1:]
	return e, true
}

// resync drops what waits.
func (h *hook) resync() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wait = []api.HookEvent{{Type: api.HookResync}}
	h.more.give()
}

// serveHook posts to one webhook, in order, each event until it is taken.
func (a *Agent) serveHook(ctx context.Context, h *hook) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.more:
		}
		for {
			e, some := h.next()
			if !some {
				break
			}
			if !a.postUntilTaken(ctx, h, e) {
				return
			}
		}
	}
}

// postUntilTaken posts one event, again and again with the same id. It returns false when the webhook has ended.
func (a *Agent) postUntilTaken(ctx context.Context, h *hook, e api.HookEvent) bool {
	id, begun := "evt_"+strings.ToLower(rand.Text()), time.Now()
	for wait := a.hooks.first; ; wait = min(2*wait, hookLongest) {
		if ended, err := a.clientEnded(ctx, h.Client); err == nil && ended {
			a.hooks.end(h.ID)
			return false
		}
		err := a.hooks.post(ctx, h, id, e)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if time.Since(begun) > hookGiveUp {
			h.resync()
			return true
		}
		a.log.Debug("a webhook was not taken", slog.String("webhook", h.ID))
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

func (a *Agent) clientEnded(ctx context.Context, name string) (bool, error) {
	var ended bool
	err := a.store.View(ctx, func(tx *store.Tx) error {
		c, err := tx.Client(name)
		if err == nil {
			ended = !c.EndedAt.IsZero()
		}
		return err
	})
	return ended, err
}

// post makes one attempt. Only an answer of success counts as taken.
func (r *hookRunner) post(ctx context.Context, h *hook, id string, e api.HookEvent) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", stamp)
	request.Header.Set("webhook-signature", signHook(h.Secret, id, stamp, body))
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("the receiver answered %s", response.Status)
	}
	return nil
}

// signHook is the signature of Standard Webhooks.
func signHook(secret []byte, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
