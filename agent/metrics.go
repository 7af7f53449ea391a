package agent

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"comity/agent/deadline"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/journal"
	"comity/schemas"
)

// What Prometheus is told of an agent. Whoever reaches the listener reads it, so it is made of two things alone: what was
// exchanged with peers, which both sides have anyway, and the machinery. Nothing is counted before it is sealed: a message
// that policy stopped, one that waits for a tick and one that nobody approved yet are all not there. For the same reason
// these are left out: the register, the home log, the alarm about what cannot be sealed, the tasks of drafts, the breach
// notices in the outbox and the process's own memory and time, which a look-up or a review would move.

// scrapeLeast is how long one look at the database serves, so that many scrapers cost no more than one.
const scrapeLeast = 5 * time.Second

// scrapePatience bounds one look.
const scrapePatience = 20 * time.Second

// otherPeer stands for whoever is not in the directory: labels come from it alone.
const otherPeer = "other"

const day24 = 24 * time.Hour

// paceBuckets are days, as seconds: the working life of a request.
var paceBuckets = days(0.25, 1, 2, 5, 10, 15, 30, 45, 60, 90, 120, 180, 365)

func days(n ...float64) (seconds []float64) {
	for _, d := range n {
		seconds = append(seconds, d*day24.Seconds())
	}
	return seconds
}

// receiptBuckets go from one machine to a peer that is down for a day.
var receiptBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 12 * 3600, 24 * 3600}

// ages are the classes of how long a case has been open.
var ages = []struct {
	label string
	below time.Duration
}{
	{"under 7 days", 7 * day24}, {"7 to 29 days", 30 * day24}, {"30 to 89 days", 90 * day24}, {"90 to 179 days", 180 * day24},
	{"180 days and more", 1<<63 - 1},
}

func ageOf(d time.Duration) string {
	for _, a := range ages {
		if d < a.below {
			return a.label
		}
	}
	return ages[len(ages)-1].label
}

// alarmsShown are the alarms of which a metric tells that one is up: about what was exchanged, and about the machinery. What is
// overdue is a metric of its own. cannot-seal and second-look-overdue are about what may be under review.
var alarmsShown = []AlarmKind{
	AlarmHole, AlarmFork, AlarmChain, AlarmHistory, AlarmRestored, AlarmUnreadable, AlarmReceipt, AlarmRefused, AlarmExpired, AlarmTrust,
	AlarmLate, AlarmReplayed, AlarmUnreachable, AlarmExpires, AlarmAcceptance,
	AlarmOwnRewritten, AlarmPeerRewritten, AlarmHistoryDiffers, AlarmPeerShrunk,
}

// noticesShown are those that messages, voids and receipts give cause for. A submission without an answer may be a breach notice.
var noticesShown = []NoticeKind{NoticeDuplicate, NoticeOutOfOrder, NoticeAsked, NoticeAskedByPeer, NoticePeerRestored, NoticeSentAgain}

// parcelsShown are the kinds of parcels that are counted.
var parcelsShown = []store.Kind{store.KindMessage, store.KindVoid, store.KindReceipt}

// metrics is all that an agent tells Prometheus. What happens is counted as it happens; what is, is read from the database
// when somebody asks.
type metrics struct {
	agent *Agent

	messages *prometheus.CounterVec
	rejected *prometheus.CounterVec
	receipts *prometheus.HistogramVec

	mu    sync.Mutex // one look at a time
	at    time.Time  // of the last look, on the machine's own clock
	known []prometheus.Metric
}

// newMetrics registers everything. It fails where the registry has a metric of such a name already.
func newMetrics(registry prometheus.Registerer, a *Agent) (*metrics, error) {
	m := &metrics{
		agent: a,
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "comity_messages_total", Help: "Messages sealed for a peer (sent) or stored here with a receipt (received), since the agent started.",
		}, []string{"channel", "direction", "peer"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "comity_messages_rejected_total", Help: "Messages that the recipient's agent rejected, ours (sent) or a peer's (received), by the reason in the receipt, since the agent started.",
		}, []string{"direction", "reason"}),
		receipts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "comity_receipt_latency_seconds", Help: "From sealing a message to the recipient's verified signed receipt.", Buckets: receiptBuckets,
		}, []string{"channel"}),
	}
	for _, c := range []prometheus.Collector{m.messages, m.rejected, m.receipts, m} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	for _, reason := range envelope.Rejections() {
		for _, direction := range []string{sentLabel, receivedLabel} {
			m.rejected.WithLabelValues(direction, string(reason))
		}
	}
	for _, channel := range schemas.Channels() {
		m.receipts.WithLabelValues(string(channel))
	}
	return m, nil
}

// The directions, as labels.
const (
	sentLabel     = "sent"
	receivedLabel = "received"
)

