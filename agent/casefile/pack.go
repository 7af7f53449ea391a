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
	Evidence   []Enclosure // the files that the message names, in its order
}

// enclosure is a file of evidence with its name in the archive.
type enclosure struct {
	name string
	Enclosure
}

// packer collects the files.
type packer struct {
	files    map[string][]byte
	evidence []enclosure
}

// add files content under a name and returns it. No content is no file.
func (p *packer) add(name string, content []byte) string {
	if content == nil {
		return ""
	}
	p.files[name] = content
	return name
}

// File is the file of a case, signed and not written yet.
type File struct {
	packer
	at time.Time
}

// Statement is the SHA-256 of the signed statement, which names every other byte of the file.
func (f *File) Statement() [32]byte { return sha256.Sum256(f.files[statementFile]) }

// Evidence is how many files of evidence are in it, and their bytes.
func (f *File) Evidence() (files int, bytes int64) {
	for _, e := range f.evidence {
		bytes += e.Bytes
	}
	return len(f.evidence), bytes
}

// Write writes the file. What was written before an error is of no use.
func (f *File) Write(w io.Writer) error {
	return writeArchive(w, f.files, f.evidence, f.at)
}

// Pack signs the file of a case in the exporter's name.
func Pack(x Exchange, key crypto.Signer, certificate *x509.Certificate) (*File, error) {
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
	for _, e := range p.evidence {
		s.Files[e.name] = e.SHA256
	}
	if len(p.evidence) > maxEvidence {
		return nil, fmt.Errorf("more than %d files of evidence", maxEvidence)
	}
	statement, err := s.Sign(key, certificate)
	if err != nil {
		return nil, err
	}
	p.files[statementFile] = statement
	return &File{*p, s.ExportedAt}, nil
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
	for _, e := range n.Evidence {
		i.Evidence = append(i.Evidence, p.enclose(i.Signed, e))
	}
	for _, signer := range n.Signers {
		p.certificate(signer)
	}
	return i
}

// enclose adds a file of evidence, or says why it is not there.
func (p *packer) enclose(signed string, e Enclosure) Enclosed {
	said := Enclosed{ID: e.ID, Absent: e.Absent}
	if e.Absent == "" {
		said.File = nameOf(signed, e.Name)
		p.evidence = append(p.evidence, enclosure{said.File, e})
	}
	return said
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
evidence/                 the files that a message names, as they are; their SHA-256 stands in that message, under "evidence"
certificates/             the certificates of those who signed (PEM), each named by its SHA-256

A JWS is three parts, divided by dots, each in base64url: a header, the content, and an ECDSA signature on P-256 over the
first two parts. "x5t#S256" in the header is the SHA-256 of the signer's certificate.
`
