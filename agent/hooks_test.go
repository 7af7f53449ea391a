package agent

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// receiver is a case system that is told what changes. refuse is how many attempts it does not take.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	refuse int
	status int
	ids    []string
	got    chan posted
}

type posted struct {
	id, stamp, signature string
	body                 []byte
	event                api.HookEvent
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{got: make(chan posted, 100), status: http.StatusServiceUnavailable}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		p := posted{id: q.Header.Get("webhook-id"), stamp: q.Header.Get("webhook-timestamp"), signature: q.Header.Get("webhook-signature")}
		p.body, _ = io.ReadAll(q.Body)
		json.Unmarshal(p.body, &p.event)
		r.mu.Lock()
		r.ids = append(r.ids, p.id)
		refused := r.refuse > 0
		r.refuse--
		r.mu.Unlock()
		if refused {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(r.status)
			return
		}
		r.got <- p
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) next(t *testing.T) posted {
	t.Helper()
	select {
	case p := <-r.got:
		return p
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was posted")
		return posted{}
	}
}

// told runs the webhooks of a desk until the test ends.
func (d *webDesk) told(t *testing.T) (stop func()) {
	t.Helper()
	d.hooks.first = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.tellHooks(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	for { // until it runs
		d.hooks.mu.Lock()
		running := d.hooks.running != nil
		d.hooks.mu.Unlock()
		if running {
			return stop
		}
		time.Sleep(time.Millisecond)
	}
}

func TestWebhooks(t *testing.T) {
	d, r := newWebDesk(t), newReceiver(t)
	stop := d.told(t)
	machine := d.machine(t, "case-system", people.CaseOfficer)
	var hook api.Webhook
	machine.want(http.StatusCreated, "POST", "/webhooks", []byte(`{"url":"`+r.URL+`/events"}`), &hook)
	if first := r.next(t); first.event.Type != api.HookResync {
		t.Errorf("first: %s", first.body)
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(hook.Secret, secretPrefix))
	if err != nil || len(secret) != 32 {
		t.Fatalf("secret %d bytes, %v", len(secret), err)
	}
	// Refused three times, and once more by a redirection, which is not followed: it is the same event each time.
	r.mu.Lock()
	r.refuse, r.ids = 4, nil
	r.mu.Unlock()
	var made api.Messages
	machine.want(http.StatusCreated, "POST", "/drafts", draft(t, qn, "request", "", ""), &made)
	p := r.next(t)
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", p.id, p.stamp, p.body)
	if p.signature != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		t.Errorf("signature %s", p.signature)
	}
	if p.event.Type != api.HookChange || p.event.Message != made.Messages[0].ID || p.event.State != string(store.InReview) {
		t.Errorf("posted %s", p.body)
	}
	r.mu.Lock()
	ids := r.ids
	r.mu.Unlock()
	if len(ids) != 5 || ids[0] != ids[4] {
		t.Errorf("attempts %v", ids)
	}
	var list api.Webhooks
	machine.want(http.StatusOK, "GET", "/webhooks", nil, &list)
	if len(list.Webhooks) != 1 || list.Webhooks[0].Secret != "" {
		t.Errorf("%+v", list)
	}
	other := d.machine(t, "other-system", people.Registrar)
	other.want(http.StatusOK, "GET", "/webhooks", nil, &list)
	if len(list.Webhooks) != 0 {
		t.Errorf("another's webhooks are shown: %+v", list)
	}
	other.wantReason(ReasonNotFound, "DELETE", "/webhooks/"+hook.ID, nil)
	// After a start the receiver is told that it may have missed something.
	stop()
	d.told(t)
	if again := r.next(t); again.event.Type != api.HookResync {
		t.Errorf("after a start: %s", again.body)
	}
	// Whose token is good for nothing is told nothing any more.
	if err := d.accounts.EndClient(t.Context(), "", "case-system"); err != nil {
		t.Fatal(err)
	}
	d.changes.tell(api.Event{Message: made.Messages[0].ID, State: "sent"})
	deadline := time.Now().Add(20 * time.Second)
	for {
		d.hooks.mu.Lock()
		running := len(d.hooks.running)
		d.hooks.mu.Unlock()
		if running == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the webhook of a client that ended goes on")
		}
		time.Sleep(time.Millisecond)
	}
	select {
	case p := <-r.got:
		t.Errorf("posted %s", p.body)
	default:
	}
}

func TestAReceiverThatIsAwayLosesNothingUnnoticed(t *testing.T) {
	h := &hook{more: newSignal()}
	for i := range hookQueue + 5 {
		h.put(api.HookEvent{Type: api.HookChange, Event: api.Event{Message: schemas.MessageID(fmt.Sprint(i))}})
	}
	if len(h.wait) != 5 || h.wait[0].Type != api.HookResync || h.wait[4].Message != schemas.MessageID(fmt.Sprint(hookQueue+4)) {
		t.Errorf("%d wait, the first is %+v", len(h.wait), h.wait[0])
	}
}

func TestWhereAWebhookMayBe(t *testing.T) {
	for address, ok := range map[string]bool{
		"https://case-system.example/hook": true, "http://127.0.0.1:8080/x": true, "http://[::1]/x": true,
		"http://case-system.example/hook": false, "http://localhost/x": false, "http://10.0.0.1/x": false, "ftp://127.0.0.1/": false,
		"https://user:secret@case-system.example/": false, "https://": false, "": false, "https://x/#y": false, "https://x/" + strings.Repeat("y", 500): false,
	} {
		if err := checkHookURL(address); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}
