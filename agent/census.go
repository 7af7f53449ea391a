package agent

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"comity/agent/store"
	"comity/schemas"
)

// census adds up what one look at the database found, by metric and labels.
type census struct {
	me   schemas.AuthorityID
	now  time.Time
	peer func(schemas.AuthorityID) string

	sums  map[series]float64
	kinds map[*prometheus.Desc]prometheus.ValueType // gauges, where it is not here
	paces map[series]*pace
}

// series is one metric with its labels, which hold no zero byte.
type series struct {
	desc   *prometheus.Desc
	labels string
}

const labelEnd = "\x00"

func seriesOf(d *prometheus.Desc, labels []string) series {
	return series{d, strings.Join(labels, labelEnd)}
}

func (s series) values() []string {
	if s.labels == "" {
		return nil
	}
	return strings.Split(s.labels, labelEnd)
}

// pace is one histogram.
type pace struct {
	count   uint64
	sum     float64
	buckets map[float64]uint64 // cumulative
}

func newCensus(me schemas.AuthorityID, now time.Time, peer func(schemas.AuthorityID) string) *census {
	return &census{
		me: me, now: now, peer: peer, sums: map[series]float64{}, paces: map[series]*pace{},
		kinds: map[*prometheus.Desc]prometheus.ValueType{descNoticed: prometheus.CounterValue},
	}
}

func (t *census) add(d *prometheus.Desc, value float64, labels ...string) {
	t.sums[seriesOf(d, labels)] += value
}

// addCase counts one case. All that it says of the case follows from messages that both sides have.
func (t *census) addCase(c *store.CaseFile) {
	direction := receivedLabel
	if c.Requesting == t.me {
		direction = sentLabel
	}
	channel, peer := string(c.Channel), t.peer(c.Peer)
	open := "false"
	if c.Open {
		open = "true"
		t.add(descAges, 1, channel, direction, peer, ageOf(t.now.Sub(c.OpenedAt)))
	}
	t.add(descRequests, 1, channel, direction, peer, c.State, open)
	t.add(descAsk, number(c.Pace.Supplements > 0), channel, direction, peer)
	t.add(descLate, number(c.Pace.Late), channel, direction, peer)
	if c.Pace.StoredAt.IsZero() {
		return
	}
	for d, at := range stepsOf(c.Pace) {
		if !at.IsZero() {
			t.observe(d, max(at.Sub(c.Pace.StoredAt), 0).Seconds(), channel, direction)
		}
	}
}

func (t *census) observe(d *prometheus.Desc, seconds float64, labels ...string) {
	key := seriesOf(d, labels)
	p := t.paces[key]
	if p == nil {
		p = &pace{buckets: map[float64]uint64{}}
		for _, b := range paceBuckets {
			p.buckets[b] = 0
		}
		t.paces[key] = p
	}
	p.count++
	p.sum += seconds
	for _, b := range paceBuckets {
		if seconds <= b {
			p.buckets[b]++
		}
	}
}

// addTasks counts what is due.
func (t *census) addTasks(k store.TaskCount) {
	if !taskShown(k.Kind) {
		return
	}
	owner, peer := "us", k.Waits
	if k.Who != t.me {
		owner, peer = "peer", k.Who
	}
	t.add(descDeadlines, float64(k.N), string(k.Channel), k.Kind, owner, t.peer(peer), k.Stage)
}

// metrics is all of it, in a fixed order.
func (t *census) metrics() (all []prometheus.Metric) {
	for _, s := range sorted(t.sums) {
		kind := cmp.Or(t.kinds[s.desc], prometheus.GaugeValue)
		all = append(all, prometheus.MustNewConstMetric(s.desc, kind, t.sums[s], s.values()...))
	}
	for _, s := range sorted(t.paces) {
		p := t.paces[s]
		all = append(all, prometheus.MustNewConstHistogram(s.desc, p.count, p.sum, p.buckets, s.values()...))
	}
	return all
}

func sorted[V any](m map[series]V) []series {
	keys := make([]series, 0, len(m))
	for s := range m {
		keys = append(keys, s)
	}
	slices.SortFunc(keys, func(a, b series) int {
		return cmp.Or(strings.Compare(a.desc.String(), b.desc.String()), strings.Compare(a.labels, b.labels))
	})
	return keys
}
