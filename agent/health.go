package agent

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/jose"
)

// soon is how far ahead an expiry is spoken of.
const soon = 14 * 24 * time.Hour

// Health is what the agent can say of itself, for its own staff.
func (a *Agent) Health(ctx context.Context) (api.Health, error) {
	now := a.now()
	h := api.Health{Authority: a.me, Time: now.UTC().Truncate(time.Millisecond), Console: a.ConsoleURL()}
	h.Checks = append(h.Checks, a.checkClock(now))
	h.Checks = append(h.Checks, CheckTrust(a.trust.View(), a.config, now)...)
	h.Checks = append(h.Checks, CheckIdentity(a.identity, a.trust.View(), a.config, now)...)
	h.Checks = append(h.Checks, a.checkRegister(ctx))
	h.Checks = append(h.Checks, a.checkLink(ctx)...)
	err := a.store.View(ctx, func(tx *store.Tx) error {
		alarms, err := tx.Alarms(listLimit)
		if err != nil {
			return err
		}
		for _, alarm := range alarms {
			if alarm.ClearedAt.IsZero() {
				h.Alarms = append(h.Alarms, api.Alarm{Kind: alarm.Kind, Peer: alarm.Peer, Subject: alarm.Subject, RaisedAt: alarm.RaisedAt})
			}
		}
		if h.Outbox, err = tx.OutboxDepth(); err != nil {
			return err
		}
		history, err := a.checkHistory(tx)
		h.Checks = append(h.Checks, history...)
		if err != nil {
			return err
		}
		kept, err := a.checkRetention(tx)
		h.Checks = append(h.Checks, kept)
		return err
	})
	h.Noticed = a.notices.list()
	h.Checks = append(h.Checks, checkStore(a.store.Condition(), err))
	return h, nil
}

// checkStore names what is wrong with the disk under the database.
func checkStore(c store.Condition, reading error) api.Check {
	check := api.Check{Name: "store", Detail: string(c.Fault) + " since " + day(c.Since)}
	switch {
	case c.Fault == store.FaultFull:
		check.Hint = "make room: until then nothing is taken or sent; what peers send waits at the broker"
	case c.Fault == store.FaultReadOnly:
		check.Hint = "the file system is read-only: look at the system's log, then mount it writable"
	case c.Fault == store.FaultWrite:
		check.Hint = "writing fails: look at the disk and at the system's log"
	case c.Fault == store.FaultSync:
		check.Hint = "the disk did not confirm a write: the agent ends, and goes on from what the disk has when it is started again; replace the disk"
	case c.Fault == store.FaultDamaged:
		check.Hint = "the database is damaged: stop the agent and restore a backup (comity restore)"
	case c.Fault == store.FaultSlow:
		check.Detail = fmt.Sprintf("slow: a commit took %s", c.Took.Round(time.Millisecond))
		check.Hint = "nothing is lost, everything waits: look at what else uses the disk"
	case reading != nil:
		check.Detail, check.Hint = "cannot be read", "look at the disk and at the agent's log"
	default:
		check.OK, check.Detail = true, "opened by this agent"
	}
	return check
}

// checkClock compares the clock with the broker's, and without an acceptance yet with what the scheme has signed.
func (a *Agent) checkClock(now time.Time) api.Check {
	if !a.compared.Load() {
		return CheckClock(a.trust.View(), now)
	}
	ahead := time.Duration(a.brokerAhead.Load())
	check := api.Check{Name: "clock", OK: ahead.Abs() < envelope.ClockSkew, Detail: fmt.Sprintf("%s from the broker's at its last acceptance", ahead.Abs().Round(time.Millisecond))}
	if !check.OK {
		check.Hint = fmt.Sprintf("peers refuse messages from more than %s ahead: set this machine's clock, or ask the broker's operator about theirs", envelope.ClockSkew)
	}
	return check
}

// CheckClock can tell a clock that is behind: what the scheme has signed was signed before now.
func CheckClock(view *pki.View, now time.Time) api.Check {
	check := api.Check{Name: "clock", OK: true, Detail: day(now) + ", not yet compared with the broker's"}
	if list := view.TrustList(); list != nil && now.Add(envelope.ClockSkew).Before(list.IssuedAt) {
		check.OK, check.Detail, check.Hint = false, day(now)+" lies before the trust list was signed, on "+day(list.IssuedAt), "set this machine's clock"
	}
	return check
}

