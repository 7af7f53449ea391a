package envelope

import (
	"crypto"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/pki"
	"comity/pki/journal"
	"comity/pki/pkitest"
	"comity/schemas"
)

const (
	qm       schemas.AuthorityID = "QM/justice"
	qmBorder schemas.AuthorityID = "QM/border"
	qn       schemas.AuthorityID = "QN/justice"
	qp       schemas.AuthorityID = "QP/justice"
	qpBorder schemas.AuthorityID = "QP/border" // its signing certificate is revoked
)

// keyCompromise is RFC 5280 section 5.3.1.
const keyCompromise = 1

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is three States with real certificates, a trust list and directories, at one moment.
type world struct {
	scheme       *pkitest.Scheme
	view         *pki.View
	at           time.Time
	engine       *policy.Engine
	payload      []byte // small
	largePayload []byte // more than 4 KiB
	desks        map[schemas.AuthorityID]desk
}

// desk is what one authority has, and what others know of it.
type desk struct {
	Desk
	signer     Signer
	tls        Signer
	encryption pki.Proof
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	scheme := pkitest.NewScheme(tb, func() time.Time { return noon }, "QM", "QN", "QP")
	scheme.Revoke(tb, "QP", scheme.Authority(qpBorder).Signing.Certificate, keyCompromise)
	engine, err := policy.New(policytest.Config())
	must(tb, err)
	w := &world{scheme: scheme, view: scheme.Keeper(tb).View(), at: noon, engine: engine,
		payload: schemas.Example("mla.status-query/1"), desks: map[schemas.AuthorityID]desk{}}
	w.largePayload = grown(tb, schemas.Example("mla.request/1"), 9000)
	for _, id := range []schemas.AuthorityID{qm, qmBorder, qn, qp, qpBorder} {
		a := scheme.Authority(id)
		proof, err := w.view.EncryptionKey(id, noon)
		must(tb, err)
		w.desks[id] = desk{
			Desk:       Desk{Authority: id, Keys: []DecryptionKey{{Key: a.Encryption.Key, Certificate: a.Encryption.Certificate}}},
			signer:     Signer{Key: a.Signing.Key, Certificate: a.Signing.Certificate},
			tls:        Signer{Key: a.TLS.PrivateKey.(crypto.Signer), Certificate: a.TLS.Leaf},
			encryption: proof,
		}
	}
	return w
}

// grown lengthens the description of a request.
func grown(tb testing.TB, payload []byte, by int) []byte {
	tb.Helper()
	var tree map[string]any
	must(tb, json.Unmarshal(payload, &tree))
	body := tree["body"].(map[string]any)
	body["description"] = strings.Repeat("TESTPERSON ALPHA-01. ", by/21)
	raw, err := schemas.Canonical(tree)
	must(tb, err)
	return raw
}

func (w *world) desk(id schemas.AuthorityID) desk { return w.desks[id] }

// header is a fresh header from QM/justice to QN/justice, without a number.
func (w *world) header(kind Kind) Header {
	h := Header{From: qm, To: qn, Channel: schemas.ChannelMLA, ID: schemas.NewMessageID(), SentAt: w.at}
	if kind == KindMessage {
		h.ValidUntil = w.at.Add(30 * 24 * time.Hour)
	}
	return h
}

// clear asks the rules.
func (w *world) clear(tb testing.TB, from, to schemas.AuthorityID, payload []byte) *policy.Clearance {
	tb.Helper()
	decision, clearance := w.engine.Decide(tb.Context(), policy.Facts{From: from, To: to, Payload: payload, Directory: w.view, At: w.at})
	if clearance == nil {
		tb.Fatalf("not cleared: %+v", decision)
	}
	return clearance
}

// message seals a payload under the number.
func (w *world) message(tb testing.TB, seq uint64, prev Hash, payload []byte) *Sealed {
	tb.Helper()
	h := w.header(KindMessage)
	h.Seq, h.Prev = seq, prev
	sealed, err := Seal(w.clear(tb, qm, qn, payload), h, payload, w.desk(qm).signer, w.desk(qn).encryption)
	must(tb, err)
	return sealed
}

// turned is a message as if qn had sent it to qm: the control messages of this file go from qm to qn.
func turned(sealed *Sealed) Authentic {
	h := sealed.Header
	h.From, h.To = h.To, h.From
	return Authentic{Kind: sealed.Kind, Header: h, Hash: sealed.Hash}
}

// logOf is the edge of a log of n leaves.
func logOf(n int) (log journal.Edge) {
	for i := range n {
		log, _ = log.Append(journal.Hash{byte(i), byte(i >> 8)})
	}
	return log
}

// control seals a receipt, a resend or a breach notice.
func (w *world) control(tb testing.TB, content any) *Sealed {
	tb.Helper()
	var sealed *Sealed
	var err error
	switch content := content.(type) {
	case Receipt:
		sealed, err = SealReceipt(w.header(KindReceipt), content, w.desk(qm).signer, w.desk(qn).encryption)
	case Resend:
		sealed, err = SealResend(w.header(KindResend), content, w.desk(qm).signer, w.desk(qn).encryption)
	case Breach:
		sealed, err = SealBreach(w.header(KindBreach), content, w.desk(qm).signer, w.desk(qn).encryption)
	default:
		tb.Fatalf("no control message %T", content)
	}
	must(tb, err)
	return sealed
}

// revokedMessage is signed by an authority whose certificate is revoked.
func (w *world) revokedMessage(tb testing.TB) []byte {
	tb.Helper()
	h := complete(w.header(KindMessage), w.desk(qn).encryption)
	h.From, h.Seq = qpBorder, 1
	sealed, err := seal(KindMessage, h, w.payload, w.desk(qpBorder).signer, w.desk(qn).encryption)
	must(tb, err)
	return sealed.Wire
}

// read is the whole way from bytes to content.
func read(wire []byte, at Desk, view *pki.View, now time.Time) (*Verified, error) {
	outer, err := Parse(wire)
	if err != nil {
		return nil, err
	}
	opened, err := outer.Open(at)
	if err != nil {
		return nil, err
	}
	return opened.Verify(view, now)
}
