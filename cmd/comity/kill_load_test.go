package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"comity/agent/api"
	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

// TestKilledUnderLoad kills one process after another at any moment while both sides write as fast as they can. In the end
// nothing is lost and nothing doubled.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	kills := 4
	if os.Getenv(fullRun) != "" {
		kills = 200
	}
	const seed = 20261128
	random := rand.New(rand.NewPCG(seed, 1))
	m := newMatrix(t)
	const between = 3 // letters at least, from one kill to the next: there is no load while everything starts
	written, ended := make(chan struct{}, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		victims := []victim{theBroker, qmAgent, qnAgent}
		for range kills {
			for range between {
				<-written
			}
			struck := victims[random.IntN(len(victims))]
			<-time.After(time.Duration(random.IntN(100)) * time.Millisecond)
			m.processes[struck].kill(t)
			m.processes[struck].start(t)
		}
	}()
	letters := 0
	for writing := true; writing; {
		for _, way := range [][2]schemas.AuthorityID{{m.qm, m.qn}, {m.qn, m.qm}} {
			m.post(way[0], way[1])
			letters++
			select {
			case written <- struct{}{}:
			default:
			}
		}
		select {
		case <-ended:
			writing = false
		default:
		}
	}
	m.wantQuiet()
	m.verifyStores()
	t.Logf("%d kills under a load of %d letters\n%v", kills, letters, m.tally)
}

// post writes a letter and has it approved, and does not wait for more.
func (m *matrix) post(from, to schemas.AuthorityID) {
	m.t.Helper()
	made := m.draft(from, m.letterTo(to))
	approver := m.client(from, sandbox.Approver)
	m.until("approving", func(ctx context.Context) error {
		now, err := approver.Message(ctx, string(made.ID))
		if err == nil && now.State == "in-review" {
			_, err = approver.Approve(ctx, made.ID, now.SHA256)
		}
		return err
	})
}

// wantQuiet waits until neither side has anything that waits.
func (m *matrix) wantQuiet() {
	m.t.Helper()
	for _, id := range []schemas.AuthorityID{m.qm, m.qn} {
		officer := m.client(id, sandbox.Officer1)
		for _, state := range []string{"in-review", "approved", "sent", "under-review"} {
			m.until("emptying "+string(id)+" of what is "+state, func(ctx context.Context) error {
				waiting, err := officer.Messages(ctx, api.Query{State: state})
				if err == nil && len(waiting) > 0 {
					err = fmt.Errorf("%d messages are %s", len(waiting), state)
				}
				return err
			})
		}
	}
	m.settle()
}
