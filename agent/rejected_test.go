package agent

import (
	"strings"
	"testing"
	"time"

	"comity/agent/envelope"
	"comity/schemas"
)

// What a peer signed and this desk does not take is answered with a signed rejection. Its reason comes from a closed set;
// nothing is stored as a message, and the number is used, so that the next one is welcome.
func TestWhatAPeerSignedIsRejectedWithItsReason(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	good := string(payloadOf(t, draft(t, qn, "request", "", "")))
	with := func(old, replacement string) string {
		t.Helper()
		if !strings.Contains(good, old) {
			t.Fatalf("the example does not hold %s", old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	const language = `"language":"en"`
	for _, test := range []struct {
		name    string
		payload string
		header  func(map[string]any)
		want    envelope.Rejection
	}{
		{"a version that nobody has", with("mla.request/1", "mla.request/2"), nil, envelope.RejectedVersion},
		{"a type that nobody has", with("mla.request/1", "mla.demand/1"), nil, envelope.RejectedVersion},
		{"a member twice", with(language, language+`,"language":"fr"`), nil, envelope.RejectedSchema},
		{"a member twice, once escaped", with(language, language+`,"l\u0061nguage":"fr"`), nil, envelope.RejectedSchema},
		{"a member in another case", with(language, language+`,"Language":"fr"`), nil, envelope.RejectedSchema},
		{"an unknown member", with(language, language+`,"note":"x"`), nil, envelope.RejectedSchema},
		{"a required member missing", with(language+",", ""), nil, envelope.RejectedSchema},
		{"bytes that are no UTF-8", with(language, `"language":"e`+"\xff"+`"`), nil, envelope.RejectedSchema},
		{"two values", good + "{}", nil, envelope.RejectedSchema},
		{"no JSON", "request", nil, envelope.RejectedSchema},
		{"another channel in the header", good, func(h map[string]any) { h["channel"] = string(schemas.ChannelConfiscation) }, envelope.RejectedChannelSwap},
		{"sent in the future", good, func(h map[string]any) {
			ahead := n.now().Add(envelope.ClockSkew + time.Minute).UTC()
			h["sent_at"], h["valid_until"] = ahead.Format(time.RFC3339), ahead.Add(time.Hour).Format(time.RFC3339)
		}, envelope.RejectedEarly},
	} {
		t.Run(test.name, func(t *testing.T) {
			change := []func(map[string]any){}
			if test.header != nil {
				change = append(change, test.header)
			}
			n.take(m.forge(qn, []byte(test.payload), nextFrom(t, n, qm), chainOf(t, n, qm), change...))
			if r := lastReceipt(t, n, m); r.Outcome != envelope.Rejected || r.Reason != test.want {
				t.Errorf("its sender is told %s %q, want rejected %q", r.Outcome, r.Reason, test.want)
			}
		})
	}
	t.Run("no agreement in force", func(t *testing.T) {
		agreements := w.scheme.List().Agreements
		w.scheme.EditTrustList(t, withoutAgreements)
		w.publish(t)
		n.take(m.forge(qn, []byte(good), nextFrom(t, n, qm), chainOf(t, n, qm)))
		if r := lastReceipt(t, n, m); r.Outcome != envelope.Rejected || r.Reason != envelope.RejectedRoute {
			t.Errorf("its sender is told %s %q", r.Outcome, r.Reason)
		}
		w.scheme.EditTrustList(t, withAgreements(agreements))
		w.publish(t)
	})
	if cases, err := n.Cases(t.Context(), 0); err != nil || len(cases) != 0 {
		t.Errorf("%d cases of what was rejected, %v", len(cases), err)
	}
	n.take(m.forge(qn, []byte(good), nextFrom(t, n, qm), chainOf(t, n, qm)))
	if r := lastReceipt(t, n, m); r.Outcome != envelope.Stored {
		t.Errorf("an honest message afterwards: %s %q", r.Outcome, r.Reason)
	}
	if up := n.transportAlarms(); len(up) != 0 {
		t.Errorf("alarms: %v", up)
	}
}
