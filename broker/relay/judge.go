package relay

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"comity/pki"
	"comity/pki/jose"
	"comity/powercut"
	"comity/schemas"
)

// judge takes one submission through steps 2 to 9 of the package comment. A refusal has a reason; an error besides
// is what the operator must know, and the sender not.
func (r *Relay) judge(ctx context.Context, w work) ([]byte, schemas.RefusalReason, error) {
	wire, now := w.msg.Data, r.cfg.Now()

	// 2. Size, before anything is parsed.
	if len(wire) > r.cfg.MaxMessage {
		return nil, schemas.RefusedTooLarge, nil
	}
	// 3. The sender's quota.
	if !r.sender.take(w.from, len(wire), now) {
		return nil, schemas.RefusedQuota, nil
	}
	// 4. The outer header.
	route, err := readRoute(wire)
	if err != nil {
		return nil, schemas.RefusedMalformed, nil
	}
	attempt, err := attemptOf(w.msg, route)
	if err != nil {
		return nil, schemas.RefusedMalformed, nil
	}
	// 5, 6. The route.
	if reason := judgeRoute(r.cfg.View(), w.from, w.msg.Subject, route, now); reason != "" {
		return nil, reason, nil
	}
	inbox, ok := r.accounts.Inbox(route.To)
	if !ok {
		return nil, schemas.RefusedUnknownRecipient, nil
	}
	// 7. The recipient's quota.
	if !r.recipient.take(route.To, len(wire), now) {
		return nil, schemas.RefusedQuota, nil
	}
	// 8. Durably into the recipient's inbox.
	sum := sha256.Sum256(wire)
	if reason, err := r.store(ctx, inbox, storeID(route.From, attempt, sum), wire); reason != "" {
		return nil, reason, err
	}
	// 9. A signed acceptance.
	acceptance, err := r.sign(route, sum, now)
	if err != nil {
		return nil, schemas.RefusedUnavailable, err
	}
	return acceptance, "", nil
}

// judgeRoute is steps 5 and 6, for messages and for chunks.
func judgeRoute(view *pki.View, account schemas.AuthorityID, subject string, route schemas.Route, now time.Time) schemas.RefusalReason {
	// 5. The route's sender is the account's, its recipient and channel the subject's.
	if route.From != account {
		return schemas.RefusedSenderMismatch
	}
	if addressOf(subject) != addressFor(route) {
		return schemas.RefusedRouteMismatch
	}
	// 6. The directory and the agreements in force allow the route.
	if _, err := view.Route(route.From, route.To, route.Channel, now); err != nil {
		return routeRefusal(err)
	}
	return ""
}

// readRoute reads the only part of a message that the broker may read.
func readRoute(wire []byte) (schemas.Route, error) {
	var route schemas.Route
	envelope, err := jose.ParseEncrypted(wire, jose.TypEnvelope)
	if err != nil {
		return route, err
	}
	if err := envelope.Header(&route); err != nil {
		return route, err
	}
	return route, route.Check()
}

func attemptOf(msg *nats.Msg, route schemas.Route) (schemas.MessageID, error) {
	named := msg.Header.Get(AttemptHeader)
	if named == "" {
		return route.ID, nil
	}
	return schemas.ParseMessageID(named)
}

// address is the part of the subject that names the recipient and the channel.
type address string

// addressOf is what stands behind x.<account>.
func addressOf(subject string) address {
	_, rest, _ := strings.Cut(subject, ".")
	_, rest, _ = strings.Cut(rest, ".")
	return address(rest)
}

func addressFor(route schemas.Route) address {
	return address(route.To.State().Lower() + "." + route.To.Name() + "." + string(route.Channel))
}

func routeRefusal(err error) schemas.RefusalReason {
	switch pki.ReasonOf(err) {
	case pki.ReasonUnknownAuthority, pki.ReasonNotInDirectory, pki.ReasonNotConnected:
		return schemas.RefusedUnknownRecipient
	}
	return schemas.RefusedRouteNotInForce
}

// storeID is what NATS compares within a stream. It is the sender's own, so that nobody can use up another's id; and
// it covers the bytes, so that an acceptance never speaks of bytes that were not stored.
func storeID(from schemas.AuthorityID, attempt schemas.MessageID, sum [sha256.Size]byte) string {
	id := sha256.Sum256([]byte("comity attempt\n" + string(from) + "\n" + string(attempt) + "\n" + string(sum[:])))
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// store returns once the inbox stream has synced the message, or has it already. Of the sender's headers none goes
// along: some are commands to a stream.
func (r *Relay) store(ctx context.Context, inbox, id string, wire []byte) (schemas.RefusalReason, error) {
	msg := &nats.Msg{Subject: inbox, Data: wire, Header: nats.Header{duplicateHint: []string{id}}}
	err := powercut.Around(powercut.RelayStored, func() error {
		_, err := r.js.PublishMsg(ctx, msg)
		return err
	})
	if err == nil {
		return "", nil
	}
	var refused *jetstream.APIError
	if errors.As(err, &refused) && strings.Contains(refused.Description, "maximum bytes exceeded") {
		return schemas.RefusedQuota, errors.New("an inbox is full")
	}
	return schemas.RefusedUnavailable, fmt.Errorf("storing a message: %w", err)
}

func (r *Relay) sign(route schemas.Route, sum [sha256.Size]byte, at time.Time) ([]byte, error) {
	body, err := json.Marshal(schemas.Acceptance{
		From: route.From, To: route.To, ID: route.ID,
		SHA256: hex.EncodeToString(sum[:]), AcceptedAt: at.UTC().Truncate(time.Millisecond),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding an acceptance: %w", err)
	}
	signed, err := jose.Sign(r.cfg.Signer.Key, r.cfg.Signer.Thumbprint, jose.TypAcceptance, nil, body)
	if err != nil {
		return nil, fmt.Errorf("signing an acceptance: %w", err)
	}
	return signed, nil
}
