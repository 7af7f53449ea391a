package policy_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"comity/agent/policy"
	"comity/schemas"
)

func TestClearance(t *testing.T) {
	s := bankRecords(t)
	e, facts := s.engine(), s.facts
	facts.Payload = s.payload()
	good := policy.Use{From: facts.From, To: facts.To, Channel: schemas.ChannelMLA, At: noon, Payload: facts.Payload}
	other := append([]byte(" "), facts.Payload...)
	tests := []struct {
		name   string
		change func(*policy.Use)
		want   error
	}{
		{"as decided", func(*policy.Use) {}, nil},
		{"at the end of its life", func(u *policy.Use) { u.At = noon.Add(policy.ClearanceLife) }, nil},
		{"too late", func(u *policy.Use) { u.At = noon.Add(policy.ClearanceLife + time.Second) }, policy.ErrClearanceStale},
		{"before the decision", func(u *policy.Use) { u.At = noon.Add(-time.Second) }, policy.ErrClearanceStale},
		{"other bytes", func(u *policy.Use) { u.Payload = other }, policy.ErrNotCleared},
		{"no bytes", func(u *policy.Use) { u.Payload = nil }, policy.ErrNotCleared},
		{"other recipient", func(u *policy.Use) { u.To = "QP/justice" }, policy.ErrNotCleared},
		{"other sender", func(u *policy.Use) { u.From = "QP/justice" }, policy.ErrNotCleared},
		{"other channel", func(u *policy.Use) { u.Channel = schemas.ChannelBorder }, policy.ErrNotCleared},
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
			if err := clearance.Redeem(good); !errors.Is(err, policy.ErrClearanceUsed) {
				t.Fatalf("second redeem = %v, want %v", err, policy.ErrClearanceUsed)
			}
		})
	}
}

// TestZeroClearance: another package can write &policy.Clearance{}, and it clears nothing.
func TestZeroClearance(t *testing.T) {
	for _, c := range []*policy.Clearance{nil, {}} {
		if c.Covers(nil, "") {
			t.Fatal("a clearance that no decision made covers something")
		}
		if err := c.Redeem(policy.Use{}); !errors.Is(err, policy.ErrNotCleared) {
			t.Fatalf("redeem = %v, want %v", err, policy.ErrNotCleared)
		}
	}
}

func TestRedeemOnceConcurrently(t *testing.T) {
	s := bankRecords(t)
	_, clearance := s.decide()
	facts := s.facts
	use := policy.Use{From: facts.From, To: facts.To, Channel: schemas.ChannelMLA, At: noon, Payload: facts.Payload}
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
