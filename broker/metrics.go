package broker

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"comity/pki"
	"comity/schemas"
)

// metrics tell the broker's operator how the broker is. Like Status they count nothing by authority.
type metrics struct{ broker *Broker }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("comity_broker_"+name, help, labels, nil)
}

var (
	descReady       = desc("ready", "1 while agents can connect.")
	descConnections = desc("connections", "Agents that are connected.")
	descAccepted    = desc("accepted_total", "Submissions that were accepted, since the broker started.")
	descRefused     = desc("refused_total", "Submissions that were refused, since the broker started.", "reason")
	descTurnedAway  = desc("turned_away_total", "Connections that were refused for their certificate, since the broker started.", "reason")
	descInboxes     = desc("inboxes", "Inbox streams.")
	descMessages    = desc("inbox_messages", "Messages in all inboxes that no agent has taken yet.")
	descBytes       = desc("inbox_bytes", "Bytes of them.")
	descFullest     = desc("fullest_inbox_ratio", "How much of the fullest inbox is used; a full one refuses.")
	descVersion     = desc("trust_list_version", "Version of the trust list in force, 0 where there is none.")
	descExpiry      = desc("trust_list_expiry_timestamp_seconds", "When the trust list in force ends: from then on nothing is taken.")
	descDocuments   = desc("trust_refused", "1 while something of the published trust folder is refused.")
	descCertificate = desc("certificate_expiry_timestamp_seconds", "When a certificate of the broker ends.", "use")
)

// register adds the broker's metrics, and those of its process: it holds nothing that these could tell of.
func (m *metrics) register(registry prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Describe is of prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descReady, descConnections, descAccepted, descRefused, descTurnedAway, descInboxes, descMessages, descBytes, descFullest, descVersion,
		descExpiry, descDocuments, descCertificate,
	} {
		out <- d
	}
}

// Collect is of prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	s := m.broker.Status()
	put(descReady, prometheus.GaugeValue, number(s.Ready))
	put(descConnections, prometheus.GaugeValue, float64(s.Connected))
	put(descAccepted, prometheus.CounterValue, float64(s.Accepted))
	for _, reason := range schemas.RefusalReasons() {
		put(descRefused, prometheus.CounterValue, float64(s.Refused[reason]), string(reason))
	}
	for reason, n := range s.TurnedAway { // a closed set of pki
		put(descTurnedAway, prometheus.CounterValue, float64(n), string(reason))
	}
	put(descVersion, prometheus.GaugeValue, float64(s.TrustVersion))
	ends := 0.0
	if !s.TrustExpires.IsZero() {
		ends = float64(s.TrustExpires.Unix())
	}
	put(descExpiry, prometheus.GaugeValue, ends)
	put(descDocuments, prometheus.GaugeValue, number(s.Trust != ""))
	put(descCertificate, prometheus.GaugeValue, float64(m.broker.server.Leaf.NotAfter.Unix()), pki.UsageTLS.String())
	put(descCertificate, prometheus.GaugeValue, float64(m.broker.signing.Unix()), pki.UsageSigning.String())
	m.inboxes(put)
}

// inboxes tells of the streams, while there are any.
func (m *metrics) inboxes(put func(*prometheus.Desc, prometheus.ValueType, float64, ...string)) {
	m.broker.mu.Lock()
	line := m.broker.bus
	m.broker.mu.Unlock()
	if line == nil {
		return
	}
	u, err := line.Usage()
	if err != nil {
		m.broker.log.Warn("reading metrics", "err", err)
		return
	}
	put(descInboxes, prometheus.GaugeValue, float64(u.Inboxes))
	put(descMessages, prometheus.GaugeValue, float64(u.Messages))
	put(descBytes, prometheus.GaugeValue, float64(u.Bytes))
	put(descFullest, prometheus.GaugeValue, u.Fullest)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
