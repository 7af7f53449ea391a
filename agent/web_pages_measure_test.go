package agent

import (
	"crypto/sha256"
	"net/http"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"comity/agent/store"
	"comity/schemas"
)

// What is in the store when pages are measured.
const (
	manyCases       = 10_000
	messagesOfACase = 5
)

// Measured and not asserted: how long the server takes for each page when the store holds 10,000 cases. It runs with COMITY_FULL=1.
func TestPagesWithManyCases(t *testing.T) {
	if os.Getenv("COMITY_FULL") == "" {
		t.Skip("COMITY_FULL=1 measures pages with 10,000 cases in the store")
	}
	d := newWebDesk(t)
	first := d.send(draft(t, qn, "request", "", ""))
	d.fillWithCases(t)
	pages := map[string][]string{
		"web-case-officer": {"/", "/cases", "/cases?due=overdue&sort=due", "/cases?q=qn&page=200", "/cases/" + string(first.Case), "/messages/" + string(first.ID),
			"/messages/" + string(first.ID) + "/letter", "/compose", "/compose/mla.request/1?to=QN/justice", "/directory", "/directory/QN/justice", "/teams", "/health", "/me"},
		"web-approver": {"/approve"}, "web-protection-officer": {"/reviews", "/decisions"}, "web-border-duty-desk": {"/border"}, "web-auditor": {"/journal"},
	}
	for role, paths := range pages {
		c := d.login(t, role)
		for _, path := range paths {
			var took []time.Duration
			used := processor()
			for range 21 {
				began := time.Now()
				if status, _ := c.page(http.MethodGet, path, nil); status != http.StatusOK {
					t.Fatalf("%s: answered %d", path, status)
				}
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			t.Logf("%-24s %-50s median %6.1f ms, slowest %6.1f ms, processor %6.1f ms", role, path, ms(took[len(took)/2]), ms(took[len(took)-1]), ms((processor()-used)/21))
		}
	}
}

// processor is the time that this process has computed: what a page costs on a machine that others use as well.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// fillWithCases writes cases as they stand after some exchange, of all channels and ages.
func (d *webDesk) fillWithCases(t *testing.T) {
	t.Helper()
	names := []string{"request", "acknowledgement", "decision", "result", "closure"}
	payload := schemas.Example("mla.request/1")
	for batch := 0; batch < manyCases; batch += 500 {
		err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			for i := batch; i < batch+500; i++ {
				opened := d.now().Add(-time.Duration(i%400) * 24 * time.Hour)
				channel := schemas.Channels()[i%len(schemas.Channels())]
				id := schemas.CaseID(schemas.NewMessageID())
				from, to := qm, qn
				if i%2 == 0 {
					from, to = qn, qm
				}
				file := &store.CaseFile{ID: id, Peer: qn, Channel: channel, Requesting: from, Requested: to, State: []string{"acknowledged", "accepted", "executing", "closed"}[i%4],
					Open: i%4 != 3, OpenedAt: opened, ChangedAt: opened.Add(time.Hour)}
				if err := tx.PutCase(file); err != nil {
					return err
				}
				var tasks []store.Task
				for k := range messagesOfACase {
					sender, recipient, direction := qm, qn, store.Out
					if (i+k)%2 == 0 {
						sender, recipient, direction = qn, qm, store.In
					}
					m := &store.Message{
						Key: store.Key{Sender: sender, ID: schemas.NewMessageID()}, Recipient: recipient, Direction: direction, State: store.Delivered,
						Channel: channel, Type: schemas.MessageType("mla." + names[k] + "/1"), Case: id, Urgency: "routine", Language: "en", Payload: payload,
						PayloadSHA256: sha256.Sum256(payload), SentAt: opened.Add(time.Duration(k*(i%50)) * time.Hour), Seq: uint64(i*messagesOfACase + k + 10),
					}
					if direction == store.In {
						m.State, m.Screening = store.Received, store.ScreenClear
					}
					if err := tx.PutMessage(m); err != nil {
						return err
					}
					if k < 2 && file.Open {
						tasks = append(tasks, store.Task{Case: id, Kind: []string{"decision", "status-report"}[k], Of: m.Key, Who: to, Waits: from, DueAt: opened.Add(40 * 24 * time.Hour), Stage: "running"})
					}
				}
				if err := tx.ReplaceTasks(id, nil, tasks); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
