package policy

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"comity/schemas"
)

func TestClearance(t *testing.T) {
	e := engine(t, Config{})
	facts, _ := cleared(t)
	good := Use{From: facts.From, To: facts.To, Channel: schemas.ChannelMLA, At: noon, Payload: facts.Payload}
	other := append([]byte(" "), facts.Payload...)
	tests := []struct {
		name   string
		change func(*Use)
		want   error
	}{
		{"as decided", func(*Use) {}, nil},
		{"at the end of its life", func(u *Use) { u.At = noon.Add(ClearanceLife) }, nil},
		{"too late", func(u *Use) { u.At = noon.Add(ClearanceLife + time.Second) }, ErrClearanceStale},
		{"before the decision", func(u *Use) { u.At = noon.Add(-time.Second) }, ErrClearanceStale},
		{"other bytes", func(u *Use) { u.Payload = other }, ErrNotCleared},
		{"no bytes", func(u *Use) { u.Payload = nil }, ErrNotCleared},
		{"other recipient", func(u *Use) { u.To = "QP/justice" }, ErrNotCleared},
		{"other sender", func(u *Use) { u.From = "QP/justice" }, ErrNotCleared},
		{"other channel", func(u *Use) { u.Channel = schemas.ChannelBorder }, ErrNotCleared},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, clearance := e.Decide(t.Context(), facts)
			use := good
			test.change(&use)
			if err := clearance.Redeem(use); !errors.Is(err, test.want) {
				t.Fatalf("redeem = %v, want %v", err, test.want)
			}
			if test.want != nil {
				if err := clearance.Redeem(good); err != nil {
					t.Fatalf("a refused use spent the clearance: %v", err)
				}
			}
			if err := clearance.Redeem(good); !errors.Is(err, ErrClearanceUsed) {
				t.Fatalf("second redeem = %v, want %v", err, ErrClearanceUsed)
			}
		})
	}
}

// TestZeroClearance: another package can write &Clearance{}, and it clears nothing.
func TestZeroClearance(t *testing.T) {
	for _, c := range []*Clearance{nil, {}} {
		if c.Covers(nil, "") {
			t.Fatal("a clearance that no decision made covers something")
		}
		if err := c.Redeem(Use{}); !errors.Is(err, ErrNotCleared) {
			t.Fatalf("redeem = %v, want %v", err, ErrNotCleared)
		}
	}
}

func TestRedeemOnceConcurrently(t *testing.T) {
	facts, _ := cleared(t)
	_, clearance := engine(t, Config{}).Decide(t.Context(), facts)
	use := Use{From: facts.From, To: facts.To, Channel: schemas.ChannelMLA, At: noon, Payload: facts.Payload}
	var spent atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if clearance.Redeem(use) == nil {
				spent.Add(1)
			}
		})
	}
	wg.Wait()
	if got := spent.Load(); got != 1 {
		t.Fatalf("redeemed %d times", got)
	}
}
