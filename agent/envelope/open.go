package envelope

import (
	"crypto/ecdh"
	"crypto/x509"
	"time"

	"comity/pki"
	"comity/pki/jose"
	"comity/schemas"
)

// Outer is an envelope that was parsed and not opened. What it says is a claim of whoever made it.
type Outer struct {
	route  schemas.Route
	suite  suite
	sealed *jose.Encrypted
}

// Parse reads the outer header. It needs no key.
func Parse(wire []byte) (*Outer, error) {
	if len(wire) > MaxWire {
		return nil, refuse(TooLarge, "reading the envelope")
	}
	sealed, err := jose.ParseEncrypted(wire, jose.TypEnvelope)
	if err != nil {
		return nil, refuseJOSE("reading the envelope", err)
	}
	var route schemas.Route
	if err := sealed.Header(&route); err != nil {
		return nil, refuseJOSE("reading the outer header", err)
	}
	if err := route.Check(); err != nil {
		return nil, &Error{Reason: Malformed, what: "reading the outer header", cause: err}
	}
	suite, ok := suiteOf(Suite(route.Suite))
	if !ok {
		return nil, refuse(UnsupportedSuite, "reading the outer header")
	}
	return &Outer{route: route, suite: suite, sealed: sealed}, nil
}

// Route is the outer header.
func (o *Outer) Route() schemas.Route { return o.route }

// Desk is the reader: an authority and the keys that it can open envelopes with, more than one while it changes them.
type Desk struct {
	Authority schemas.AuthorityID
	Keys      []DecryptionKey
}

// DecryptionKey is a private key with its certificate. The key may live in an HSM.
type DecryptionKey struct {
	Key         ecdh.KeyExchanger
	Certificate *x509.Certificate
}

// Opened is the inside of an envelope for this desk. Nobody has proved yet who wrote it, so it shows no content.
type Opened struct {
	kind   Kind
	header Header
	jws    []byte
	signed *jose.Signed
}

// Open decrypts the envelope and holds its inside against its outside, the desk and the key.
func (o *Outer) Open(desk Desk) (*Opened, error) {
	// 1. For me, and for a key of mine.
	if o.route.To != desk.Authority {
		return nil, refuse(WrongRecipient, "opening an envelope for another authority")
	}
	key := desk.key(o.route.Key)
	if key == nil {
		return nil, refuse(WrongKey, "opening an envelope for a key that this desk does not have")
	}
	// 2. The JWS, and nothing but the padding that belongs to it.
	plaintext, err := o.suite.decrypt(o.sealed, key)
	if err != nil {
		return nil, refuseJOSE("opening the envelope", err)
	}
	jws, err := unpad(plaintext)
	if err != nil {
		return nil, err
	}
	opened, err := parseInner(jws)
	if err != nil {
		return nil, err
	}
	// 3. What was signed is what was sent: a recipient may have sealed another's message again.
	if opened.header.route() != o.route {
		return nil, refuse(HeaderMismatch, "the signed header and the outer header differ")
	}
	return opened, nil
}

// Kind is what the signed part claims to be.
func (x *Opened) Kind() Kind { return x.kind }

// Claims is the signed header, which nobody has proved yet.
func (x *Opened) Claims() Header { return x.header }

// key is the desk's key with the given thumbprint, nil where it has none.
func (d Desk) key(thumbprint string) ecdh.KeyExchanger {
	for _, k := range d.Keys {
		if k.Key != nil && k.Certificate != nil && jose.Thumbprint(k.Certificate) == thumbprint {
			return k.Key
		}
	}
	return nil
}

// Reopen reads a compact JWS that was taken out of its envelope and kept: evidence. It proves nothing yet; Verify does, at
// the time for which it must hold.
func Reopen(jws []byte) (*Opened, error) { return parseInner(jws) }

func parseInner(jws []byte) (*Opened, error) {
	for _, kind := range kinds() {
		signed, err := jose.ParseSigned(jws, kind.typ())
		if jose.ReasonOf(err) == jose.ReasonTypeMismatch {
			continue
		}
		if err != nil {
			return nil, refuseJOSE("reading the signed part", err)
		}
		header, err := readHeader(signed, kind)
		if err != nil {
			return nil, &Error{Reason: Malformed, what: "reading the signed header", cause: err}
		}
		return &Opened{kind: kind, header: header, jws: jws, signed: signed}, nil
	}
	return nil, refuse(TypeMismatch, "the signed part is no message and no control message")
}

// Authentic is who signed what: proved, whatever else is wrong with it.
type Authentic struct {
	Kind   Kind
	Header Header
	Hash   Hash
	Signer pki.Proof // Pending where a stale revocation list leaves a doubt
}

