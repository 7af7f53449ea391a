package agent

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/indicator"
	"comity/agent/store"
	"comity/exposition"
	"comity/pki/journal"
	"comity/schemas"
)

// exposed is all that a scrape of the agent gives, read anew.
func (d *desk) exposed(t *testing.T) string {
	t.Helper()
	d.metrics.mu.Lock()
	d.metrics.known = nil
	d.metrics.mu.Unlock()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://127.0.0.1/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer := &answered{header: http.Header{}}
	exposition.Handler(d.registry, false).ServeHTTP(answer, request)
	if answer.code != 0 && answer.code != http.StatusOK {
		t.Fatalf("scraping: %d %s", answer.code, answer.body.String())
	}
	return answer.body.String()
}

// answered takes an answer as it is.
type answered struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) WriteHeader(code int)        { a.code = code }
func (a *answered) Write(p []byte) (int, error) { return a.body.Write(p) }

// measureAnew forgets what the agent counted since it started.
func (d *desk) measureAnew(t *testing.T) {
	t.Helper()
	var err error
	d.registry = prometheus.NewRegistry()
	if d.metrics, err = newMetrics(d.registry, d.Agent); err != nil {
		t.Fatal(err)
	}
}

// value is what one series has, -1 where it is not there.
func value(t *testing.T, text, name string) float64 {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			var v float64
			if _, err := fmt.Sscan(rest, &v); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return v
		}
	}
	return -1
}

func TestMetricsFollowARequestThroughItsLife(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	asks, asked := w.desks[qm], w.desks[qn]
	request := asks.send(draft(t, qn, "request", "", ""))
	text := asks.exposed(t)
	for series, want := range map[string]float64{
		`comity_messages_total{channel="mla",direction="sent",peer="QN/justice"}`:                          1,
		`comity_messages_unreceipted{peer="QN/justice"}`:                                                   1,
		`comity_outbox_parcels{kind="message"}`:                                                            1,
		`comity_requests{channel="mla",direction="sent",open="true",peer="QN/justice",stage="sent"}`:       1,
		`comity_receipt_latency_seconds_count{channel="mla"}`:                                              0,
		`comity_journal_leaves{direction="sent",peer="QN/justice"}`:                                        1,
		`comity_requests_open_by_age{age="under 7 days",channel="mla",direction="sent",peer="QN/justice"}`: 1,
		`comity_store_readable`:            1,
		`comity_alarm_raised{kind="fork"}`: 0,
	} {
		if got := value(t, text, series); got != want {
			t.Errorf("after sending: %s is %v, want %v", series, got, want)
		}
	}
	w.clock.Advance(90 * time.Second)
	if got := value(t, asks.exposed(t), "comity_message_unreceipted_oldest_seconds"); got != 90 {
		t.Errorf("the oldest message waits for %v s, want 90", got)
	}
	w.carry(t)
	w.clock.Advance(10 * 24 * time.Hour) // five working days would have been in time
	asked.sealReviewed(asked.write(draft(t, qm, "acknowledgement", request.Case, request.ID)).ID)
	w.carry(t)
	asked.sealReviewed(asked.write(draft(t, qm, "supplement-request", request.Case, request.ID)).ID)
	w.carry(t)

	for _, d := range []*desk{asks, asked} {
		text, direction := d.exposed(t), "sent"
		if d == asked {
			direction = "received"
		}
		peer := map[*desk]string{asks: "QN/justice", asked: "QM/justice"}[d]
		labels := fmt.Sprintf(`channel="mla",direction=%q,peer=%q`, direction, peer)
		step := fmt.Sprintf(`{channel="mla",direction=%q`, direction)
		for series, want := range map[string]float64{
			`comity_request_time_to_acknowledge_seconds_count` + step + `}`:              1,
			`comity_request_time_to_acknowledge_seconds_sum` + step + `}`:                10 * 86400,
			`comity_request_time_to_acknowledge_seconds_bucket` + step + `,le="432000"}`: 0,
			`comity_request_time_to_acknowledge_seconds_bucket` + step + `,le="864000"}`: 1,
			`comity_request_time_to_decide_seconds_count` + step + `}`:                   -1,
			`comity_requests_supplemented{` + labels + `}`:                               1,
			`comity_requests_late{` + labels + `}`:                                       1,
			`comity_messages_unreceipted{peer="` + peer + `"}`:                           -1,
			`comity_outbox_parcels{kind="message"}`:                                      0,
		} {
			if got := value(t, text, series); got != want {
				t.Errorf("%s: %s is %v, want %v", d.me, series, got, want)
			}
		}
	}
	if got := value(t, asks.exposed(t), `comity_receipt_latency_seconds_sum{channel="mla"}`); got != 90 {
		t.Errorf("the receipt came after %v s, want 90", got)
	}
	if got := value(t, asks.exposed(t), `comity_deadlines{channel="mla",kind="supplement",owner="us",peer="QN/justice",stage="running"}`); got != 1 {
		t.Errorf("deadlines to supplement: %v, want 1", got)
	}
}