// CheckTrust looks at the trust documents that an agent holds.
func CheckTrust(view *pki.View, c Config, now time.Time) []api.Check {
	list := view.TrustList()
	if list == nil {
		return []api.Check{{Name: "trust list", Detail: "none was ever accepted", Hint: "see that " + c.Published + " holds trust-list.json, and that trust.signers pins its signers"}}
	}
	check := api.Check{Name: "trust list", OK: !view.Expired(now), Detail: fmt.Sprintf("%s version %d, %s", list.Scheme, list.Version, until(list.ExpiresAt, now))}
	switch {
	case !check.OK:
		check.Hint = "publish a newer list: without one nobody can be proved, and everything waits, here and at the broker"
	case list.ExpiresAt.Before(now.Add(soon)):
		check.Hint = "the scheme's signers must publish the next one before: from then on everything waits, here and at the broker"
	}
	checks := []api.Check{check}
	for _, warning := range view.Warnings(now) {
		checks = append(checks, api.Check{Name: "trust documents", Detail: warning.Error(), Hint: "the State concerned publishes a fresh one"})
	}
	return checks
}

// CheckIdentity holds the authority's own certificates against the directory and the clock.
func CheckIdentity(id *Identity, view *pki.View, c Config, now time.Time) []api.Check {
	var checks []api.Check
	entry, err := view.Authority(c.Authority)
	if err != nil {
		checks = append(checks, api.Check{Name: "directory", Detail: string(c.Authority) + " is not in the directory", Hint: "the State publishes its directory entry"})
		entry = &pki.Authority{}
	}
	for _, own := range []struct {
		name        string
		certificate *x509.Certificate
		listed      [][]byte
	}{
		{"TLS certificate", id.TLS.Leaf, entry.Certificates.TLS},
		{"signing certificate", id.SigningCertificate, entry.Certificates.Signing},
		{"encryption certificate", id.EncryptionCertificate, entry.Certificates.Encryption},
	} {
		checks = append(checks, checkCertificate(own.name, own.certificate, own.listed, now))
	}
	if _, err := view.Signer(c.Authority, jose.Thumbprint(id.SigningCertificate), now); pki.ReasonOf(err) == pki.ReasonRevoked {
		checks = append(checks, api.Check{Name: "revocation", Detail: "the signing certificate is revoked", Hint: "this authority speaks for nobody any more: the State's CA must issue new keys"})
	}
	return checks
}

func checkCertificate(name string, certificate *x509.Certificate, listed [][]byte, now time.Time) api.Check {
	check := api.Check{Name: name, OK: true, Detail: until(certificate.NotAfter, now)}
	inDirectory := false
	for _, der := range listed {
		inDirectory = inDirectory || string(der) == string(certificate.Raw)
	}
	switch {
	case now.After(certificate.NotAfter):
		check.OK, check.Hint = false, "have the State's CA issue a new one"
	case now.Before(certificate.NotBefore):
		check.OK, check.Detail, check.Hint = false, "not valid before "+day(certificate.NotBefore), "look at this machine's clock"
	case !inDirectory:
		check.OK, check.Detail, check.Hint = false, "not the one in the directory", "peers refuse it until the State's directory entry lists it"
	case certificate.NotAfter.Before(now.Add(soon)):
		check.Hint = "have the State's CA issue a new one before"
	}
	return check
}

// checkRegister tells the operator whether the register can be asked. It says nothing of anybody in it.
func (a *Agent) checkRegister(ctx context.Context) api.Check {
	check := api.Check{Name: "protection register"}
	state, err := a.RegisterState(ctx)
	switch {
	case err != nil || !state.Reachable:
		check.Detail = state.Detail
		check.Hint = "until it can be asked, messages about identifiable persons wait: look at [register] in agent.toml; comity register init makes one"
	case !state.Fresh:
		check.Detail = "its feed is older than 26 hours, or there was none"
		check.Hint = "import the asylum authority's feed: comity register import; until then messages about identifiable persons wait"
	default:
		check.OK, check.Detail = true, "feed of "+day(state.Feed)
	}
	return check
}

func (a *Agent) checkLink(ctx context.Context) []api.Check {
	check := api.Check{Name: "broker", OK: a.link != nil && a.link.Up(), Detail: "connected to " + a.config.BrokerURL}
	if !check.OK {
		check.Detail = "not connected to " + a.config.BrokerURL
		check.Hint = "is the broker running, and does it still admit this authority's certificate?"
		if a.link != nil && a.link.Err() != nil {
			check.Detail += ": " + a.link.Err().Error()
		}
		return []api.Check{check}
	}
	inbox := api.Check{Name: "inbox", OK: true, Detail: "reachable"}
	if err := a.link.CheckInbox(ctx); err != nil {
		inbox.OK, inbox.Detail, inbox.Hint = false, err.Error(), "the broker's operator looks at the inbox of this authority"
	}
	return []api.Check{check, inbox}
}

// until is an end and how far it is away.
func until(end, now time.Time) string {
	left := end.Sub(now).Round(time.Minute)
	switch {
	case left < 0:
		return fmt.Sprintf("expired on %s, %s ago", day(end), period(-left))
	case left < soon:
		return fmt.Sprintf("until %s, in %s", day(end), period(left))
	}
	return "until " + day(end)
}

// period is a length in days and hours, or in hours and minutes.
func period(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 0 {
		return fmt.Sprintf("%d d %d h", days, d%(24*time.Hour)/time.Hour)
	}
	return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }
