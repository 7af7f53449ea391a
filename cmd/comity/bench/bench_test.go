package bench

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/schemas"
)

// A tiny run: every message is receipted and held once, and the JSON says what scripts read.
func TestRun(t *testing.T) {
	var progress strings.Builder
	report, err := Run(t.Context(), Options{
		Messages: 20, Size: DefaultSize, Senders: 4, Progress: &progress, Log: slog.New(slog.DiscardHandler), CeilingTime: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	if report.Lost != 0 || report.Doubled != 0 {
		t.Errorf("%d lost, %d doubled", report.Lost, report.Doubled)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"messages", "size", "senders", "cpus", "slowest_ceiling", "ratio_to_slowest", "lost", "doubled", "drafts_per_second", "heap_start", "heap_end",
		"steady.messages", "steady.seconds", "steady.messages_per_second", "steady.processor_ms", "steady.from_seal_ms.p50", "steady.from_seal_ms.p99", "steady.from_approval_ms.p50",
		"one_at_a_time.messages_per_second", "one_at_a_time.from_seal_ms.p50", "one_at_a_time.from_seal_ms.p99",
		"ceilings.stream.messages_per_second", "ceilings.cryptography.ratio", "ceilings.database.messages_per_second",
	} {
		value, ok := look(said, path)
		number, isNumber := value.(float64)
		if !ok || isNumber && (math.IsNaN(number) || number <= 0) && path != "lost" && path != "doubled" {
			t.Errorf("%s is %v", path, value)
		}
	}
	if report.Steady.Messages != 20 || report.Alone.Messages != 20 {
		t.Errorf("%d messages steadily and %d one at a time, want 20 of each", report.Steady.Messages, report.Alone.Messages)
	}
	for _, phase := range []string{"drafting 48 messages", "ceilings", "one at a time", "4 senders"} {
		if !strings.Contains(progress.String(), phase) {
			t.Errorf("the progress does not say %q:\n%s", phase, &progress)
		}
	}
	var table strings.Builder
	if err := report.Print(&table); err != nil || !strings.Contains(table.String(), "lost: 0, doubled: 0") {
		t.Errorf("%v\n%s", err, &table)
	}
}

// A run whose time is up sends no more, and says so; what was drafted and not sent is not lost.
func TestARunThatIsCutShort(t *testing.T) {
	o := Options{Messages: 20, Size: DefaultSize, Senders: 4, Progress: io.Discard, Log: slog.New(slog.DiscardHandler), CeilingTime: time.Millisecond}
	s, err := start(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}()
	report, err := s.measure(t.Context(), t.TempDir(), o, schedule{sending: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if !report.CutShort || report.Steady.Messages != 0 || report.Alone.Messages != 20 || report.Lost != 0 {
		t.Errorf("cut short %v with %d of 20 messages, %d alone, %d lost", report.CutShort, report.Steady.Messages, report.Alone.Messages, report.Lost)
	}
	var table strings.Builder
	if err := report.Print(&table); err != nil || !strings.Contains(table.String(), "The time was up after 0 of the 20 messages") {
		t.Errorf("%v\n%s", err, &table)
	}
}

func TestTheScheduleOfARun(t *testing.T) {
	begun := time.Now()
	if got := scheduleOf(Options{}, begun); got != (schedule{}) {
		t.Errorf("with no limit: %v", got)
	}
	got := scheduleOf(Options{Within: MinWithin}, begun)
	if !got.drafting.After(begun) || !got.sending.After(got.drafting) || !got.sending.Before(begun.Add(MinWithin)) {
		t.Errorf("drafting until %v and sending until %v of a run from %v", got.drafting, got.sending, begun)
	}
}

// look follows the names of a path; in a list, the entry of that name.
func look(in any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		if list, ok := in.([]any); ok {
			in = nil
			for _, one := range list {
				if entry, ok := one.(map[string]any); ok && entry["name"] == name {
					in = entry
				}
			}
			continue
		}
		entry, _ := in.(map[string]any) // a nil map has no members
		value, ok := entry[name]
		if !ok {
			return nil, false
		}
		in = value
	}
	return in, in != nil
}

func TestOptionsAreBounded(t *testing.T) {
	good := Options{Messages: 1, Size: MinSize, Senders: 1}
	for _, change := range []func(*Options){
		func(o *Options) { o.Messages = 0 }, func(o *Options) { o.Size = MinSize - 1 }, func(o *Options) { o.Size = MaxSize + 1 },
		func(o *Options) { o.Within = MinWithin - 1 }, func(o *Options) { o.Senders = 0 }, func(o *Options) { o.Senders = MaxSenders + 1 },
	} {
		o := good
		change(&o)
		if _, err := Run(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: %v, want %v", o, err, ErrOptions)
		}
	}
}

// A draft has exactly the size asked for, and no two are alike.
func TestDraftsAreValidAndOfTheirSize(t *testing.T) {
	seen := map[string]bool{}
	for _, size := range []int{MinSize, DefaultSize, MaxSize} {
		for n := range 20 {
			draft, err := draftOf(n, size)
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := schemas.ParseDraft(draft, func(schemas.AuthorityID) []schemas.MessageType { return schemas.Types() })
			if err != nil {
				t.Fatalf("draft %d of %d bytes: %v", n, size, err)
			}
			if len(parsed.Payload) != size {
				t.Errorf("a payload of %d bytes, want %d", len(parsed.Payload), size)
			}
			if seen[string(parsed.Payload)] {
				t.Errorf("draft %d of %d bytes is like another", n, size)
			}
			seen[string(parsed.Payload)] = true
		}
	}
}

func TestLatencyOf(t *testing.T) {
	times := make([]time.Duration, 200)
	for i := range times {
		times[len(times)-1-i] = time.Duration(i+1) * time.Millisecond
	}
	if got, want := latencyOf(times), (Latency{P50: 101, P99: 199, Max: 200}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := latencyOf(nil); got != (Latency{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestTheSlowestCeilingIsNamed(t *testing.T) {
	r := &Report{Steady: Load{PerSecond: 100}}
	r.conclude([]*ceiling{{name: "a", done: 400, took: spent{wall: time.Second}}, {name: "b", done: 400, took: spent{wall: 2 * time.Second}}, {name: "c", done: 900, took: spent{wall: time.Second}}})
	if r.Slowest != "b" || r.Ratio != 0.5 {
		t.Errorf("%s with %v, want b with 0.5", r.Slowest, r.Ratio)
	}
}

func BenchmarkCryptography(b *testing.B) {
	c, end, err := cryptoCeiling("", Options{Size: DefaultSize})
	if err != nil {
		b.Fatal(err)
	}
	defer end()
	for b.Loop() {
		if err := c.one(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
