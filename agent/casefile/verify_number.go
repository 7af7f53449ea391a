package casefile

import (
	"crypto/sha256"
	"crypto/x509"

	"comity/agent/envelope"
	"comity/pki"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// number checks one number with all its documents:
//  1. its receipt;
//  2. the message;
//  3. the broker's acceptance and the envelope;
//  4. its place in the journal.
//
// All of them are proved by what the exporter knew when it had the last one.
func (v *verifier) number(i Item) {
	then, err := v.view(i.Trust, i.KnownAt)
	if err != nil {
		v.refused = true
		v.bad(TrustRefused, "", "%s: what was known then does not lead to the scheme's signers: %s", i.what(), reasonOf(err))
		return
	}
	r := v.receipt(i, then)
	v.message(i, then)
	v.acceptance(i, then)
	v.place(i, r)
}

// receipt proves the receipt of a number. It returns nil where there is none to go by.
func (v *verifier) receipt(i Item, then *pki.View) *envelope.Receipt {
	raw, ok := v.files[i.Receipt]
	if !ok {
		if i.Outcome != Sent {
			v.bad(ReceiptMissing, i.Receipt, "%s is said to be %s, and there is no receipt of it", i.what(), i.Outcome)
		}
		return nil
	}
	opened, err := envelope.Reopen(raw)
	if err != nil || opened.Kind() != envelope.KindReceipt {
		v.bad(ReceiptUnreadable, i.Receipt, "%s: no receipt", i.what())
		return nil
	}
	proved, err := opened.Verify(then, opened.Claims().SentAt)
	if err != nil {
		v.bad(ReceiptSignature, i.Receipt, "%s: its receipt is not proved: %s", i.what(), reasonOf(err))
		return nil
	}
	v.signer(proved.Signer().Certificate())
	r, _ := proved.Receipt()
	about := r.ID == i.ID && r.JWS == i.JWS || i.Outcome == Voided && r.ID != i.ID
	if proved.Header().From != i.To || proved.Header().To != i.From || r.Seq != i.Number || !about {
		v.bad(ReceiptOther, i.Receipt, "%s: the receipt is about something else, or of somebody else", i.what())
		return nil
	}
	if !v.outcomeIs(i, r) {
		v.bad(OutcomeWrong, i.Receipt, "%s is said to be %s, and its receipt says %s", i.what(), i.Outcome, r.Outcome)
		return &r
	}
	text := string(r.Outcome)
	if r.Outcome == envelope.Rejected {
		text += " (" + string(r.Reason) + ")"
	}
	if i.Outcome == Voided {
		text = "closed, without the message"
	}
	v.good(i.Receipt, "%s: %s by %s on %s%s", i.what(), text, i.To, moment(r.StoredAt), pending(proved.Signer()))
	return &r
}

func (v *verifier) outcomeIs(i Item, r envelope.Receipt) bool {
	switch i.Outcome {
	case Stored:
		return r.Outcome == envelope.Stored
	case Rejected:
		return r.Outcome == envelope.Rejected
	case Voided:
		return r.Outcome == envelope.Stored && r.ID != i.ID
	}
	return false // a receipt of what is said to have none
}

// message proves the message itself.
func (v *verifier) message(i Item, then *pki.View) {
	raw, ok := v.files[i.Signed]
	if !ok {
		if i.Signed == "" {
			v.good("", "%s: its content is not in the file (%s)", i.what(), i.Outcome)
		}
		return
	}
	opened, err := envelope.Reopen(raw)
	if err != nil || opened.Kind() != envelope.KindMessage {
		v.bad(MessageUnreadable, i.Signed, "%s: no signed message", i.what())
		return
	}
	proved, err := opened.Verify(then, opened.Claims().SentAt)
	if err != nil {
		v.bad(MessageSignature, i.Signed, "%s: its sender is not proved: %s", i.what(), reasonOf(err))
		return
	}
	v.signer(proved.Signer().Certificate())
	h := proved.Header()
	if h.From != i.From || h.To != i.To || h.ID != i.ID || h.Seq != i.Number || h.Channel != v.said.Channel || proved.Hash() != i.JWS {
		v.bad(MessageOther, i.Signed, "%s: it is another message than the statement says", i.what())
		return
	}
	v.content(i, proved)
}

// content checks what was signed: it is of its type, and of this case.
func (v *verifier) content(i Item, proved *envelope.Verified) {
	p, err := schemas.Validate(proved.Payload())
	if err != nil {
		if i.Outcome == Rejected {
			v.good(i.Signed, "%s: signed by %s; its content was refused", i.what(), i.From)
			return
		}
		v.bad(MessageInvalid, i.Signed, "%s: its content breaks the schema of its type", i.what())
		return
	}
	of := p.Case
	if of == "" {
		of = schemas.CaseOpenedBy(i.From, i.To, i.ID)
	}
	if of != v.said.Case {
		v.bad(OtherCase, i.Signed, "%s belongs to another case", i.what())
		return
	}
	if p.Type != i.Type {
		v.bad(MessageOther, i.Signed, "%s: it is another message than the statement says", i.what())
		return
	}
	v.good(i.Signed, "%s: %s, signed by %s on %s%s", i.what(), p.Type, i.From, moment(proved.Header().SentAt), pending(proved.Signer()))
	v.evidence(i, p.Evidence)
}

// prevOf is which message a message names as the one before it.
func (v *verifier) prevOf(i Item) (envelope.Hash, bool) {
	opened, err := envelope.Reopen(v.files[i.Signed])
	if err != nil {
		return envelope.Hash{}, false
	}
	return opened.Claims().Prev, true
}

// acceptance checks the broker's word for the envelope.
func (v *verifier) acceptance(i Item, then *pki.View) {
	sealed, there := v.files[i.Envelope]
	if there && !v.envelopeIs(i, sealed) {
		v.bad(EnvelopeOther, i.Envelope, "%s: the envelope is not of this message", i.what())
	}
	raw, ok := v.files[i.Acceptance]
	if !ok {
		return
	}
	said, err := acceptedBy(then, raw)
	switch {
	case err != nil:
		v.bad(AcceptanceSignature, i.Acceptance, "%s: no acceptance that a broker of the scheme has signed: %s", i.what(), reasonOf(err))
	case said.From != i.From || said.To != i.To || said.ID != i.ID || there && said.SHA256 != hexOf(sha256.Sum256(sealed)):
		v.bad(AcceptanceOther, i.Acceptance, "%s: the broker's acceptance is about other bytes", i.what())
	default:
		v.good(i.Acceptance, "%s: taken by the broker on %s", i.what(), moment(said.AcceptedAt))
	}
}

func acceptedBy(then *pki.View, raw []byte) (said schemas.Acceptance, err error) {
	signed, err := jose.ParseSigned(raw, jose.TypAcceptance)
	if err != nil {
		return said, err
	}
	key, err := then.BrokerSigner(signed.Thumbprint())
	if err != nil {
		return said, err
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return said, err
	}
	return said, schemas.Decode(payload, &said, schemas.DefaultLimits)
}

// envelopeIs compares the outer header, which anybody can read.
func (v *verifier) envelopeIs(i Item, sealed []byte) bool {
	outer, err := envelope.Parse(sealed)
	if err != nil {
		return false
	}
	route := outer.Route()
	return route.From == i.From && route.To == i.To && route.ID == i.ID && route.Channel == v.said.Channel
}

// place checks that the journal has the number, and that the receipt knows the same journal.
func (v *verifier) place(i Item, r *envelope.Receipt) {
	raw, ok := v.files[i.Proof]
	if !ok {
		if i.Proof == "" {
			v.good("", "%s: not in the journal yet, for a number before it is missing", i.what())
		}
		return
	}
	if v.now == nil {
		return // whose checkpoint it is cannot be told: the statement says why
	}
	proof, err := journal.ParseProof(raw)
	if err != nil {
		v.bad(ProofUnreadable, i.Proof, "%s: no proof of the journal", i.what())
		return
	}
	c, err := v.checkpoint(proof.Note)
	if err != nil {
		v.bad(ProofSignature, i.Proof, "%s: its checkpoint is not signed by %s: %s", i.what(), v.said.Exporter, reasonOf(err))
		return
	}
	if c.Origin != i.log() || proof.Index != i.leaf().Index() || c.Holds(i.leaf().Leaf(), proof.Index, proof.Hashes) != nil {
		v.bad(NotInJournal, i.Proof, "%s: the journal does not hold this message under this number", i.what())
		return
	}
	if r == nil {
		v.good(i.Proof, "%s: in the journal of %d numbers", i.what(), c.Size)
		return
	}
	if err := c.Continues(r.Checkpoint, i.Growth); err != nil {
		v.bad(JournalContradicts, i.Receipt, "%s: %s has signed for another journal than %s: %s", i.what(), i.To, v.said.Exporter, reasonOf(err))
		return
	}
	v.good(i.Proof, "%s: in the journal of %d numbers, of which %s has signed for %d", i.what(), c.Size, i.To, r.Checkpoint.Size)
}

// checkpoint opens the note of a proof with the exporter's key, as the statement was proved with it.
func (v *verifier) checkpoint(note []byte) (journal.Checkpoint, error) {
	row, err := v.now.Authority(v.said.Exporter)
	if err != nil {
		return journal.Checkpoint{}, err
	}
	var last error
	for _, der := range row.Certificates.Signing {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			last = err
			continue
		}
		proof, err := v.now.Signer(v.said.Exporter, jose.Thumbprint(certificate), v.said.ExportedAt)
		if err != nil {
			last = err
			continue
		}
		c, err := journal.Open(note, v.said.Exporter, proof.Certificate().PublicKey)
		if err == nil {
			return c, nil
		}
		last = err
	}
	return journal.Checkpoint{}, last
}

// pending says that what was known of revocation, or of the signer's State, was out of date then.
func pending(p pki.Proof) string {
	if p.Pending() {
		return ", as far as was known then: the State's directory or revocation list was out of date"
	}
	return ""
}

// shortReason is the reason of a refusal by the envelope or by jose.
func shortReason(err error) string {
	if r := envelope.ReasonOf(err); r != "" {
		return string(r)
	}
	if r := jose.ReasonOf(err); r != "" {
		return string(r)
	}
	return "not readable"
}