// A peer's duplicate is no second message, and what was rejected is counted by its reason and by no other.
func TestMetricsCountWhatArrivedOnce(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	first := w.desks[qn].forge(qm, information(t), 1, envelope.Hash{})
	d.take(first)
	d.take(first)
	d.take(w.desks[qn].forge(qm, []byte(strings.Replace(string(information(t)), "{", `{"extra":1,`, 1)), 2, chainOf(t, d, qn)))
	d.take(w.desks[qn].forge(qm, information(t), 100_000, envelope.Hash{})) // a number that nobody has come near
	text := d.exposed(t)
	for series, want := range map[string]float64{
		`comity_messages_total{channel="mla",direction="received",peer="QN/justice"}`:                    1,
		`comity_messages_rejected_total{direction="received",reason="invalid-payload"}`:                  1,
		`comity_noticed_total{kind="duplicate",peer="QN/justice"}`:                                       1,
		`comity_requests{channel="mla",direction="received",open="true",peer="QN/justice",stage="sent"}`: 1,
	} {
		if got := value(t, text, series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
}

// Labels come from closed sets: whoever is not in the directory is "other", and no id, subject or case is a label.
func TestMetricLabelsAreClosed(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	m := d.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	text := d.exposed(t)
	for _, id := range []string{string(m.ID), string(m.Case), "TESTPERSON", "officer-1"} {
		if strings.Contains(text, id) {
			t.Errorf("the exposition holds %q", id)
		}
	}
	if got := d.metrics.peer("QZ/nobody"); got != otherPeer {
		t.Errorf("an authority that is in no directory has the label %q", got)
	}
	known := map[string][]string{
		"direction": {"sent", "received"}, "open": {"true", "false"}, "owner": {"us", "peer"}, "use": {"tls", "signing", "encryption"},
		"age": nil, "channel": nil, "peer": {otherPeer}, "fault": nil, "reason": nil,
	}
	for _, a := range ages {
		known["age"] = append(known["age"], a.label)
	}
	for _, c := range schemas.Channels() {
		known["channel"] = append(known["channel"], string(c))
	}
	for _, row := range d.trust.View().Authorities() {
		known["peer"] = append(known["peer"], string(row.ID))
	}
	for _, f := range store.Faults() {
		known["fault"] = append(known["fault"], string(f))
	}
	for _, r := range envelope.Rejections() {
		known["reason"] = append(known["reason"], string(r))
	}
	for _, found := range regexp.MustCompile(`([a-z_]+)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if allowed, closed := known[found[1]]; closed && !slices.Contains(allowed, found[2]) {
			t.Errorf("label %s has the value %q", found[1], found[2])
		}
	}
}

// The names, units and help texts are as Prometheus wants them.
func TestMetricsAreWellNamed(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	d.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	problems, err := promlint.New(strings.NewReader(d.exposed(t))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// protecting is what would say that somebody is protected or that something is under review.
var protecting = regexp.MustCompile(`(?i)asylum|protect|review|\bhold|\bheld|block|quarantin|register|clearance|polic|breach|stopped`)

// Two worlds. In the first a message about a protected person is under review and another that should never have come is
// withheld; in the second the same messages are about somebody else: one waits for its tick, and one can be read. Whoever
// reads the metrics sees the same bytes, before, while and after other messages go their way.
func TestMetricsTellNoReviewFromATick(t *testing.T) {
	for _, c := range []struct {
		name string
		leak func(*desk) prometheus.Collector
		same bool
	}{
		{name: "as it is", same: true},
		{name: "a planted count of what is under review", leak: leaking(func(d *desk, tx *store.Tx) (int, error) {
			m, err := tx.MessagesIn(store.Out, store.UnderReview, "", 10)
			return len(m), err
		})},
		{name: "a planted depth of the outbox", leak: leaking(func(_ *desk, tx *store.Tx) (int, error) { return tx.OutboxDepth() })},
		{name: "a planted size of the home log", leak: leaking(func(d *desk, tx *store.Tx) (int, error) {
			size, err := tx.LogSize(journal.Home(d.me))
			return int(size), err
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			guarded, open := twoWorlds(t, true, c.leak), twoWorlds(t, false, c.leak)
			different := -1
			for i := range guarded {
				if guarded[i] != open[i] && different < 0 {
					different = i
				}
				if found := protecting.FindString(guarded[i]); found != "" && c.same {
					t.Errorf("the exposition says %q", found)
				}
			}
			if c.same && different >= 0 {
				t.Errorf("at scrape %d:\n%s", different, firstDifference(guarded[different], open[different]))
			}
			if !c.same && different < 0 {
				t.Error("the comparison does not find it")
			}
		})
	}
}

// leaking is a metric that must not be.
func leaking(count func(*desk, *store.Tx) (int, error)) func(*desk) prometheus.Collector {
	return func(d *desk) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "comity_planted", Help: "Must not be."}, func() (n float64) {
			err := d.store.View(d.t.Context(), func(tx *store.Tx) error {
				counted, err := count(d, tx)
				n = float64(counted)
				return err
			})
			if err != nil {
				d.t.Error(err)
			}
			return n
		})
	}
}

// twoWorlds plays one of them, and returns what each scrape gave.
func twoWorlds(t *testing.T, guarded bool, leak func(*desk) prometheus.Collector) (scrapes []string) {
	t.Helper()
	w := newWorldOf(t, qm, qn)
	d := w.desks[qm]
	if leak != nil {
		d.registry.MustRegister(leak(d))
	}
	scrape := func() { scrapes = append(scrapes, d.exposed(t)) }
	who := map[bool]string{true: "TESTPERSON INDIA-09", false: "TESTPERSON JULIETT-10"}[guarded]
	record := `{"ref":"r1","names":["` + who + `"],"documents":[{"kind":"passport","number":"P9000009","issuer":"QN"}],"nationalities":["QN"],"status":"pending"}`
	if !guarded {
		record = strings.Replace(record, "P9000009", "P1000010", 1)
	}
	if _, err := d.PutRegister(t.Context(), "protection-1", []byte(record)); err != nil {
		t.Fatal(err)
	}
	scrape()
	m := d.write([]byte(strings.Replace(string(aboutSomebody(t)), `"names":["TESTPERSON HOTEL-08"],"nationalities":["QM"]`,
		`"names":["TESTPERSON INDIA-09"],"documents":[{"kind":"passport","number":"P9000009","issuer":"QN"}],"nationalities":["QN"]`, 1)))
	if guarded {
		d.seal(m.ID)
	}
	if got, want := d.message(qm, m.ID).State, map[bool]store.State{true: store.UnderReview, false: store.Approved}[guarded]; got != want {
		t.Fatalf("the message is %s, want %s", got, want)
	}
	scrape()
	d.send(draft(t, qn, "request", "", ""))
	w.carry(t)
	scrape()
	from := map[bool]any{true: "QM", false: "QP"}[guarded] // whom it says to keep it from
	d.take(w.desks[qn].forge(qm, information(t, from), 1, envelope.Hash{}))
	if got, want := d.arrival(qn).Screening, map[bool]store.Screening{true: store.ScreenQuarantined, false: store.ScreenClear}[guarded]; got != want {
		t.Fatalf("what arrived is %s, want %s", got, want)
	}
	scrape()
	d.outgoing() // the broker takes the receipt, and in one of the worlds more than that
	scrape()
	w.clock.Advance(26 * time.Hour)
	if _, err := d.chore(t.Context()); err != nil {
		t.Fatal(err)
	}
	scrape()
	// Before anything is suppressed or rounded, the indicators are made of the same facts.
	in := indicator.Input{Period: indicator.Period{From: w.clock.Now().AddDate(0, -1, 0), To: w.clock.Now()}}
	if err := d.fromStore(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	if len(in.Cases) != 2 || in.Messages["mla"] != (indicator.Traffic{Sent: 1, Received: 1}) {
		t.Fatalf("indicators are made of %+v", in)
	}
	encoded, err := schemas.Canonical(byKind(in.Cases))
	if err != nil {
		t.Fatal(err)
	}
	return append(scrapes, string(encoded))
}

// byKind are cases without what was drawn.
func byKind(cases []indicator.Case) []indicator.Case {
	for i := range cases {
		cases[i].Team = ""
	}
	slices.SortFunc(cases, func(a, b indicator.Case) int { return strings.Compare(string(a.Opened), string(b.Opened)) })
	return cases
}

func firstDifference(a, b string) string {
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range left {
		if i >= len(right) || left[i] != right[i] {
			return "guarded: " + left[i] + "\nopen:    " + strings.Join(right[min(i, len(right)):min(i+1, len(right))], "")
		}
	}
	return "one is longer"
}

// arrival is the only message that came from a peer.
func (d *desk) arrival(from schemas.AuthorityID) *store.Message {
	d.t.Helper()
	found, err := d.Messages(d.t.Context(), api.Query{Peer: from})
	if err != nil {
		d.t.Fatal(err)
	}
	found = slices.DeleteFunc(found, func(m api.Message) bool { return m.Direction != string(store.In) })
	if len(found) != 1 {
		d.t.Fatalf("%d messages came from %s", len(found), from)
	}
	return d.message(from, found[0].ID)
}