// sealed counts a message of ours that is committed.
func (m *metrics) sealed(msg *store.Message) {
	m.messages.WithLabelValues(string(msg.Channel), sentLabel, m.peer(msg.Recipient)).Inc()
}

// stored counts what a peer sent and was committed: a message that is there, or one that was rejected. A void is neither.
func (m *metrics) stored(n numbered) {
	switch msg := n.message; {
	case msg == nil && n.fate == store.FateRejected:
		m.rejected.WithLabelValues(receivedLabel, string(n.rejection)).Inc()
	case msg == nil || msg.StoredAt.IsZero(): // its number was out of range: it is not in the database
	case msg.State == store.Rejected:
		m.rejected.WithLabelValues(receivedLabel, msg.Reason).Inc()
	default:
		m.messages.WithLabelValues(string(msg.Channel), receivedLabel, m.peer(msg.Sender)).Inc()
	}
}

// receipted counts a receipt of a message that was in a state before it.
func (m *metrics) receipted(before store.State, msg *store.Message) {
	if before == store.Sent || before == store.Expired {
		m.receipts.WithLabelValues(string(msg.Channel)).Observe(max(msg.ReceiptedAt.Sub(msg.SealedAt), 0).Seconds())
	}
	if before != store.Rejected && msg.State == store.Rejected {
		m.rejected.WithLabelValues(sentLabel, msg.Reason).Inc()
	}
}

// peer is the label of an authority: its id where the directory has it.
func (m *metrics) peer(id schemas.AuthorityID) string {
	if _, err := m.agent.trust.View().Authority(id); err != nil {
		return otherPeer
	}
	return string(id)
}

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("comity_"+name, help, labels, nil)
}

// What is read when somebody asks.
var (
	descRequests = gauge("requests", "Cases by their stage, closed ones included. A case is sent where this authority opened it.",
		"channel", "direction", "peer", "stage", "open")
	descAges = gauge("requests_open_by_age", "Open cases by how long ago they were opened.", "channel", "direction", "peer", "age")
	descAsk  = gauge("requests_supplemented", "Cases in which the requested side had to ask for what the request left out.", "channel", "direction", "peer")
	descLate = gauge("requests_late", "Cases of which the acknowledgement, decision or execution was or is overdue.", "channel", "direction", "peer")

	descAcknowledge = gauge("request_time_to_acknowledge_seconds", "From the opening message stored with the requested side to its first answer. Buckets are days.", "channel", "direction")
	descDecide      = gauge("request_time_to_decide_seconds", "From the opening message stored with the requested side to its decision. Buckets are days.", "channel", "direction")
	descExecute     = gauge("request_time_to_execute_seconds", "From the opening message stored with the requested side to the execution. Buckets are days.", "channel", "direction")

	descDeadlines = gauge("deadlines", "What is due in open cases, by who owes it (us or the peer) and where it stands.", "channel", "kind", "owner", "peer", "stage")

	descUnreceipted = gauge("messages_unreceipted", "Messages sealed for a peer and without its signed receipt.", "peer")
	descOldest      = gauge("message_unreceipted_oldest_seconds", "Age of the oldest message without a receipt, 0 where every one has.")
	descOutbox      = gauge("outbox_parcels", "Sealed bytes that wait for the broker or for a receipt. Notices between agents are not counted.", "kind")
	descJournal     = gauge("journal_leaves", "Leaves of the log of one direction, which both sides have.", "direction", "peer")

	descCertificate  = gauge("certificate_expiry_timestamp_seconds", "When a certificate of this authority ends.", "use")
	descTrustExpiry  = gauge("trust_list_expiry_timestamp_seconds", "When the trust list in force ends: from then on everything waits.")
	descTrustVersion = gauge("trust_list_version", "Version of the trust list in force, 0 where there is none.")
	descTrustStale   = gauge("trust_documents_stale", "Published documents, such as revocation lists, that are past their time.")
	descLink         = gauge("link_up", "1 while the agent is connected to the broker.")
	descClock        = gauge("link_clock_ahead_seconds", "How far the broker's clock was ahead of this machine's at its last acceptance.")
	descAlarm        = gauge("alarm_raised", "1 while an alarm of this kind is up.", "kind")
	descNoticed      = gauge("noticed_total", "What the agent dealt with by itself, since it started.", "kind", "peer")
	descStore        = gauge("store_fault", "1 for what is wrong with the disk under the database; no fault, no 1.", "fault")
	descReadable     = gauge("store_readable", "1 where the database could be read for these metrics.")
)

// Describe is of prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descRequests, descAges, descAsk, descLate, descAcknowledge, descDecide, descExecute, descDeadlines, descUnreceipted, descOldest,
		descOutbox, descJournal, descCertificate, descTrustExpiry, descTrustVersion, descTrustStale, descLink, descClock, descAlarm,
		descNoticed, descStore, descReadable,
	} {
		out <- d
	}
}

