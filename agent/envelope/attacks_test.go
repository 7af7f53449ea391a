package envelope

import (
	"bytes"
	"crypto/ecdsa"
	"strconv"
	"strings"
	"testing"
	"time"

	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// attempt is one envelope that arrives at a desk, and what the desk must make of it.
type attempt struct {
	name string
	note string
	desk schemas.AuthorityID
	wire []byte
	want Reason // "" where it is valid
}

// attempts are the test vectors of suite 1. From QM/justice to QN/justice unless something else is the point.
func attempts(tb testing.TB, w *world) []attempt {
	tb.Helper()
	groups := [][]attempt{
		validOnes(tb, w), tamperedOnes(tb, w), algorithms(tb, w), headers(tb, w), recipients(tb, w),
		paddings(tb, w), signers(tb, w), times(tb, w), contents(tb, w),
	}
	var all []attempt
	for _, group := range groups {
		for _, a := range group {
			if a.desk == "" {
				a.desk = qn
			}
			all = append(all, a)
		}
	}
	return all
}

func validOnes(tb testing.TB, w *world) []attempt {
	first := w.message(tb, 1, Hash{}, w.payload)
	large := w.message(tb, 2, first.Hash, w.largePayload)
	h := w.header(KindVoid)
	h.Seq, h.Prev = 3, large.Hash
	lost := w.message(tb, 3, large.Hash, w.payload)
	void, err := SealVoid(h, Void{ID: lost.Header.ID, JWS: lost.Hash}, w.desk(qm).signer, w.desk(qn).encryption)
	must(tb, err)
	stored := w.control(tb, StoredReceipt(turned(lost), w.at, logOf(3)))
	rejected := w.control(tb, RejectedReceipt(turned(lost), RejectedVersion, w.at, logOf(3)))
	resend := w.control(tb, Resend{First: 2, Last: 3})
	after := w.message(tb, 4, lost.Hash, w.payload)
	return []attempt{
		{name: "message", note: "the first of its pair", wire: first.Wire},
		{name: "message-large", note: "the second, of a Padmé size above 4 KiB", wire: large.Wire},
		{name: "void", note: "closes number 3", wire: void.Wire},
		{name: "message-after-void", note: "its prev is the hash of the voided JWS", wire: after.Wire},
		{name: "receipt-stored", wire: stored.Wire},
		{name: "receipt-rejected", wire: rejected.Wire},
		{name: "resend", wire: resend.Wire},
		{name: "sealed-again", note: "the JWS of another envelope, sealed again for the same desk: nothing is wrong with it, and its JWS hash is the same",
			wire: encrypt(tb, w.desk(qn), first.Header.route(), pad(first.JWS))},
	}
}

func tamperedOnes(tb testing.TB, w *world) []attempt {
	s := w.message(tb, 1, Hash{}, w.payload)
	route := s.Header.route()
	inner := func(index int) []byte {
		return encrypt(tb, w.desk(qn), route, pad(part(s.JWS, index, flip)))
	}
	empty := func([]byte) []byte { return nil }
	cut := func(b []byte) []byte { return b[:len(b)/4*4-4] } // still canonical base64url
	return []attempt{
		{name: "cut-outer-header", wire: part(s.Wire, 0, cut), want: Malformed},
		{name: "tampered-outer-header-member", note: "well formed: the channel is another", want: NotDecryptable,
			wire: reheader(tb, s.Wire, func(m members) { m["channel"] = "border" })},
		{name: "tampered-key", wire: part(s.Wire, 1, flip), want: NotDecryptable},
		{name: "tampered-iv", wire: part(s.Wire, 2, flip), want: NotDecryptable},
		{name: "tampered-ciphertext", wire: part(s.Wire, 3, flip), want: NotDecryptable},
		{name: "tampered-tag", wire: part(s.Wire, 4, flip), want: NotDecryptable},
		{name: "cut-ciphertext", wire: part(s.Wire, 3, cut), want: NotDecryptable},
		{name: "no-key", wire: part(s.Wire, 1, empty), want: Malformed},
		{name: "no-tag", wire: part(s.Wire, 4, empty), want: Malformed},
		{name: "four-parts", wire: s.Wire[:bytes.LastIndexByte(s.Wire, '.')], want: Malformed},
		{name: "line-break", wire: append(bytes.Clone(s.Wire), '\n'), want: Malformed},
		{name: "base64-padding", wire: append(bytes.Clone(s.Wire), '='), want: Malformed},
		{name: "empty", wire: []byte{}, want: Malformed},
		{name: "too-large", note: "two MiB and a byte", wire: bytes.Repeat([]byte("A"), MaxWire+1), want: TooLarge},
		{name: "cut-signed-header", wire: encrypt(tb, w.desk(qn), route, pad(part(s.JWS, 0, cut))), want: Malformed},
		{name: "tampered-signed-header", note: "well formed: the number seen is another", want: SignatureInvalid,
			wire: encrypt(tb, w.desk(qn), route, pad(reheader(tb, s.JWS, func(m members) { m["seen"] = 7 })))},
		{name: "tampered-payload", wire: inner(1), want: SignatureInvalid},
		{name: "tampered-signature", wire: inner(2), want: SignatureInvalid},
		{name: "no-signature", wire: encrypt(tb, w.desk(qn), route, pad(part(s.JWS, 2, empty))), want: Malformed},
	}
}

func algorithms(tb testing.TB, w *world) []attempt {
	s := w.message(tb, 1, Hash{}, w.payload)
	from := w.desk(qm)
	// inner signs with another algorithm under a header that says so.
	inner := func(alg string, sign func(header, payload []byte) []byte) []byte {
		m := headerOf(tb, KindMessage, s.Header, from.signer)
		m["alg"] = alg
		return encrypt(tb, w.desk(qn), s.Header.route(), pad(sign(m.json(tb), w.payload)))
	}
	public := from.signer.Certificate.PublicKey.(*ecdsa.PublicKey)
	es256 := func(header, payload []byte) []byte { return signES256(tb, from.signer.Key, header, payload) }
	unsigned := func(header, payload []byte) []byte { return []byte(b64(header) + "." + b64(payload) + ".") }
	outer := func(name, value string) []byte {
		return reheader(tb, s.Wire, func(m members) { m[name] = value })
	}
	return []attempt{
		{name: "alg-none", wire: inner("none", unsigned), want: AlgorithmNotAllowed},
		{name: "alg-none-signed", wire: inner("none", es256), want: AlgorithmNotAllowed},
		{name: "alg-NONE", wire: inner("NONE", unsigned), want: AlgorithmNotAllowed},
		{name: "alg-HS256", note: "the public key as HMAC secret", want: AlgorithmNotAllowed,
			wire: inner("HS256", func(h, p []byte) []byte { return signHS256(tb, public, h, p) })},
		{name: "alg-RS256", want: AlgorithmNotAllowed,
			wire: inner("RS256", func(h, p []byte) []byte { return signRS256(tb, h, p) })},
		{name: "alg-ES384", wire: inner("ES384", es256), want: AlgorithmNotAllowed},
		{name: "alg-EdDSA", wire: inner("EdDSA", es256), want: AlgorithmNotAllowed},
		{name: "alg-ES256-HMAC", note: "says ES256, carries an HMAC: not the size of a signature", want: Malformed,
			wire: inner("ES256", func(h, p []byte) []byte { return signHS256(tb, public, h, p) })},
		{name: "outer-alg-dir", wire: outer("alg", "dir"), want: AlgorithmNotAllowed},
		{name: "outer-alg-ECDH-ES", wire: outer("alg", "ECDH-ES"), want: AlgorithmNotAllowed},
		{name: "outer-alg-RSA-OAEP", wire: outer("alg", "RSA-OAEP"), want: AlgorithmNotAllowed},
		{name: "outer-alg-PBES2", wire: outer("alg", "PBES2-HS256+A128KW"), want: AlgorithmNotAllowed},
		{name: "outer-enc-A128GCM", wire: outer("enc", "A128GCM"), want: AlgorithmNotAllowed},
		{name: "outer-enc-A256CBC-HS512", wire: outer("enc", "A256CBC-HS512"), want: AlgorithmNotAllowed},
		{name: "outer-epk-off-curve", note: "invalid-curve attack", want: AlgorithmNotAllowed,
			wire: reheader(tb, s.Wire, func(m members) { m["epk"].(map[string]any)["x"] = strings.Repeat("A", 43) })},
	}
}

// headers attacks what else may stand in a header, and how it is written.
func headers(tb testing.TB, w *world) []attempt {
	s := w.message(tb, 1, Hash{}, w.payload)
	from, to := w.desk(qm), w.desk(qn)
	raw := func(header []byte) []byte {
		return encrypt(tb, to, s.Header.route(), pad(signES256(tb, from.signer.Key, header, w.payload)))
	}
	inner := func(change func(members)) []byte {
		m := headerOf(tb, KindMessage, s.Header, from.signer)
		change(m)
		return raw(m.json(tb))
	}
	set := func(name string, value any) []byte { return inner(func(m members) { m[name] = value }) }
	drop := func(name string) []byte { return inner(func(m members) { delete(m, name) }) }
	// numbered is a control message whose header has more or less than its kind takes.
	numbered := func(kind Kind, extra members, typ jose.Typ) []byte {
		m := headerOf(tb, kind, s.Header, from.signer)
		for name, value := range extra {
			m[name] = value
		}
		m["typ"] = string(typ)
		return raw(m.json(tb))
	}
	text := string(headerOf(tb, KindMessage, s.Header, from.signer).json(tb))
	outer := func(name string, value any) []byte {
		return reheader(tb, s.Wire, func(m members) { m[name] = value })
	}
	route := func(change func(*schemas.Route)) []byte {
		return encrypt(tb, to, routeWith(s.Header.route(), change), pad(s.JWS))
	}
	_, rest, _ := strings.Cut(string(s.JWS), ".")
	payload, signature, _ := strings.Cut(rest, ".")
	protected, _, _ := strings.Cut(string(s.JWS), ".")
	one := `{"protected":"` + protected + `","signature":"` + signature + `"}`
	object := func(text string) []byte { return encrypt(tb, to, s.Header.route(), pad([]byte(text))) }
	return []attempt{
		{name: "crit", wire: inner(func(m members) { m["crit"] = []string{"exp"}; m["exp"] = 1 }), want: HeaderNotAllowed},
		{name: "crit-empty", wire: set("crit", []string{}), want: HeaderNotAllowed},
		{name: "zip", wire: set("zip", "DEF"), want: HeaderNotAllowed},
		{name: "b64", wire: set("b64", false), want: HeaderNotAllowed},
		{name: "jwk", wire: set("jwk", map[string]string{"kty": "EC"}), want: HeaderNotAllowed},
		{name: "jku", wire: set("jku", "https://example.org/keys"), want: HeaderNotAllowed},
		{name: "x5c", wire: set("x5c", []string{b64(from.signer.Certificate.Raw)}), want: HeaderNotAllowed},
		{name: "x5u", wire: set("x5u", "https://example.org/cert"), want: HeaderNotAllowed},
		{name: "kid", wire: set("kid", "a"), want: HeaderNotAllowed},
		{name: "unknown-member", wire: set("note", "a"), want: Malformed},
		{name: "case-variant-member", note: "To beside to", wire: set("To", "QP/justice"), want: Malformed},
		{name: "duplicate-member", wire: raw([]byte(strings.Replace(text, `"seq":1`, `"seq":1,"seq":2`, 1))), want: Malformed},
		{name: "escaped-duplicate-member", wire: raw([]byte(strings.Replace(text, `"seq":1`, `"seq":1,"s\u0065q":2`, 1))), want: Malformed},
		{name: "trailing-data", wire: raw([]byte(text + "{}")), want: Malformed},
		{name: "invalid-utf8", wire: raw([]byte(strings.Replace(text, `"mla"`, "\"mla\xff\"", 1))), want: Malformed},
		{name: "header-not-json", wire: raw([]byte("x")), want: Malformed},
		{name: "no-typ", wire: drop("typ"), want: Malformed},
		{name: "typ-command", note: "a person's command is no message", wire: set("typ", string(jose.TypCommand)), want: TypeMismatch},
		{name: "typ-acceptance", wire: set("typ", string(jose.TypAcceptance)), want: TypeMismatch},
		{name: "typ-receipt", note: "a message passed off as a receipt", wire: set("typ", string(jose.TypReceipt)), want: Malformed},
		{name: "typ-void", note: "a message passed off as a void", wire: set("typ", string(jose.TypVoid)), want: Malformed},
		{name: "receipt-as-message", want: Malformed, wire: numbered(KindReceipt, nil, jose.TypMessage)},
		{name: "receipt-with-number", want: Malformed, wire: numbered(KindReceipt, members{"seq": 1, "prev": Hash{}.String()}, jose.TypReceipt)},
		{name: "void-with-seen", want: Malformed, wire: numbered(KindVoid, members{"seen": 1}, jose.TypVoid)},
		{name: "void-without-number", want: Malformed, wire: numbered(KindVoid, members{"seq": 0}, jose.TypVoid)},
		{name: "typ-JWT", wire: set("typ", "JWT"), want: TypeMismatch},
		{name: "no-x5t", wire: drop("x5t#S256"), want: Malformed},
		{name: "no-seen", wire: drop("seen"), want: Malformed},
		{name: "no-prev", wire: drop("prev"), want: Malformed},
		{name: "no-valid-until", wire: drop("valid_until"), want: Malformed},
		{name: "seq-zero", wire: set("seq", 0), want: Malformed},
		{name: "seq-text", wire: set("seq", "1"), want: Malformed},
		{name: "seq-fraction", wire: set("seq", 1.5), want: Malformed},
		{name: "seq-negative", wire: set("seq", -1), want: Malformed},
		{name: "seq-too-large", wire: raw([]byte(strings.Replace(text, `"seq":1`, `"seq":9007199254740993`, 1))), want: Malformed},
		{name: "seq-two-without-prev", wire: set("seq", 2), want: Malformed},
		{name: "seq-one-with-prev", wire: set("prev", HashJWS(s.JWS).String()), want: Malformed},
		{name: "prev-upper-case", wire: inner(func(m members) { m["seq"], m["prev"] = 2, strings.Repeat("AB", 32) }), want: Malformed},
		{name: "prev-short", wire: set("prev", "00"), want: Malformed},
		{name: "sent-at-offset", wire: set("sent_at", "2026-03-02T13:00:00+01:00"), want: Malformed},
		{name: "sent-at-fraction", wire: set("sent_at", "2026-03-02T12:00:00.5Z"), want: Malformed},
		{name: "sent-at-zero-fraction", note: "the same moment in another spelling", wire: set("sent_at", "2026-03-02T12:00:00.000Z"), want: Malformed},
		{name: "sent-at-lower-case", wire: set("sent_at", "2026-03-02t12:00:00z"), want: Malformed},
		{name: "sent-at-leap-second", wire: set("sent_at", "2026-03-02T11:59:60Z"), want: Malformed},
		{name: "extra-signature", note: "JSON serialisation with two signatures", want: Malformed,
			wire: object(`{"payload":"` + payload + `","signatures":[` + one + `,` + one + `]}`)},
		{name: "unprotected-header", note: "JSON serialisation with a header that nothing signs", want: Malformed,
			wire: object(`{"payload":"` + payload + `","protected":"` + protected + `","header":{"seq":2},"signature":"` + signature + `"}`)},
		{name: "extra-part", note: "a compact JWS with a second signature behind the first", want: Malformed,
			wire: object(string(s.JWS) + "." + signature)},
		{name: "outer-zip", wire: outer("zip", "DEF"), want: HeaderNotAllowed},
		{name: "outer-crit", wire: outer("crit", []string{"zip"}), want: HeaderNotAllowed},
		{name: "outer-apu", wire: outer("apu", "QQ"), want: HeaderNotAllowed},
		{name: "outer-cty", wire: outer("cty", "JWT"), want: HeaderNotAllowed},
		{name: "outer-unknown-member", wire: outer("subject", "a"), want: Malformed},
		{name: "outer-typ", wire: outer("typ", "JWT"), want: TypeMismatch},
		{name: "outer-from-form", wire: route(func(r *schemas.Route) { r.From = "qm/justice" }), want: Malformed},
		{name: "outer-channel-unknown", wire: route(func(r *schemas.Route) { r.Channel = "asylum" }), want: Malformed},
		{name: "outer-suite-two", wire: route(func(r *schemas.Route) { r.Suite = 2 }), want: UnsupportedSuite},
		{name: "outer-suite-zero", wire: route(func(r *schemas.Route) { r.Suite = 0 }), want: UnsupportedSuite},
		{name: "outer-json", note: "the JSON serialisation of a JWE", wire: []byte(`{"protected":"","ciphertext":""}`), want: Malformed},
	}
}

// recipients attacks with envelopes that are for others, or whose inside is.
func recipients(tb testing.TB, w *world) []attempt {
	s := w.message(tb, 1, Hash{}, w.payload)
	route := s.Header.route()
	to, third := w.desk(qn), w.desk(qp)
	// The inside says one thing, the outside another: sealed by a peer who can choose both.
	mismatch := func(name string, change func(*schemas.Route)) attempt {
		return attempt{name: "mismatch-" + name, want: HeaderMismatch, wire: encrypt(tb, to, routeWith(route, change), pad(s.JWS))}
	}
	// The inside is signed for another desk than the outside.
	inner := func(name string, change func(*Header)) attempt {
		h := s.Header
		change(&h)
		header := headerOf(tb, KindMessage, h, w.desk(qm).signer)
		jws := signES256(tb, w.desk(qm).signer.Key, header.json(tb), w.payload)
		return attempt{name: "mismatch-inner-" + name, want: HeaderMismatch, wire: encrypt(tb, to, route, pad(jws))}
	}
	forwarded := func(r schemas.Route) []byte { return encrypt(tb, third, r, pad(s.JWS)) }
	return []attempt{
		{name: "wrong-recipient", note: "delivered to a desk that it is not for", desk: qp, wire: s.Wire, want: WrongRecipient},
		{name: "wrong-key", note: "for this desk, by a key that it does not have", want: WrongKey,
			wire: encrypt(tb, third, routeWith(route, func(r *schemas.Route) { r.Key = jose.Thumbprint(third.encryption.Certificate()) }), pad(s.JWS))},
		{name: "key-not-as-named", note: "names this desk's key, was sealed to another's", want: NotDecryptable,
			wire: encrypt(tb, third, route, pad(s.JWS))},
		{name: "forwarded", note: "QN opened it, and seals it again for QP, who must not take it for a message to QP", desk: qp, want: HeaderMismatch,
			wire: forwarded(routeWith(route, func(r *schemas.Route) { r.To, r.Key = qp, jose.Thumbprint(third.encryption.Certificate()) }))},
		{name: "forwarded-unchanged", note: "the same with the outer header as it was", desk: qp, want: WrongRecipient,
			wire: forwarded(route)},
		{name: "forwarded-as-own", note: "the same with the forwarder as outer sender", desk: qp, want: HeaderMismatch,
			wire: forwarded(routeWith(route, func(r *schemas.Route) {
				r.From, r.To, r.Key = qn, qp, jose.Thumbprint(third.encryption.Certificate())
			}))},
		mismatch("from", func(r *schemas.Route) { r.From = qp }),
		mismatch("channel", func(r *schemas.Route) { r.Channel = schemas.ChannelBorder }),
		mismatch("id", func(r *schemas.Route) { r.ID = schemas.NewMessageID() }),
		inner("from", func(h *Header) { h.From = qp }),
		inner("to", func(h *Header) { h.To = qp }),
		inner("channel", func(h *Header) { h.Channel = schemas.ChannelBorder }),
		inner("id", func(h *Header) { h.ID = schemas.NewMessageID() }),
		inner("suite", func(h *Header) { h.Suite = 2 }),
		inner("key", func(h *Header) { h.RecipientKey = jose.Thumbprint(third.encryption.Certificate()) }),
	}
}

func paddings(tb testing.TB, w *world) []attempt {
	s := w.message(tb, 1, Hash{}, w.payload)
	full := pad(s.JWS)
	last := func(c byte) []byte { return append(bytes.Clone(full[:len(full)-1]), c) }
	seal := func(name string, plaintext []byte, want Reason) attempt {
		return attempt{name: "padding-" + name, wire: encrypt(tb, w.desk(qn), s.Header.route(), plaintext), want: want}
	}
	return []attempt{
		seal("none", s.JWS, Padding),
		seal("short", full[:len(full)-1], Padding),
		seal("long", append(bytes.Clone(full), ' '), Padding),
		seal("next-size", append(bytes.Clone(full), bytes.Repeat([]byte{' '}, 256)...), Padding),
		seal("zero-byte", last(0), Padding),
		seal("tab", last('\t'), Padding),
		seal("line-break", last('\n'), Padding),
		seal("hidden-text", append(bytes.Clone(full[:len(full)-5]), "hello"...), Padding),
		seal("front", append([]byte{' '}, full[:len(full)-1]...), Malformed),
		seal("alone", pad(nil), Malformed),
	}
}

func signers(tb testing.TB, w *world) []attempt {
	s := w.message(tb, 1, Hash{}, w.payload)
	// by signs the message of QM/justice with another's key, naming a certificate.
	by := func(key, named Signer) []byte {
		header := headerOf(tb, KindMessage, s.Header, named).json(tb)
		return encrypt(tb, w.desk(qn), s.Header.route(), pad(signES256(tb, key.Key, header, w.payload)))
	}
	honest, other, sibling := w.desk(qm).signer, w.desk(qp).signer, w.desk(qmBorder).signer
	stranger := Signer{Key: otherKey(tb), Certificate: honest.Certificate}
	return []attempt{
		{name: "cross-state-certificate", note: "QP's key and certificate under QM's name", wire: by(other, other), want: UnknownSigner},
		{name: "sibling-certificate", note: "the border agency of the same State", wire: by(sibling, sibling), want: UnknownSigner},
		{name: "other-key", note: "names QM's certificate, signed by QP's key", wire: by(other, honest), want: SignatureInvalid},
		{name: "stranger-key", wire: by(stranger, honest), want: SignatureInvalid},
		{name: "tls-certificate", note: "QM's own key for another use", wire: by(w.desk(qm).tls, w.desk(qm).tls), want: UnknownSigner},
		{name: "revoked-certificate", wire: w.revokedMessage(tb), want: Revoked},
	}
}

func times(tb testing.TB, w *world) []attempt {
	// at seals a message with the given times, whatever the seal thinks of them.
	at := func(sent, until time.Duration) []byte {
		h := w.message(tb, 1, Hash{}, w.payload).Header
		h.SentAt, h.ValidUntil = w.at.Add(sent), w.at.Add(until)
		sealed, err := seal(KindMessage, h, w.payload, w.desk(qm).signer, w.desk(qn).encryption)
		must(tb, err)
		return sealed.Wire
	}
	day := 24 * time.Hour
	return []attempt{
		{name: "valid-to-the-second", wire: at(-time.Hour, 0)},
		{name: "expired", wire: at(-day, -time.Second), want: Expired},
		{name: "sent-within-skew", wire: at(ClockSkew, day)},
		{name: "sent-ahead", wire: at(ClockSkew+time.Second, day), want: NotYetValid},
		{name: "valid-longest", wire: at(0, MaxValidity)},
		{name: "valid-too-long", wire: at(0, MaxValidity+time.Second), want: Malformed},
		{name: "valid-until-sent-at", wire: at(0, 0), want: Malformed},
		{name: "valid-until-before-sent-at", wire: at(0, -time.Second), want: Malformed},
	}
}

// contents attacks with authentic control messages whose content does not have its form.
func contents(tb testing.TB, w *world) []attempt {
	forge := func(name string, kind Kind, payload string) attempt {
		h := w.header(kind)
		if kind == KindVoid {
			h.Seq = 1
		}
		sealed, err := seal(kind, complete(h, w.desk(qn).encryption), []byte(payload), w.desk(qm).signer, w.desk(qn).encryption)
		must(tb, err)
		return attempt{name: name, wire: sealed.Wire, want: BadContent}
	}
	id, hash := `"id":"0123456789abcdefghjkmnpqrs"`, `"jws_sha256":"`+strings.Repeat("ab", 32)+`"`
	unsure := id + `,` + hash + `,"seq":1,"stored_at":"2026-03-02T12:00:00Z"`
	point := func(text string) string { return `"checkpoint":` + strconv.Quote(text) }
	log := logOf(1).Checkpoint(journal.Between(qn, qm))
	other := logOf(1).Checkpoint(journal.Between(qm, qn))
	stored := unsure + `,` + point(log.Text())
	return []attempt{
		forge("receipt-empty", KindReceipt, ``),
		forge("receipt-unknown-outcome", KindReceipt, `{`+stored+`,"outcome":"held"}`),
		forge("receipt-no-outcome", KindReceipt, `{`+stored+`}`),
		forge("receipt-unknown-reason", KindReceipt, `{`+stored+`,"outcome":"rejected","reason":"policy"}`),
		forge("receipt-rejected-without-reason", KindReceipt, `{`+stored+`,"outcome":"rejected"}`),
		forge("receipt-stored-with-reason", KindReceipt, `{`+stored+`,"outcome":"stored","reason":"expired"}`),
		forge("receipt-unknown-member", KindReceipt, `{`+stored+`,"outcome":"stored","total":7}`),
		forge("receipt-duplicate-member", KindReceipt, `{`+stored+`,"outcome":"stored","outcome":"rejected"}`),
		forge("receipt-case-variant", KindReceipt, `{`+stored+`,"outcome":"stored","Outcome":"rejected"}`),
		forge("receipt-no-checkpoint", KindReceipt, `{`+unsure+`,"outcome":"stored"}`),
		forge("receipt-checkpoint-of-another-log", KindReceipt, `{`+unsure+`,"outcome":"stored",`+point(other.Text())+`}`),
		forge("receipt-checkpoint-of-a-home-log", KindReceipt, `{`+unsure+`,"outcome":"stored",`+point(logOf(1).Checkpoint(journal.Home(qm)).Text())+`}`),
		forge("receipt-checkpoint-with-more", KindReceipt, `{`+unsure+`,"outcome":"stored",`+point(log.Text()+"7\n")+`}`),
		forge("receipt-no-hash", KindReceipt, `{`+id+`,"seq":1,"stored_at":"2026-03-02T12:00:00Z","outcome":"stored",`+point(log.Text())+`}`),
		forge("receipt-no-number", KindReceipt, `{`+id+`,`+hash+`,"seq":0,"stored_at":"2026-03-02T12:00:00Z","outcome":"stored",`+point(log.Text())+`}`),
		forge("void-no-hash", KindVoid, `{`+id+`}`),
		forge("void-of-nothing", KindVoid, `{`+id+`,"jws_sha256":"`+strings.Repeat("00", 32)+`"}`),
		forge("resend-backwards", KindResend, `{"from_seq":3,"to_seq":2}`),
		forge("resend-zero", KindResend, `{"from_seq":0,"to_seq":2}`),
		forge("resend-too-many", KindResend, `{"from_seq":1,"to_seq":1001}`),
		forge("breach-no-hash", KindBreach, `{`+id+`,"seq":1}`),
		forge("breach-no-number", KindBreach, `{`+id+`,`+hash+`,"seq":0}`),
		forge("breach-with-a-finding", KindBreach, `{`+id+`,`+hash+`,"seq":1,"rule":"ASY-01"}`),
	}
}
