package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/pki"
	"comity/schemas"
)

// check finds one line of a desk's health.
func (d *desk) check(name string) api.Check {
	d.t.Helper()
	h, err := d.Health(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, c := range h.Checks {
		if c.Name == name {
			return c
		}
	}
	d.t.Fatalf("no line about %q among %+v", name, h.Checks)
	return api.Check{}
}

// Each thing that stops a desk is a line of its own, with a hint about what to do; what is about to stop it only hints.
func TestHealthNamesWhatIsWrong(t *testing.T) {
	day := 24 * time.Hour
	for _, test := range []struct {
		name   string
		change func(t *testing.T, w *world)
		line   string
		ok     bool
		says   string // in the detail or the hint
	}{
		{"all is well", func(*testing.T, *world) {}, "signing certificate", true, "until"},
		{"a certificate that ends soon", func(_ *testing.T, w *world) { w.clock.Advance(355 * day) }, "TLS certificate", true, "in 10 d 0 h"},
		{"a certificate that has ended", func(_ *testing.T, w *world) { w.clock.Advance(366 * day) }, "TLS certificate", false, "expired on"},
		{"its signing certificate has ended", func(_ *testing.T, w *world) { w.clock.Advance(366 * day) }, "signing certificate", false, "expired on"},
		{"its encryption certificate has ended", func(_ *testing.T, w *world) { w.clock.Advance(366 * day) }, "encryption certificate", false, "expired on"},
		{"a certificate of tomorrow", func(_ *testing.T, w *world) { w.clock.Advance(-2 * day) }, "TLS certificate", false, "not valid before"},
		{"the trust list ends soon", func(_ *testing.T, w *world) { w.clock.Advance(80 * day) }, "trust list", true, "in 10 d 0 h"},
		{"the trust list has ended", func(_ *testing.T, w *world) { w.clock.Advance(400 * day) }, "trust list", false, "publish a newer list"},
		{"a directory that lists other keys", func(t *testing.T, w *world) {
			w.scheme.EditEntry(t, "QM", func(rows []pki.Authority) {
				for i := range rows {
					if rows[i].ID == qm {
						rows[i].Certificates.Encryption = nil
					}
				}
			})
			w.publish(t)
		}, "encryption certificate", false, "not the one in the directory"},
		{"not in the directory", func(t *testing.T, w *world) {
			w.scheme.EditTrustList(t, func(l *pki.TrustList) {
				l.States, l.Agreements = withoutState(l.States, "QM"), nil
			})
			w.publish(t)
		}, "directory", false, "publishes its directory entry"},
		{"a revoked key", func(t *testing.T, w *world) {
			w.scheme.Revoke(t, "QM", w.scheme.Authority(qm).Signing.Certificate, pki.CRLKeyCompromise)
			w.publish(t)
		}, "revocation", false, "must issue new keys"},
		{"no broker", func(*testing.T, *world) {}, "broker", false, "is the broker running"},
		{"the store", func(*testing.T, *world) {}, "store", true, "opened"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorldOf(t, qm)
			test.change(t, w)
			got := w.desks[qm].check(test.line)
			if got.OK != test.ok || !strings.Contains(got.Detail+" "+got.Hint, test.says) || !got.OK && got.Hint == "" {
				t.Errorf("%+v, want ok %t, saying %q", got, test.ok, test.says)
			}
		})
	}
}

func withoutState(rows []pki.StateTrust, gone schemas.StateCode) (left []pki.StateTrust) {
	for _, row := range rows {
		if row.State != gone {
			left = append(left, row)
		}
	}
	return left
}

// A published document that is refused leaves the last good one in force, and is an alarm until a good one appears.
func TestARefusedDocumentIsAlarmed(t *testing.T) {
	w := newWorldOf(t, qm)
	m := w.desks[qm]
	path := filepath.Join(w.published, "trust-list.json")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	look := func(publish func() error, subject string) {
		t.Helper()
		if err := errors.Join(publish(), m.refreshTrust(t.Context())); err != nil {
			t.Fatal(err)
		}
		if up := m.alarms(); hasAlarm(up, "trust-refused") != (subject != "") || subject != "" && !hasAlarm(up, "trust-refused "+subject) {
			t.Errorf("alarms %v, want one about %q", up, subject)
		}
		if m.trust.View().TrustList() == nil {
			t.Error("the good list was forgotten")
		}
	}
	look(func() error { return os.WriteFile(path, []byte("{}"), 0o600) }, string(pki.ReasonTrustListInvalid))
	look(func() error { return os.WriteFile(path, good, 0o600) }, "")
	look(func() error { return os.Remove(path) }, "missing")
	look(func() error { return os.WriteFile(path, good, 0o600) }, "")
}