// Collect is of prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || time.Since(m.at) >= scrapeLeast {
		m.known, m.at = m.look(), time.Now()
	}
	for _, metric := range m.known {
		out <- metric
	}
}

// look reads what is. What cannot be read is left out, and said to be.
func (m *metrics) look() (found []prometheus.Metric) {
	put := func(d *prometheus.Desc, value float64, labels ...string) {
		found = append(found, prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...))
	}
	m.machinery(put)
	ctx, cancel := context.WithTimeout(context.Background(), scrapePatience)
	defer cancel()
	var exchanged []prometheus.Metric
	err := m.agent.store.View(ctx, func(tx *store.Tx) (err error) {
		exchanged, err = m.exchanged(tx)
		return err
	})
	if err != nil {
		m.agent.log.Warn("reading metrics from the store", slog.Any("error", err))
		put(descReadable, 0)
		return found
	}
	put(descReadable, 1)
	return append(found, exchanged...)
}

// machinery tells of certificates, trust documents, the link and the disk.
func (m *metrics) machinery(put func(*prometheus.Desc, float64, ...string)) {
	a, view, now := m.agent, m.agent.trust.View(), m.agent.now()
	for use, certificate := range map[string]*x509.Certificate{
		"tls": a.identity.TLS.Leaf, "signing": a.identity.SigningCertificate, "encryption": a.identity.EncryptionCertificate,
	} {
		put(descCertificate, float64(certificate.NotAfter.Unix()), use)
	}
	version, ends := uint64(0), 0.0
	if list := view.TrustList(); list != nil {
		version, ends = list.Version, float64(list.ExpiresAt.Unix())
	}
	put(descTrustVersion, float64(version))
	put(descTrustExpiry, ends)
	put(descTrustStale, float64(len(view.Warnings(now))))
	put(descLink, number(a.link != nil && a.link.Up()))
	if a.compared.Load() {
		put(descClock, time.Duration(a.brokerAhead.Load()).Seconds())
	}
	condition := a.store.Condition()
	for _, fault := range store.Faults() {
		put(descStore, number(condition.Fault == fault), string(fault))
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// exchanged tells of cases, deadlines, messages and logs.
func (m *metrics) exchanged(tx *store.Tx) ([]prometheus.Metric, error) {
	t := newCensus(m.agent.me, m.agent.now(), m.peer)
	if err := tx.EachCase(t.addCase); err != nil {
		return nil, err
	}
	tasks, err := tx.CountTasks()
	if err != nil {
		return nil, err
	}
	for _, k := range tasks {
		t.addTasks(k)
	}
	if err := m.traffic(tx, t); err != nil {
		return nil, err
	}
	return t.metrics(), nil
}

// traffic tells of what is under way, of the logs that peers have as well, and of the alarms.
func (m *metrics) traffic(tx *store.Tx, t *census) error {
	waiting, oldest, err := tx.Unreceipted()
	if err != nil {
		return err
	}
	for peer, n := range waiting {
		t.add(descUnreceipted, float64(n), m.peer(peer))
	}
	t.add(descOldest, 0)
	if !oldest.IsZero() {
		t.add(descOldest, m.agent.now().Sub(oldest).Seconds())
	}
	parcels, err := tx.OutboxKinds()
	if err != nil {
		return err
	}
	for _, kind := range parcelsShown {
		t.add(descOutbox, float64(parcels[kind]), string(kind))
	}
	pairs, err := tx.Pairs()
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		for direction, log := range map[string]journal.Origin{
			sentLabel: journal.Between(m.agent.me, pair.Peer), receivedLabel: journal.Between(pair.Peer, m.agent.me),
		} {
			size, err := tx.LogSize(log)
			if err != nil {
				return err
			}
			t.add(descJournal, float64(size), direction, m.peer(pair.Peer))
		}
	}
	up, err := tx.AlarmsUp()
	if err != nil {
		return err
	}
	for _, kind := range alarmsShown {
		t.add(descAlarm, number(up[string(kind)] > 0), string(kind))
	}
	for _, n := range m.agent.notices.list() {
		if shown(NoticeKind(n.Kind)) {
			t.add(descNoticed, float64(n.Count), n.Kind, m.peer(n.Peer))
		}
	}
	return nil
}

func shown(kind NoticeKind) bool {
	for _, k := range noticesShown {
		if k == kind {
			return true
		}
	}
	return false
}

// stepsOf are the histograms of a case's pace.
func stepsOf(p store.Pace) map[*prometheus.Desc]time.Time {
	return map[*prometheus.Desc]time.Time{descAcknowledge: p.AcknowledgedAt, descDecide: p.DecidedAt, descExecute: p.ExecutedAt}
}

// taskShown tells whether a kind of deadline follows from what was exchanged. That an oral request must be confirmed is the
// task of a draft, which may be under review.
func taskShown(kind string) bool { return kind != string(deadline.OralConfirmation) }
