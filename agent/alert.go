package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
)

// AlertKind is why a protection officer must look. The set is closed. Alerts stand apart from alarms because an alarm is
// shown to everybody who may ask for the agent's health.
type AlertKind string

// The alerts.
const (
	AlertHeld        AlertKind = "review"         // a message waits for a decision
	AlertHeldLive    AlertKind = "review-live"    // a live border alert waits: it pages whoever is on duty
	AlertHandout     AlertKind = "review-export"  // the file of a case waits for a decision
	AlertReferral    AlertKind = "referral"       // somebody fears to return: access to the asylum procedure (ASY-04)
	AlertCase        AlertKind = "protected-case" // an open case concerns a protected person and their State of origin (ASY-14)
	AlertQuarantined AlertKind = "quarantined"    // a peer sent what should never have come to this State
	AlertBreach      AlertKind = "breach-notice"  // a peer says that we sent what should never have gone there
	AlertRegister    AlertKind = "register"       // the protection register cannot be asked, or its feed is old
	AlertRules       AlertKind = "rules"          // this State's own rules cannot be read: nothing leaves
)

func alertKinds() []AlertKind {
	return []AlertKind{AlertHeld, AlertHeldLive, AlertHandout, AlertReferral, AlertCase, AlertQuarantined, AlertBreach, AlertRegister, AlertRules}
}

// alert raises an alert in the transaction of what caused it. Nothing of it is logged: the log is read by people who must
// not know that there is anything to protect.
func (a *Agent) alert(tx *store.Tx, kind AlertKind, subject string, peer schemas.AuthorityID) error {
	_, err := tx.RaiseProtectionAlert(store.ProtectionAlert{Kind: string(kind), Subject: subject, Peer: peer, RaisedAt: a.now()})
	return err
}

func (a *Agent) endAlert(tx *store.Tx, kind AlertKind, subject, by string) error {
	err := tx.EndProtectionAlert(string(kind), subject, by, a.now())
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// alertNow is alert in a transaction of its own. A failure is logged without saying what the alert was.
func (a *Agent) alertNow(ctx context.Context, kind AlertKind, subject string, peer schemas.AuthorityID) {
	err := a.store.Update(ctx, func(tx *store.Tx) error { return a.alert(tx, kind, subject, peer) })
	if err != nil && ctx.Err() == nil {
		a.log.Error("writing to the store", slog.Any("error", err))
	}
}

// ProtectionAlerts lists what a protection officer must look at, the newest first.
func (a *Agent) ProtectionAlerts(ctx context.Context) ([]api.ProtectionAlert, error) {
	shown := []api.ProtectionAlert{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		found, err := tx.ProtectionAlerts(listLimit)
		for _, f := range found {
			shown = append(shown, api.ProtectionAlert{Kind: f.Kind, Subject: f.Subject, Peer: f.Peer, RaisedAt: f.RaisedAt})
		}
		return err
	})
	return shown, err
}

// EndProtectionAlert says that an officer is done with an alert. A review ends by its decision alone.
func (a *Agent) EndProtectionAlert(ctx context.Context, by, kind, subject string) error {
	switch {
	case !slices.Contains(alertKinds(), AlertKind(kind)):
		return problem(ReasonNotFound, "there is no such kind of alert", "comity review alerts lists those that are up")
	case kind == string(AlertHandout):
		return problem(ReasonState, "a review ends by its decision", "comity review export release, return or block")
	case kind == string(AlertHeld) || kind == string(AlertHeldLive):
		return problem(ReasonState, "a review ends by its decision", "comity review release, return or block")
	}
	return a.store.Update(ctx, func(tx *store.Tx) error {
		err := tx.EndProtectionAlert(kind, subject, by, a.now())
		if errors.Is(err, store.ErrNotFound) {
			return problem(ReasonNotFound, "no such alert is up", "comity review alerts lists them")
		}
		return err
	})
}
