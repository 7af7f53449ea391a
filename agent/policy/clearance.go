package policy

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"comity/schemas"
)

// Clearance proves that the rules allowed one payload to go to one recipient. Only [Engine.Decide] makes one that
// covers anything; it is redeemed once, by the seal or by the letter that is printed, within ClearanceLife of the decision. A Clearance is no record of
// the decision: it is never stored, and after a restart the message is decided again.
type Clearance struct {
	digest   [sha256.Size]byte
	from, to schemas.AuthorityID
	channel  schemas.Channel
	paper    bool
	decided  time.Time
	used     atomic.Bool
}

// ClearanceLife is how long after the decision a message may still be sealed. Facts change: a person may ask for
// protection at any hour.
const ClearanceLife = time.Minute

// Why a Clearance does not serve; each is wrapped by the error of Redeem.
var (
	ErrNotCleared     = errors.New("the rules have not cleared this message")
	ErrClearanceStale = errors.New("the clearance is too old")
	ErrClearanceUsed  = errors.New("the clearance has been used")
)

// Use is what a Clearance is redeemed for.
type Use struct {
	From, To schemas.AuthorityID
	Channel  schemas.Channel
	At       time.Time
	Payload  []byte
	Paper    bool // it is printed; otherwise it is sealed
}

// Covers tells whether the Clearance was made for exactly these bytes and this recipient. It redeems nothing.
func (c *Clearance) Covers(payload []byte, to schemas.AuthorityID) bool {
	return c != nil && !c.decided.IsZero() && c.to == to && c.digest == sha256.Sum256(payload)
}

// OnPaper tells whether the Clearance is for a letter that is printed, and for no seal.
func (c *Clearance) OnPaper() bool { return c != nil && c.paper }

// Redeem spends the Clearance on u. It fails, and spends nothing, where u is not what was cleared; a second Redeem
// fails always.
func (c *Clearance) Redeem(u Use) error {
	if !c.Covers(u.Payload, u.To) || c.from != u.From || c.channel != u.Channel || c.paper != u.Paper {
		return fmt.Errorf("letting a message go to %s: %w", u.To, ErrNotCleared)
	}
	// Wire times have whole seconds, so the seal's time may lie up to a second before the decision.
	if u.At.Before(c.decided.Truncate(time.Second)) || u.At.After(c.decided.Add(ClearanceLife)) {
		return fmt.Errorf("letting a message go to %s: %w", u.To, ErrClearanceStale)
	}
	if !c.used.CompareAndSwap(false, true) {
		return fmt.Errorf("letting a message go to %s: %w", u.To, ErrClearanceUsed)
	}
	return nil
}