// Verified is the content of an envelope with its proof.
type Verified struct {
	authentic Authentic
	jws       []byte
	payload   []byte
	receipt   Receipt
	void      Void
	resend    Resend
	breach    Breach
	recall    Recall
	standing  Standing
	want      Want
	completed Completion
}

// Verify proves the signer by the directory and the State's CA, at the desk's time at, and checks the times and, of a
// control message, the content. It does not look into the payload of a message; that is for schemas.Validate.
func (x *Opened) Verify(view *pki.View, at time.Time) (*Verified, error) {
	// 1. The certificate is one of the sender that the signed header names.
	signer, err := view.Signer(x.header.From, x.signed.Thumbprint(), at)
	if err != nil {
		return nil, refuseSigner(err)
	}
	// 2. The signature is by its key. From here on a refusal can be answered.
	payload, err := x.signed.Verify(signer.Certificate().PublicKey)
	if err != nil {
		return nil, refuseJOSE("verifying the signature", err)
	}
	v := &Verified{
		authentic: Authentic{Kind: x.kind, Header: x.header, Hash: HashJWS(x.jws), Signer: signer},
		jws:       x.jws,
		payload:   payload,
	}
	// 3. It is valid now.
	if x.header.SentAt.After(at.Add(ClockSkew)) {
		return nil, v.refuse(NotYetValid, "sent_at lies ahead of this desk's clock", nil)
	}
	if x.kind == KindMessage && at.After(x.header.ValidUntil) {
		return nil, v.refuse(Expired, "valid_until has passed", nil)
	}
	// 4. A control message has its form.
	switch x.kind {
	case KindMessage:
	case KindReceipt:
		v.receipt, err = readReceipt(payload, x.header)
	case KindVoid:
		v.void, err = readVoid(payload, x.header)
	case KindResend:
		v.resend, err = readResend(payload)
	case KindBreach:
		v.breach, err = readBreach(payload)
	case KindRecall:
		v.recall, err = readRecall(payload)
	case KindStanding:
		v.standing, err = readStanding(payload)
	case KindWant:
		v.want, err = readWant(payload)
	case KindCompletion:
		v.completed, err = readCompletion(payload)
	}
	if err != nil {
		return nil, v.refuse(BadContent, "reading a "+string(x.kind), err)
	}
	return v, nil
}

func (v *Verified) refuse(reason Reason, what string, cause error) error {
	return &Error{Reason: reason, what: what, cause: cause, authentic: &v.authentic}
}

// Authentic is who signed what.
func (v *Verified) Authentic() Authentic { return v.authentic }

// Kind is what the envelope carries.
func (v *Verified) Kind() Kind { return v.authentic.Kind }

// Header is the signed header.
func (v *Verified) Header() Header { return v.authentic.Header }

// Hash is the hash of the JWS: two deliveries with one Hash are one message.
func (v *Verified) Hash() Hash { return v.authentic.Hash }

// Signer is the proof of who signed.
func (v *Verified) Signer() pki.Proof { return v.authentic.Signer }

// JWS is the compact JWS, the evidence to keep. The caller must not change it.
func (v *Verified) JWS() []byte { return v.jws }

// Payload is exactly the bytes that the sender approved. The caller must not change them.
func (v *Verified) Payload() []byte { return v.payload }

// Receipt is the content of a KindReceipt.
func (v *Verified) Receipt() (Receipt, bool) { return v.receipt, v.authentic.Kind == KindReceipt }

// Void is the content of a KindVoid.
func (v *Verified) Void() (Void, bool) { return v.void, v.authentic.Kind == KindVoid }

// Resend is the content of a KindResend.
func (v *Verified) Resend() (Resend, bool) { return v.resend, v.authentic.Kind == KindResend }

// Breach is the content of a KindBreach.
func (v *Verified) Breach() (Breach, bool) { return v.breach, v.authentic.Kind == KindBreach }

// Recall is the content of a KindRecall.
func (v *Verified) Recall() (Recall, bool) { return v.recall, v.authentic.Kind == KindRecall }

// Standing is the content of a KindStanding.
func (v *Verified) Standing() (Standing, bool) { return v.standing, v.authentic.Kind == KindStanding }

// Want is the content of a KindWant.
func (v *Verified) Want() (Want, bool) { return v.want, v.authentic.Kind == KindWant }

// Completion is the content of a KindCompletion.
func (v *Verified) Completion() (Completion, bool) {
	return v.completed, v.authentic.Kind == KindCompletion
}

// Link is what the Prev of the next number must be: a void stands in for the message that it voids.
func (v *Verified) Link() Hash {
	if void, ok := v.Void(); ok {
		return void.JWS
	}
	return v.authentic.Hash
}
