package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/cmd/comity/clerk"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/schemas"
)

// These tests send files of evidence between two agents and a broker that are processes of their own, kill them on the way,
// and hold what arrives against what was added.

// delivery is a case in which QN has accepted to execute, so that it may send results.
type delivery struct {
	*correspondence
}

func newDelivery(t *testing.T) *delivery {
	t.Helper()
	w := newWorldOf(t, "justice", nil)
	x := &delivery{&correspondence{world: w, sent: map[string]schemas.MessageID{}}}
	for _, file := range []string{"mla-request-bank-records.json", "mla-acknowledgement-complete.json", "mla-decision-accepted.json"} {
		x.send(samples.Step{File: file})
	}
	return x
}

// randomFile writes n bytes that no scanner can read.
func randomFile(t testing.TB, path string, seed uint64, n int64) (sum string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	source := mathrand.NewChaCha8([32]byte{byte(seed)})
	if _, err := io.CopyN(io.MultiWriter(file, hash), source, n); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// add adds a file at QN.
func (x *delivery) add(path string) api.Evidence {
	x.t.Helper()
	file, err := os.Open(path)
	if err != nil {
		x.t.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		x.t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		x.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(x.t.Context(), 10*time.Minute)
	defer cancel()
	e, err := x.client(x.qn, sandbox.Officer1).AddEvidence(ctx, string(x.opened), api.Announcement{
		Name: filepath.Base(path), Bytes: size, SHA256: hex.EncodeToString(hash.Sum(nil)), Certified: true}, file)
	if err != nil {
		x.t.Fatalf("adding %s: %v", path, err)
	}
	return e
}

// result is a draft of a partial result that names files.
func (x *delivery) result(files ...schemas.FileID) []byte {
	x.t.Helper()
	draft, err := samples.Draft("mla-result-partial.json", time.Now())
	if err != nil {
		x.t.Fatal(err)
	}
	if draft, err = (clerk.Place{Case: x.opened}).Put(draft); err != nil {
		x.t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(draft, &object); err != nil {
		x.t.Fatal(err)
	}
	delete(object, "attachments")
	object["body"] = map[string]any{"extent": "partial"}
	object["evidence"] = files
	if draft, err = json.Marshal(object); err != nil {
		x.t.Fatal(err)
	}
	return draft
}

// release has two officers draft and approve, and two protection officers let go what nobody could scan.
func (x *delivery) release(draft []byte) api.Message {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.t.Context(), patience)
	defer cancel()
	officer := x.client(x.qn, sandbox.Officer1)
	made, err := officer.Draft(ctx, draft)
	if err != nil {
		x.t.Fatalf("drafting: %v %+v", err, err)
	}
	m, err := x.client(x.qn, sandbox.Approver).Approve(ctx, made[0].ID, made[0].SHA256)
	if err != nil {
		x.t.Fatal(err)
	}
	for {
		if m, err = officer.Message(ctx, string(m.ID)); err != nil {
			x.t.Fatal(err)
		}
		switch m.State {
		case "delivered":
			return m
		case "under-review":
			r, err := x.client(x.qn, sandbox.Protection1).Review(ctx, string(m.ID))
			if err != nil {
				x.t.Fatal(err)
			}
			for _, p := range []sandbox.Person{sandbox.Protection1, sandbox.Protection2} {
				word := api.Release{SHA256: r.Message.SHA256, Digest: r.Digest, Necessity: "The court has asked for it."}
				if _, err := x.client(x.qn, p).Release(ctx, m.ID, word); err != nil {
					x.t.Fatalf("releasing (%s): %v", r.Why, err)
				}
			}
		}
		select {
		case <-ctx.Done():
			x.t.Fatalf("the result is still %s", m.State)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// await returns once QM has every file of the case whole, and QN its signed word.
func (x *delivery) await(files int, within time.Duration) {
	x.t.Helper()
	deadline := time.Now().Add(within)
	for {
		whole, receipted := 0, 0
		at, err := x.client(x.qm, sandbox.Officer1).EvidenceList(x.t.Context(), string(x.opened))
		for _, e := range at {
			if e.State == "complete" {
				whole++
			}
		}
		from, err2 := x.client(x.qn, sandbox.Officer1).EvidenceList(x.t.Context(), string(x.opened))
		for _, e := range from {
			if e.State == "delivered" && e.Receipted {
				receipted++
			}
		}
		if whole == files && receipted == files {
			return
		}
		if time.Now().After(deadline) {
			x.t.Fatalf("after %s %d of %d files are whole and %d receipted: %v %v\n%+v\n%+v", within, whole, files, receipted, err, err2, at, from)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// open compares what QM opens with what was added.
func (x *delivery) open(id schemas.FileID, want string) {
	x.t.Helper()
	hash := sha256.New()
	if err := x.client(x.qm, sandbox.Officer1).OpenEvidence(x.t.Context(), string(id), hash); err != nil {
		x.t.Fatalf("opening %s: %v", id, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		x.t.Errorf("file %s has SHA-256 %s, %s was added", id, got, want)
	}
}

// resident watches the resident memory of every process of the world until stop, and returns the most that each had, in MiB. An
// agent counts from when its socket stands: before, it compiles its lexicon, which takes more for a second than all else.
func (x *delivery) resident() (stop func() map[victim]int) {
	var mu sync.Mutex
	most, done, ended := map[victim]int{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		born, sockets := map[int]time.Time{}, map[victim]string{qmAgent: x.socket(x.qm), qnAgent: x.socket(x.qn)}
		for since := (time.Time{}); ; since = time.Now() {
			for name, p := range x.processes {
				p.mu.Lock()
				pid := 0
				if p.cmd != nil && p.cmd.Process != nil && p.cmd.ProcessState == nil {
					pid = p.cmd.Process.Pid
				}
				p.mu.Unlock()
				if _, known := born[pid]; !known {
					born[pid] = since // zero at the first look: who runs by then is up
				}
				if name != theBroker && !standsSince(sockets[name], born[pid]) {
					continue
				}
				mib := residentOf(pid)
				mu.Lock()
				most[name] = max(most[name], mib)
				mu.Unlock()
			}
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() map[victim]int { close(done); <-ended; return most }
}

func (x *delivery) socket(id schemas.AuthorityID) string {
	return filepath.Join(x.sandbox.Home(id), "agent.sock")
}

// standsSince tells whether a socket was made after a moment.
func standsSince(path string, moment time.Time) bool {
	info, err := os.Stat(path)
	return err == nil && info.ModTime().After(moment)
}

// residentOf reads VmRSS of a process in MiB, 0 where it is gone.
func residentOf(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || pid == 0 {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err == nil {
				return kib >> 10
			}
		}
	}
	return 0
}

// plainCopy copies a file and syncs it: what a transfer is measured by.
func plainCopy(t testing.TB, from, to string) time.Duration {
	t.Helper()
	began := time.Now()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(to)
	defer out.Close()
	buffer := make([]byte, 1<<20)
	if _, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, buffer); err != nil {
		t.Fatal(err)
	}
	if err := out.Sync(); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

// mostResident is what no process may exceed while a file of any size goes through it, in MiB. An agent has some 75 of them with its
// lexicon and its database before the first message, 35 of those of the program itself.
const mostResident = 100

// TestLargeFile: a file goes from one agent to another while each process is killed again and again, and is the same at the
// end, with bounded memory everywhere. 32 MiB; 4 GiB with COMITY_FULL=1.
func TestLargeFile(t *testing.T) {
	size, kills := int64(32<<20), 5
	if os.Getenv(fullRun) != "" {
		size = 4 << 30
	}
	if asked, err := strconv.ParseInt(os.Getenv("COMITY_EVIDENCE_MIB"), 10, 64); err == nil {
		size = asked << 20
	}
	x := newDelivery(t)
	path := filepath.Join(x.sandbox.Dir(), "video")
	want := randomFile(t, path, 1, size)
	copied := plainCopy(t, path, path+".copy")
	watch := x.resident()
	began := time.Now()
	e := x.add(path)
	added := time.Since(began)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	stopKilling := make(chan struct{})
	var killing sync.WaitGroup
	began = time.Now()
	x.release(x.result(e.ID))
	released := time.Since(began)
	began = time.Now()
	killing.Go(func() { x.killAtRandom(e.ID, kills, stopKilling) })
	x.await(1, time.Duration(size>>20)*time.Second/8+3*time.Minute)
	took := time.Since(began)
	close(stopKilling)
	killing.Wait()
	x.open(e.ID, want)
	most := watch()
	rate := func(d time.Duration) float64 { return float64(size>>20) / d.Seconds() }
	t.Logf("%d MiB: plain copy with fsync %.0f MiB/s; added (hashed by the test, sealed, synced) %.0f MiB/s; released in %s; fetched, verified and receipted %.0f MiB/s with %d kills",
		size>>20, rate(copied), rate(added), released.Round(time.Millisecond), rate(took), kills)
	t.Logf("most resident: %v MiB", most)
	for name, mib := range most {
		if mib >= mostResident {
			t.Errorf("%s had %d MiB resident, the most is %d", name, mib, mostResident)
		}
	}
}

// killAtRandom kills the processes in turn at random moments while the file is on its way.
func (x *delivery) killAtRandom(id schemas.FileID, times int, stop <-chan struct{}) {
	random := mathrand.New(mathrand.NewPCG(7, uint64(time.Now().UnixNano())))
	victims := []victim{qmAgent, theBroker, qnAgent}
	for n := range times {
		// Each falls at another part of the file, where it is still on its way: what was kept decides, not the clock.
		at := (int64(n)*2 + 1 + int64(random.IntN(2))) * 100 / int64(2*times+1)
		for {
			select {
			case <-stop:
				x.t.Errorf("the file was there before kill %d of %d", n+1, times)
				return
			case <-time.After(5 * time.Millisecond):
			}
			e, err := x.client(x.qm, sandbox.Officer1).EvidenceFile(x.t.Context(), string(id))
			if err == nil && e.Chunks > 0 && e.Have*100/e.Chunks >= at {
				break
			}
		}
		v := victims[random.IntN(len(victims))]
		x.t.Logf("kill %s at %d %%", v, at)
		x.processes[v].kill(x.t)
		x.processes[v].start(x.t)
	}
}

// TestManySmallFiles: a hundred files go with one message; a thousand with COMITY_FULL=1, which are ten messages.
func TestManySmallFiles(t *testing.T) {
	messages := 1
	if os.Getenv(fullRun) != "" {
		messages = 10
	}
	x := newDelivery(t)
	sums := map[schemas.FileID]string{}
	began := time.Now()
	var added, released time.Duration
	for m := range messages {
		var ids []schemas.FileID
		for n := range 100 {
			path := filepath.Join(x.sandbox.Dir(), "small")
			sum := randomFile(t, path, 0, int64(10_000+100*m+n))
			e := x.add(path)
			ids, sums[e.ID] = append(ids, e.ID), sum
		}
		added += time.Since(began)
		began = time.Now()
		x.release(x.result(ids...))
		released += time.Since(began)
		began = time.Now()
	}
	x.await(100*messages, 3*time.Minute)
	took := time.Since(began)
	for id, sum := range sums {
		x.open(id, sum)
	}
	t.Logf("%d files of some 10 KB: added in %s, released in %s, the last of them fetched, verified and receipted %s later",
		len(sums), added.Round(time.Millisecond), released.Round(time.Millisecond), took.Round(time.Millisecond))
}

// TestTransferBesideMessages measures: the rate of a transfer that nothing interrupts, beside a plain copy in the same run, and how
// long messages take from sealing to their receipt while it runs and while it does not. It holds only what any machine must keep;
// the figures are for people to read.
func TestTransferBesideMessages(t *testing.T) {
	if os.Getenv(fullRun) == "" && os.Getenv("COMITY_EVIDENCE_MIB") == "" {
		t.Skip("measures, on a quiet machine: " + fullRun + "=1")
	}
	size := int64(1 << 30)
	if asked, err := strconv.ParseInt(os.Getenv("COMITY_EVIDENCE_MIB"), 10, 64); err == nil {
		size = asked << 20
	}
	x := newDelivery(t)
	path := filepath.Join(x.sandbox.Dir(), "video")
	want := randomFile(t, path, 1, size)
	rate := func(d time.Duration) float64 { return float64(size>>20) / d.Seconds() }
	copied := rate(plainCopy(t, path, path+".copy"))
	began := time.Now()
	e := x.add(path)
	added := rate(time.Since(began))
	x.release(x.result(e.ID))
	before := x.processorTime()
	began = time.Now()
	x.await(1, time.Duration(size>>20)*time.Second/4+3*time.Minute)
	alone := rate(time.Since(began))
	t.Logf("processor time for it: %s", x.processorTime().since(before))
	x.open(e.ID, want)
	t.Logf("%d MiB: plain copy with fsync %.0f MiB/s, added %.0f MiB/s, fetched, verified and receipted %.0f MiB/s: %.2f of the copy",
		size>>20, copied, added, alone, alone/copied)

	quiet := x.latencies(200)
	second := path + "-2"
	want = randomFile(t, second, 2, size)
	e = x.add(second)
	x.release(x.result(e.ID))
	began = time.Now()
	busy := x.latencies(200)
	under := time.Since(began)
	still := x.evidence(e.ID).State == "fetching"
	x.await(2, time.Duration(size>>20)*time.Second/4+3*time.Minute)
	x.open(e.ID, want)
	t.Logf("200 messages from seal to receipt: p50 %s, p99 %s alone; p50 %s, p99 %s beside a transfer (%s of messages, the transfer still ran at their end: %v; it took %s, %.0f MiB/s)",
		quiet(50), quiet(99), busy(50), busy(99), under.Round(time.Millisecond), still, time.Since(began).Round(time.Millisecond), rate(time.Since(began)))
}

func (x *delivery) evidence(id schemas.FileID) api.Evidence {
	x.t.Helper()
	e, err := x.client(x.qm, sandbox.Officer1).EvidenceFile(x.t.Context(), string(id))
	if err != nil {
		x.t.Fatal(err)
	}
	return e
}

// processorTime is what each process has used so far, in hundredths of a second.
type processorTime map[victim]int

func (x *delivery) processorTime() processorTime {
	used := processorTime{}
	for name, p := range x.processes {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest)
		if err != nil || len(fields) < 13 {
			continue
		}
		for _, field := range fields[11:13] { // utime and stime, proc(5)
			ticks, _ := strconv.Atoi(field)
			used[name] += ticks
		}
	}
	return used
}

func (p processorTime) since(before processorTime) string {
	var all []string
	for _, name := range []victim{qnAgent, theBroker, qmAgent} {
		all = append(all, fmt.Sprintf("%s %.1f s", name, float64(p[name]-before[name])/100))
	}
	return strings.Join(all, ", ")
}

// latencies sends requests, one after the other, and returns the percentiles of their times from seal to receipt.
func (x *delivery) latencies(n int) func(percent int) time.Duration {
	x.t.Helper()
	officer, approver := x.client(x.qm, sandbox.Officer1), x.client(x.qm, sandbox.Approver)
	var took []time.Duration
	for range n {
		// Each opens a case of its own: a case that grows would take longer by itself.
		draft, err := samples.Draft("mla-request-bank-records.json", time.Now())
		if err != nil {
			x.t.Fatal(err)
		}
		made, err := officer.Draft(x.t.Context(), draft)
		if err != nil {
			x.t.Fatal(err)
		}
		if _, err := approver.Approve(x.t.Context(), made[0].ID, made[0].SHA256); err != nil {
			x.t.Fatal(err)
		}
		m, err := clerk.Await(x.t.Context(), officer, made[0].ID, "delivered")
		if err != nil {
			x.t.Fatal(err)
		}
		took = append(took, time.Duration(m.ReceiptMillis)*time.Millisecond)
	}
	slices.Sort(took)
	return func(percent int) time.Duration { return took[min(len(took)-1, len(took)*percent/100)] }
}
