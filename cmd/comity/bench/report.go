package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// Report is what a run found. Times are milliseconds, sizes bytes.
type Report struct {
	Messages int `json:"messages"` // asked for, of the steady load
	Size     int `json:"size"`
	Senders  int `json:"senders"`
	CPUs     int `json:"cpus"`
	// CutShort says that the time was up before all messages were sent: how many were, the steady load says.
	CutShort bool `json:"cut_short"`

	Steady Load `json:"steady"`
	Alone  Load `json:"one_at_a_time"`
	// Ceilings are what the parts could do alone, and the ratio of the steady load to each.
	Ceilings []Ceiling `json:"ceilings"`
	Slowest  string    `json:"slowest_ceiling"`
	Ratio    float64   `json:"ratio_to_slowest"`

	Lost            int     `json:"lost"`    // receipted, and not held by the recipient
	Doubled         int     `json:"doubled"` // held more than once
	DraftsPerSecond float64 `json:"drafts_per_second"`

	HeapStart     uint64 `json:"heap_start"` // live, after a collection, before the load
	HeapEnd       uint64 `json:"heap_end"`
	ResidentStart uint64 `json:"resident_start,omitzero"` // of the process, where the system tells
	ResidentEnd   uint64 `json:"resident_end,omitzero"`
	// LoadBefore and LoadAfter are the machine's load averages over a minute: what others did meanwhile is in every figure.
	LoadBefore float64 `json:"load_before,omitzero"`
	LoadAfter  float64 `json:"load_after,omitzero"`
}

// Load is how a load went.
type Load struct {
	Messages     int     `json:"messages"`
	Seconds      float64 `json:"seconds"`
	PerSecond    float64 `json:"messages_per_second"`
	ProcessorMS  float64 `json:"processor_ms"`     // of one message, in all its parts: broker, both agents and the senders
	FromSeal     Latency `json:"from_seal_ms"`     // to the verified receipt in the sender's database; up to 1 ms too high
	FromApproval Latency `json:"from_approval_ms"` // likewise, from the approver's word
}

// Latency is the distribution of a time.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Ceiling is what one part could do with nothing else to do.
type Ceiling struct {
	Name        string  `json:"name"`
	What        string  `json:"what"`
	PerSecond   float64 `json:"messages_per_second"`
	ProcessorMS float64 `json:"processor_ms"`
	Ratio       float64 `json:"ratio"` // of the steady load to it
}

func loadOf(journeys []journey, took spent) Load {
	sealed, approved := make([]time.Duration, len(journeys)), make([]time.Duration, len(journeys))
	for i, j := range journeys {
		sealed[i], approved[i] = j.received.Sub(j.sealed), j.received.Sub(j.approved)
	}
	return Load{
		Messages: len(journeys), Seconds: took.wall.Seconds(), PerSecond: rate(len(journeys), took.wall), ProcessorMS: took.each(len(journeys)),
		FromSeal: latencyOf(sealed), FromApproval: latencyOf(approved),
	}
}

func latencyOf(times []time.Duration) Latency {
	if len(times) == 0 {
		return Latency{}
	}
	slices.Sort(times)
	at := func(share float64) float64 {
		return float64(times[min(int(share*float64(len(times))), len(times)-1)].Microseconds()) / 1000
	}
	return Latency{P50: at(0.5), P99: at(0.99), Max: at(1)}
}

// spent is what something took: time, and that of the process on all processors.
type spent struct{ wall, processor time.Duration }

func (s spent) each(n int) float64 { return s.processor.Seconds() * 1000 / float64(max(n, 1)) }

// stopwatch begins to measure; its result ends.
func stopwatch() func() spent {
	begun, used := time.Now(), processorTime()
	return func() spent { return spent{wall: time.Since(begun), processor: processorTime() - used} }
}

// processorTime of this process so far. Unlike the time on the clock, it does not grow with what others do.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func rate(n int, took time.Duration) float64 { return float64(n) / max(took.Seconds(), 1e-9) }

// conclude holds the steady load against the ceilings.
func (r *Report) conclude(ceilings []*ceiling) {
	r.CutShort = r.Steady.Messages < r.Messages
	slowest := 0.0
	for _, c := range ceilings {
		one := Ceiling{Name: c.name, What: c.what, PerSecond: rate(c.done, c.took.wall), ProcessorMS: c.took.each(c.done)}
		one.Ratio = r.Steady.PerSecond / one.PerSecond
		if r.Slowest == "" || one.PerSecond < slowest {
			r.Slowest, r.Ratio, slowest = one.Name, one.Ratio, one.PerSecond
		}
		r.Ceilings = append(r.Ceilings, one)
	}
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "%d messages of %d bytes from %s to %s, %d senders, %d CPUs, load average %.1f to %.1f\n\n",
		r.Messages, r.Size, sender, recipient, r.Senders, r.CPUs, r.LoadBefore, r.LoadAfter)
	if r.CutShort {
		fmt.Fprintf(w, "The time was up after %d of the %d messages; the figures are those of these %d. --within 0 takes as long as it takes.\n\n",
			r.Steady.Messages, r.Messages, r.Steady.Messages)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tmessages/s\tp50 ms\tp99 ms\tmax ms\tprocessor ms\t")
	for _, l := range []struct {
		name string
		load Load
	}{{"steady load", r.Steady}, {"one at a time", r.Alone}} {
		fmt.Fprintf(table, "%s, seal to receipt\t%.0f\t%.1f\t%.1f\t%.1f\t%.2f\t\n",
			l.name, l.load.PerSecond, l.load.FromSeal.P50, l.load.FromSeal.P99, l.load.FromSeal.Max, l.load.ProcessorMS)
		fmt.Fprintf(table, "%s, approval to receipt\t\t%.1f\t%.1f\t%.1f\t\t\n", l.name, l.load.FromApproval.P50, l.load.FromApproval.P99, l.load.FromApproval.Max)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ceiling\tmessages/s\tsteady load is\tprocessor ms\t")
	for _, c := range r.Ceilings {
		fmt.Fprintf(table, "%s\t%.0f\t%.0f%%\t%.2f\t%s\n", c.Name, c.PerSecond, 100*c.Ratio, c.ProcessorMS, c.What)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nThe slowest ceiling is %s.\nmemory: %s live before, %s after; %s resident before, %s after\nlost: %d, doubled: %d\n",
		r.Slowest, mebibytes(r.HeapStart), mebibytes(r.HeapEnd), mebibytes(r.ResidentStart), mebibytes(r.ResidentEnd), r.Lost, r.Doubled)
	return err
}

func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// memory is what lives on the heap after a collection, and what the process holds of the machine where Linux tells.
func memory() (heap, resident uint64) {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	content, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		if fields := strings.Fields(string(content)); len(fields) > 1 {
			pages, _ := strconv.ParseUint(fields[1], 10, 64)
			resident = pages * uint64(os.Getpagesize())
		}
	}
	return stats.HeapAlloc, resident
}

// loadAverage is 0 where the system does not tell.
func loadAverage() float64 {
	content, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(content), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
