package schemas

import (
	"errors"
	"fmt"
	"time"
)

// Acceptance is what the broker signs once a message stands durably in the recipient's inbox. It says nothing of any
// other message: no total and no sequence.
type Acceptance struct {
	From AuthorityID `json:"from"`
	To   AuthorityID `json:"to"`
	ID   MessageID   `json:"id"`
	// SHA256 is of the sealed bytes that were stored, in lower-case hexadecimal.
	SHA256     string    `json:"sha256"`
	AcceptedAt time.Time `json:"accepted_at"`
}

// Refusal is what the broker answers instead. It is not signed: it proves nothing, and the message stays with the
// sender.
type Refusal struct {
	Refused RefusalReason `json:"refused"`
}

// RefusalReason is why the broker did not take a message: one of RefusalReasons.
type RefusalReason string

// The reasons. Quota does not say whose: a sender must not learn how much others send to a recipient.
const (
	RefusedMalformed        RefusalReason = "malformed"
	RefusedSenderMismatch   RefusalReason = "sender-mismatch"
	RefusedRouteMismatch    RefusalReason = "route-mismatch"
	RefusedRouteNotInForce  RefusalReason = "route-not-in-force"
	RefusedUnknownRecipient RefusalReason = "unknown-recipient"
	RefusedTooLarge         RefusalReason = "too-large"
	RefusedQuota            RefusalReason = "quota"
	RefusedUnavailable      RefusalReason = "unavailable"
)

// RefusalReasons lists them all.
func RefusalReasons() []RefusalReason {
	return []RefusalReason{
		RefusedMalformed, RefusedSenderMismatch, RefusedRouteMismatch, RefusedRouteNotInForce,
		RefusedUnknownRecipient, RefusedTooLarge, RefusedQuota, RefusedUnavailable,
	}
}

// ParseRefusal reads the broker's answer to a submission. It accepts the reasons of RefusalReasons only.
func ParseRefusal(data []byte) (RefusalReason, error) {
	var r Refusal
	if err := Decode(data, &r, Limits{Bytes: 256, Depth: 2}); err != nil {
		return "", fmt.Errorf("reading a refusal: %w", err)
	}
	for _, known := range RefusalReasons() {
		if r.Refused == known {
			return known, nil
		}
	}
	return "", errors.New("reading a refusal: unknown reason")
}

// Temporary says whether the same bytes may be taken later without anybody changing anything.
func (r RefusalReason) Temporary() bool { return r == RefusedQuota || r == RefusedUnavailable }
