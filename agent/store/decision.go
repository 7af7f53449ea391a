package store

import "time"

// Decision is what the rules decided about one message, as auditors see it: it names rules and nobody.
type Decision struct {
	At      time.Time
	Message []byte // keyed hash: one message can be followed, and none found
	What    string // sent, stopped, or asked about
	Outcome string
	Rules   string
}

// The whats of a decision.
const (
	DecisionSent    = "sent"
	DecisionStopped = "stopped"
	DecisionAsked   = "asked"
)

// AddDecision records a decision. about is what its keyed hash is made of: the id of a message, or the bytes of a draft.
func (t *Tx) AddDecision(about []byte, d Decision) error {
	return t.exec(`INSERT INTO decision (at, message, what, outcome, rules) VALUES (?,?,?,?,?)`,
		millis(d.At), t.columns.keyed(about), d.What, d.Outcome, d.Rules)
}

// Decisions lists at most limit decisions, the newest first.
func (t *Tx) Decisions(limit int) ([]Decision, error) {
	return collect(t, func(s scanner) (Decision, error) {
		var d Decision
		var at int64
		err := s.Scan(&at, &d.Message, &d.What, &d.Outcome, &d.Rules)
		d.At = instant(at)
		return d, err
	}, `SELECT at, message, what, outcome, rules FROM decision ORDER BY n DESC LIMIT ?`, limit)
}
