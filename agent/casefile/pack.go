package casefile

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"comity/agent/envelope"
	"comity/pki"
	"comity/pki/journal"
	"comity/schemas"
)

// Exchange is what the exporter has of a case: only what was sealed or received, in the order in which it was sent.
type Exchange struct {
	Case           schemas.CaseID
	Channel        schemas.Channel
	Exporter, Peer schemas.AuthorityID
	Reader         Reader
	At             time.Time
	Pin            pki.Pin
	Numbers        []Number
	Trust          pki.Documents // as known now: the exporter's own signature rests on it
}

// Number is one number of the exchange with its documents; what is nil does not exist, or is no longer kept.
type Number struct {
	From, To   schemas.AuthorityID
	ID         schemas.MessageID
	Seq        uint64
	Type       schemas.MessageType
	JWS        envelope.Hash
	Outcome    Outcome
	Signed     []byte
	Envelope   []byte
	Acceptance []byte
	Receipt    []byte
	Trust      pki.Documents // as known at KnownAt
	KnownAt    time.Time     // when the last of these documents was taken
	Proof      *journal.Proof
	Growth     []journal.Hash
	Signers    []*x509.Certificate
}

// packer collects the files.
type packer struct {
	files map[string][]byte
}

// add files content under a name and returns it. No content is no file.
func (p *packer) add(name string, content []byte) string {
	if content == nil {
		return ""
	}
	p.files[name] = content
	return name
}

// Pack writes the file of a case, signed by the exporter.
func Pack(w io.Writer, x Exchange, key crypto.Signer, certificate *x509.Certificate) error {
	p := &packer{files: map[string][]byte{}}
	s := Statement{
		Case: x.Case, Channel: x.Channel, Exporter: x.Exporter, Peer: x.Peer, Reader: x.Reader, ExportedAt: x.At.UTC().Truncate(time.Second), Pin: x.Pin,
	}
	for i, n := range x.Numbers {
		s.Items = append(s.Items, p.number(i+1, n))
	}
	s.Trust = p.trust(x.Trust)
	p.certificate(certificate)
	p.add("README.txt", []byte(readme))
	s.Files = hashes(p.files)
	statement, err := s.Sign(key, certificate)
	if err != nil {
		return err
	}
	p.files[statementFile] = statement
	return writeArchive(w, p.files, s.ExportedAt)
}

func (p *packer) number(at int, n Number) Item {
	name := fmt.Sprintf("%04d-%s-%s-%d", at, n.From.State().Lower(), n.From.Name(), n.Seq)
	i := Item{
		From: n.From, To: n.To, ID: n.ID, Number: n.Seq, Type: n.Type, JWS: n.JWS, Outcome: n.Outcome, Growth: n.Growth,
		Signed:     p.add("messages/"+name+".jws", n.Signed),
		Envelope:   p.add("envelopes/"+name+".jwe", n.Envelope),
		Acceptance: p.add("acceptances/"+name+".jws", n.Acceptance),
		Receipt:    p.add("receipts/"+name+".jws", n.Receipt),
		Trust:      p.trust(n.Trust),
		KnownAt:    n.KnownAt.UTC().Truncate(time.Second).Add(time.Second), // not before
	}
	if n.Proof != nil {
		i.Proof = p.add("journal/"+name+".tlog-proof", n.Proof.Text())
	}
	for _, signer := range n.Signers {
		p.certificate(signer)
	}
	return i
}

// certificate adds a signer's certificate for tools that have no directory.
func (p *packer) certificate(c *x509.Certificate) {
	sum := sha256.Sum256(c.Raw)
	p.add("certificates/"+hexOf(sum)+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// trust adds published documents and returns their names: each is there once, whatever rests on it.
func (p *packer) trust(d pki.Documents) (names []string) {
	short := func(content []byte) string { sum := sha256.Sum256(content); return hexOf(sum)[:16] }
	for i, list := range d.TrustLists {
		names = append(names, p.add(fmt.Sprintf("trust/list-%03d-%s.json", i+1, short(list)), list))
	}
	for _, state := range slices.Sorted(maps.Keys(d.Entries)) {
		names = append(names, p.add(fmt.Sprintf("trust/directory-%s-%s.jws", state.Lower(), short(d.Entries[state])), d.Entries[state]))
	}
	for _, state := range slices.Sorted(maps.Keys(d.CRLs)) {
		for _, ca := range slices.Sorted(maps.Keys(d.CRLs[state])) {
			der := d.CRLs[state][ca]
			text := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
			names = append(names, p.add(fmt.Sprintf("trust/crl-%s-%s.pem", state.Lower(), short(der)), text))
		}
	}
	return names
}

// documents reads published documents back from their files.
func documents(files map[string][]byte, names []string) (pki.Documents, error) {
	d := pki.Documents{Entries: map[schemas.StateCode][]byte{}, CRLs: map[schemas.StateCode]map[string][]byte{}}
	for _, name := range slices.Sorted(slices.Values(names)) {
		content, ok := files[name]
		kind, rest, _ := strings.Cut(strings.TrimPrefix(name, "trust/"), "-")
		state, _, _ := strings.Cut(rest, "-")
		code := schemas.StateCode(strings.ToUpper(state))
		switch {
		case !ok:
			return d, fmt.Errorf("%s is not there", name)
		case kind == "list":
			d.TrustLists = append(d.TrustLists, content)
		case kind == "directory":
			d.Entries[code] = content
		case kind == "crl":
			block, after := pem.Decode(content)
			if block == nil || block.Type != "X509 CRL" || len(bytes.TrimSpace(after)) > 0 {
				return d, fmt.Errorf("%s is no revocation list", name)
			}
			if d.CRLs[code] == nil {
				d.CRLs[code] = map[string][]byte{}
			}
			d.CRLs[code][name] = block.Bytes // each under a key of its own; the keeper finds the CA
		default:
			return d, fmt.Errorf("%s is no document of trust", name)
		}
	}
	return d, nil
}

const readme = `This file holds what two authorities exchanged in one case, with what proves it.

  comity verify FILE      checks all of it, with no network

statement.jws             what the exporting authority says of the file, signed: the case, the reader, every file's SHA-256
messages/                 the signed messages (JWS, RFC 7515)
envelopes/                the sealed envelopes as they were handed to the broker (JWE, RFC 7516)
acceptances/              the broker's signed word that it took an envelope (JWS); "sha256" is that of the envelope
receipts/                 the recipient's signed word about a message (JWS); "jws_sha256" is that of the message
journal/                  the place of each message in the log of its direction (c2sp.org/tlog-proof, c2sp.org/signed-note)
trust/                    what was known at the time: the scheme's trust list (JWS), directory entries (JWS), revocation lists (PEM)
certificates/             the certificates of those who signed (PEM), each named by its SHA-256

A JWS is three parts, divided by dots, each in base64url: a header, the content, and an ECDSA signature on P-256 over the
first two parts. "x5t#S256" in the header is the SHA-256 of the signer's certificate.
`
