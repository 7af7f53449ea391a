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

	"comity/pki"
	"comity/pki/journal"
	"comity/schemas"
)

// Line is one line of the verdict.
type Line struct {
	OK     bool   `json:"ok"`
	Reason Reason `json:"reason,omitzero"` // of a defect
	File   string `json:"file,omitzero"`
	Text   string `json:"text"`
}

// Verdict is what Verify found.
type Verdict struct {
	Case     schemas.CaseID      `json:"case,omitzero"`
	Exporter schemas.AuthorityID `json:"exporter,omitzero"`
	Reader   Reader              `json:"reader,omitzero"`
	// Pinned: the scheme signers are those that the caller named. Otherwise they are those that the file names, and whoever reads
	// it must compare them.
	Pinned  bool    `json:"pinned"`
	Pin     pki.Pin `json:"pin,omitzero"`
	Lines   []Line  `json:"lines"`
	Defects int     `json:"defects"`
}

// Reasons are the reasons of all defects, sorted, each once.
func (v *Verdict) Reasons() (found []Reason) {
	for _, l := range v.Lines {
		if !l.OK {
			found = append(found, l.Reason)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// verifier is one run. It goes on after a defect: the next file may be good.
type verifier struct {
	verdict Verdict
	unpacked
	said    Statement
	pin     pki.Pin
	views   map[string]*pki.View // by the names of their documents and their time
	signers map[string]bool      // hexadecimal SHA-256 of every signer's certificate
	// Of files of evidence: which ones a proved message names, the hashes of all manifests, and what is to be compared.
	claimed, manifests map[string]bool
	compared           []comparison
	refused            bool      // some documents do not lead to the scheme's signers: who signed by them is not known
	now                *pki.View // as of the statement; nil where that is refused
}

// Verify checks a file of a case. pin is whom the caller trusts; nil takes the scheme signers that the file names. The error
// is one of reading alone.
func Verify(r io.ReaderAt, size int64, pin *pki.Pin) *Verdict {
	// 1. The archive and its statement.
	all, err := readArchive(r, size, theBounds)
	if err != nil {
		v := &verifier{}
		v.bad(ArchiveUnreadable, "", "%v", err)
		return &v.verdict
	}
	return verifyFiles(all, pin)
}

func verifyFiles(all unpacked, pin *pki.Pin) *Verdict {
	v := &verifier{
		unpacked: all, views: map[string]*pki.View{}, signers: map[string]bool{}, claimed: map[string]bool{}, manifests: map[string]bool{},
	}
	if !v.statement(pin) {
		return &v.verdict
	}
	// 2. Every file is the one that the statement names.
	v.checkFiles()
	// 3. Each number, with what was known then.
	seen, ids := map[string]bool{}, map[string]bool{}
	for _, i := range v.said.Items {
		number, id := fmt.Sprint(i.From, i.Number), fmt.Sprint(i.From, i.ID)
		if seen[number] || ids[id] {
			v.bad(NumberTwice, i.Signed, "%s: its number or id stands in the file twice", i.what())
		}
		seen[number], ids[id] = true, true
		v.number(i)
	}
	// 4. What only all of them together can show.
	v.compareEvidence()
	v.chain()
	v.certificates()
	return &v.verdict
}

func (v *verifier) good(file, format string, args ...any) {
	v.verdict.Lines = append(v.verdict.Lines, Line{OK: true, File: file, Text: fmt.Sprintf(format, args...)})
}

func (v *verifier) bad(reason Reason, file, format string, args ...any) {
	v.verdict.Lines = append(v.verdict.Lines, Line{Reason: reason, File: file, Text: fmt.Sprintf(format, args...)})
	v.verdict.Defects++
}

// statement reads and proves what the exporter says. It is false where there is nothing to go on with.
func (v *verifier) statement(pin *pki.Pin) bool {
	raw, ok := v.files[statementFile]
	if !ok {
		v.bad(StatementUnreadable, statementFile, "there is no statement")
		return false
	}
	var trust error
	said, known, err := openStatement(raw, func(s Statement, x5t string) (crypto.PublicKey, error) {
		v.said, v.pin = s, s.Pin
		if pin != nil {
			v.pin = *pin
		}
		if v.now, trust = v.view(s.Trust, s.ExportedAt); trust != nil {
			return nil, trust
		}
		proof, err := v.now.Signer(s.Exporter, x5t, s.ExportedAt)
		if err != nil {
			return nil, err
		}
		v.signer(proof.Certificate())
		return proof.Certificate().PublicKey, nil
	})
	if !known {
		v.bad(StatementUnreadable, statementFile, "the statement cannot be read: %v", err)
		return false
	}
	v.verdict.Case, v.verdict.Exporter, v.verdict.Reader = said.Case, said.Exporter, said.Reader
	v.verdict.Pin, v.verdict.Pinned = v.pin, pin != nil
	v.comparePins(said, pin)
	switch {
	case trust != nil:
		v.now, v.refused = nil, true
		v.bad(TrustRefused, statementFile, "what was known when the file was made does not lead to the scheme's signers: %s", reasonOf(trust))
	case err != nil:
		v.bad(StatementSignature, statementFile, "not signed by %s: %s", said.Exporter, reasonOf(err))
	default:
		v.good(statementFile, "case %s on %s between %s and %s, handed out by %s for %s on %s", said.Case, said.Channel, said.Exporter, said.Peer,
			said.Exporter, said.Reader, moment(said.ExportedAt))
	}
	return true
}

// comparePins tells whose signatures everything rests on.
func (v *verifier) comparePins(said Statement, pin *pki.Pin) {
	signers := strings.Join(slices.Sorted(slices.Values(v.pin.Signers)), " ")
	switch {
	case pin == nil:
		v.good("", "scheme %s: all rests on %d of these signers, whom the file itself names; compare them with the scheme's own: %s", v.pin.Scheme, v.pin.Threshold, signers)
	case pin.Scheme != said.Pin.Scheme || pin.Threshold != said.Pin.Threshold ||
		signers != strings.Join(slices.Sorted(slices.Values(said.Pin.Signers)), " "):
		v.bad(PinDiffers, statementFile, "the file was made under other scheme signers than yours")
	default:
		v.good("", "scheme %s: all rests on %d of your %d signers", pin.Scheme, pin.Threshold, len(pin.Signers))
	}
}

// view is what was known at a time, by the documents named.
func (v *verifier) view(names []string, at time.Time) (*pki.View, error) {
	key := strings.Join(names, "\n") + "\n" + at.UTC().Format(time.RFC3339)
	if view, ok := v.views[key]; ok {
		return view, nil
	}
	d, err := documents(v.files, names)
	if err != nil {
		return nil, err
	}
	view, err := pki.AsOf(v.pin, d, at)
	if err == nil {
		v.views[key] = view
	}
	return view, err
}

// checkFiles compares what is there with what the statement names.
func (v *verifier) checkFiles() {
	good := 0
	for _, name := range slices.Sorted(maps.Keys(v.said.Files)) {
		hash, ok := v.hash(name)
		switch {
		case !ok:
			v.bad(FileMissing, name, "the statement names it, and it is not there")
		case hash != v.said.Files[name]:
			v.bad(FileChanged, name, "not the bytes that the statement names")
		default:
			good++
		}
	}
	for _, name := range v.names() {
		if _, listed := v.said.Files[name]; !listed && name != statementFile {
			v.bad(FileUnknown, name, "the statement does not name it")
		}
	}
	v.good("", "%d of %d files are the bytes that the statement names", good, len(v.said.Files))
}

// chain compares each message with the one before it, as far as both are there.
func (v *verifier) chain() {
	byNumber := map[string]Item{}
	for _, i := range v.said.Items {
		byNumber[fmt.Sprint(i.From, i.Number)] = i
	}
	linked := 0
	for _, i := range v.said.Items {
		before, there := byNumber[fmt.Sprint(i.From, i.Number-1)]
		prev, known := v.prevOf(i)
		if !there || !known {
			continue
		}
		if prev != before.JWS {
			v.bad(ChainBroken, i.Signed, "%s does not name the message before it", i.what())
			continue
		}
		linked++
	}
	if linked > 0 {
		v.good("", "%d messages name the one before them", linked)
	}
}

// certificates holds the certificates against the signers that were proved.
func (v *verifier) certificates() {
	for _, name := range slices.Sorted(maps.Keys(v.files)) {
		hash, ok := strings.CutPrefix(name, "certificates/")
		if !ok {
			continue
		}
		block, rest := pem.Decode(v.files[name])
		if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 || hexOf(sha256.Sum256(block.Bytes))+".pem" != hash {
			v.bad(CertificateOther, name, "not the certificate that its name says")
			continue
		}
		if !v.refused && !v.signers[strings.TrimSuffix(hash, ".pem")] {
			v.bad(CertificateOther, name, "the certificate of nobody who signed anything in the file")
		}
	}
}

// signer notes whose certificate has proved something.
func (v *verifier) signer(c *x509.Certificate) { v.signers[hexOf(sha256.Sum256(c.Raw))] = true }

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// reasonOf is why a proof failed, in the words of the package that says so, without what it quotes.
func reasonOf(err error) string {
	if r := pki.ReasonOf(err); r != "" {
		return string(r)
	}
	if r := journal.ReasonOf(err); r != "" {
		return string(r)
	}
	return shortReason(err)
}
