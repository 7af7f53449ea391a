package link

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"comity/schemas"
)

// A broker that denies a publish says so outside the call. The submission must not wait for its time-out, and no
// other submission must suffer.
func TestDeniedPublishEndsItsSubmission(t *testing.T) {
	l := &Link{cfg: Config{}.withDefaults(), changed: make(chan struct{}), waiting: make(map[*waiter]struct{})}
	submission := func(to schemas.AuthorityID) context.Context {
		ctx, cancel := context.WithCancelCause(t.Context())
		l.wait(&waiter{subject: submitSubject(to, schemas.ChannelMLA), cancel: cancel})
		return ctx
	}
	denied, other := submission("QN/justice"), submission("QN/justice2")
	l.asyncError(nil, nil, fmt.Errorf("%w: Permissions Violation for Publish to %q", nats.ErrPermissionViolation, "comity.submit.qn.justice.mla"))
	if err := context.Cause(denied); !errors.Is(err, ErrDenied) {
		t.Errorf("%v, want %v", err, ErrDenied)
	}
	if other.Err() != nil {
		t.Error("another submission ended too")
	}
	l.set(false, errors.New("the line is cut"))
	if err := context.Cause(other); !errors.Is(err, ErrDown) {
		t.Errorf("%v, want %v", err, ErrDown)
	}
}

func TestReadAnswer(t *testing.T) {
	if got, err := readAnswer([]byte("eyJ.e30.AA")); err != nil || string(got) != "eyJ.e30.AA" {
		t.Errorf("%q, %v", got, err)
	}
	for _, reason := range schemas.RefusalReasons() {
		_, err := readAnswer([]byte(`{"refused":"` + string(reason) + `"}`))
		var refused *Refused
		if !errors.As(err, &refused) || refused.Reason != reason {
			t.Errorf("%v, want %q", err, reason)
		}
	}
	for _, answer := range []string{"", "{}", `{"refused":"because"}`, `{"refused":"quota","more":1}`, `{"refused":"quota"}{}`} {
		_, err := readAnswer([]byte(answer))
		var refused *Refused
		if err == nil || errors.As(err, &refused) {
			t.Errorf("%q: %v, want an error that is no refusal", answer, err)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte(`{"refused":"quota"}`))
	f.Add([]byte("eyJ.e30.AA"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readAnswer(data)
		if (err == nil) != (len(data) > 0 && data[0] != '{') || err == nil && string(got) != string(data) {
			t.Errorf("neither an acceptance nor an error")
		}
	})
}

func TestPauseGrowsToItsBound(t *testing.T) {
	l := &Link{cfg: Config{MaxPause: time.Second}.withDefaults()}
	for attempts := range 100 {
		want := min(time.Second, 50*time.Millisecond<<min(attempts, 12))
		if got := l.pause(attempts); got < want/2 || got > want {
			t.Errorf("attempt %d: %v, want between %v and %v", attempts, got, want/2, want)
		}
	}
}
