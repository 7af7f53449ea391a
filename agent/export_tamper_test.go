package agent

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"comity/agent/casefile"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// opened is the file of a case taken apart, for those who would change it.
type opened struct {
	t     *testing.T
	files map[string][]byte
	said  casefile.Statement
}

func takeApart(t *testing.T, file []byte) *opened {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f := &opened{t: t, files: map[string][]byte{}}
	for _, entry := range archive.File {
		r, err := entry.Open()
		if err != nil {
			t.Fatal(err)
		}
		if f.files[entry.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(f.files["statement.jws"]), ".")[1])
	if err == nil {
		err = json.Unmarshal(payload, &f.said)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// pack puts it together again. Files that were changed keep the hash that the statement has of them.
func (f *opened) pack() []byte {
	f.t.Helper()
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		header := zip.FileHeader{Name: name, Method: zip.Deflate}
		if strings.HasPrefix(name, "evidence/") {
			header.Method = zip.Store
		}
		w, err := archive.CreateHeader(&header)
		if err == nil {
			_, err = w.Write(f.files[name])
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		f.t.Fatal(err)
	}
	return file.Bytes()
}

// sign is what a dishonest exporter does: it states whatever is there now, in its own name.
func (f *opened) sign(d *desk) {
	f.t.Helper()
	f.said.Files = map[string]string{}
	for name, content := range f.files {
		if name != "statement.jws" {
			sum := sha256.Sum256(content)
			f.said.Files[name] = hex.EncodeToString(sum[:])
		}
	}
	statement, err := f.said.Sign(d.identity.Signing, d.identity.SigningCertificate)
	if err != nil {
		f.t.Fatal(err)
	}
	f.files["statement.jws"] = statement
}

// of is the item of a number.
func (f *opened) of(from schemas.AuthorityID, number uint64) *casefile.Item {
	f.t.Helper()
	i := slices.IndexFunc(f.said.Items, func(i casefile.Item) bool { return i.From == from && i.Number == number })
	if i < 0 {
		f.t.Fatalf("no number %d of %s", number, from)
	}
	return &f.said.Items[i]
}

// bend changes one character in the middle of a part of a JWS, or of any text.
func (f *opened) bend(name string, part int) {
	f.t.Helper()
	parts := strings.Split(string(f.files[name]), ".")
	text := []byte(parts[part])
	at := len(text) / 2
	text[at] = map[bool]byte{true: 'A', false: 'B'}[text[at] != 'A']
	parts[part] = string(text)
	f.files[name] = []byte(strings.Join(parts, "."))
}

func (f *opened) swap(a, b string) { f.files[a], f.files[b] = f.files[b], f.files[a] }

// trust is the documents of an item of one kind, such as "trust/crl-".
func (f *opened) trust(names []string, prefix string) string {
	f.t.Helper()
	i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) })
	if i < 0 {
		f.t.Fatalf("no %s among %v", prefix, names)
	}
	return names[i]
}

// payloadIn is what a JWS says, to be changed and signed by somebody else.
func payloadIn(t *testing.T, jws []byte) []byte {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(string(jws), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// signedBy is a JWS with the header and the content of another, but for what is changed, and the signature of a desk.
func (d *desk) signedBy(jws []byte, change func(header, payload map[string]any)) []byte {
	d.t.Helper()
	header, payload := partsOf(d.t, jws)
	typ := jose.Typ(header["typ"].(string))
	change(header, payload)
	for _, own := range []string{"alg", "typ", "x5t#S256"} {
		delete(header, own)
	}
	content, err := schemas.Canonical(payload)
	if err != nil {
		d.t.Fatal(err)
	}
	signed, err := jose.Sign(d.keys.Signing.Key, jose.Thumbprint(d.keys.Signing.Certificate), typ, header, content)
	if err != nil {
		d.t.Fatal(err)
	}
	return signed
}

// anotherHistory proves every number of what a desk sent by a log in which number 3 is another, as if it had always been so,
// and signs for it.
func (d *desk) anotherHistory(f *opened) {
	d.t.Helper()
	log := journal.Between(d.me, qn)
	var rows []store.LogRow
	err := d.store.View(d.t.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.LogRows(log, 0, 1000)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	tree, edge := hashesByIndex{}, journal.Edge{}
	for _, r := range rows {
		leaf := r.Hashes[0]
		if r.Leaf == 2 { // number 3, which it leaves out
			leaf[0] ^= 1
		}
		if edge, err = journal.Append(tree, edge, leaf); err != nil {
			d.t.Fatal(err)
		}
	}
	note, err := journal.Sign(edge.Checkpoint(log), d.me, d.identity.Signing)
	if err != nil {
		d.t.Fatal(err)
	}
	f.said.Items = slices.DeleteFunc(f.said.Items, func(i casefile.Item) bool { return i.From == d.me && i.Number == 3 })
	for i := range f.said.Items {
		item := &f.said.Items[i]
		if item.From != d.me {
			continue
		}
		hashes, err := journal.ProveLeaf(edge.Size(), int64(item.Number)-1, tree)
		if err != nil {
			d.t.Fatal(err)
		}
		f.files[item.Proof] = journal.Proof{Index: int64(item.Number) - 1, Hashes: hashes, Note: note}.Text()
		if item.Receipt != "" {
			if item.Growth, err = journal.ProveGrowth(edge.Size(), int64(item.Number), tree); err != nil {
				d.t.Fatal(err)
			}
		}
	}
}

// hashesByIndex is a log in memory.
type hashesByIndex map[int64]journal.Hash

func (h hashesByIndex) ReadHashes(indexes []int64) (found []journal.Hash, err error) {
	for _, i := range indexes {
		found = append(found, h[i])
	}
	return found, nil
}

func (h hashesByIndex) WriteHashes(first int64, hashes []journal.Hash) error {
	for i, hash := range hashes {
		h[first+int64(i)] = hash
	}
	return nil
}

// tampering is one way to change the file of a case, and every reason for which it is then refused.
type tampering struct {
	name   string
	change func(*opened)
	want   []casefile.Reason
}

// byAnybody are changes by whoever has the file in their hands.
func byAnybody() []tampering {
	first := func(f *opened) *casefile.Item { return f.of(qm, 1) }
	return []tampering{
		{"a word of a message", func(f *opened) { f.bend(first(f).Signed, 1) }, []casefile.Reason{casefile.FileChanged, casefile.MessageSignature}},
		{"the signature of a message", func(f *opened) { f.bend(first(f).Signed, 2) }, []casefile.Reason{casefile.FileChanged, casefile.MessageSignature}},
		{"a message that is none", func(f *opened) { f.files[first(f).Signed] = []byte("x.y.z") }, []casefile.Reason{casefile.FileChanged, casefile.MessageUnreadable}},
		{"two messages in each other's place", func(f *opened) { f.swap(first(f).Signed, f.of(qm, 2).Signed) },
			[]casefile.Reason{casefile.ChainBroken, casefile.FileChanged, casefile.MessageOther}},
		{"a receipt in a message's place", func(f *opened) { f.files[first(f).Signed] = f.files[first(f).Receipt] }, []casefile.Reason{casefile.FileChanged, casefile.MessageUnreadable}},
		{"a message taken out", func(f *opened) { delete(f.files, first(f).Signed) }, []casefile.Reason{casefile.FileMissing}},
		{"a message put in", func(f *opened) { f.files["messages/0009-qm-justice-9.jws"] = f.files[first(f).Signed] }, []casefile.Reason{casefile.FileUnknown}},
		{"the content of a receipt", func(f *opened) { f.bend(first(f).Receipt, 1) }, []casefile.Reason{casefile.FileChanged, casefile.ReceiptSignature}},
		{"the signature of a receipt", func(f *opened) { f.bend(first(f).Receipt, 2) }, []casefile.Reason{casefile.FileChanged, casefile.ReceiptSignature}},
		{"two receipts in each other's place", func(f *opened) { f.swap(first(f).Receipt, f.of(qm, 2).Receipt) }, []casefile.Reason{casefile.FileChanged, casefile.ReceiptOther}},
		{"a receipt taken out", func(f *opened) { delete(f.files, first(f).Receipt) }, []casefile.Reason{casefile.FileMissing, casefile.ReceiptMissing}},
		{"the signature of an acceptance", func(f *opened) { f.bend(first(f).Acceptance, 2) }, []casefile.Reason{casefile.AcceptanceSignature, casefile.FileChanged}},
		{"two acceptances in each other's place", func(f *opened) { f.swap(first(f).Acceptance, f.of(qm, 2).Acceptance) },
			[]casefile.Reason{casefile.AcceptanceOther, casefile.FileChanged}},
		{"an envelope with other content", func(f *opened) { f.bend(first(f).Envelope, 3) }, []casefile.Reason{casefile.AcceptanceOther, casefile.FileChanged}},
		{"two envelopes in each other's place", func(f *opened) { f.swap(first(f).Envelope, f.of(qm, 2).Envelope) },
			[]casefile.Reason{casefile.AcceptanceOther, casefile.EnvelopeOther, casefile.FileChanged}},
		{"two proofs in each other's place", func(f *opened) { f.swap(first(f).Proof, f.of(qm, 2).Proof) }, []casefile.Reason{casefile.FileChanged, casefile.NotInJournal}},
		{"the size in a checkpoint", func(f *opened) {
			f.files[first(f).Proof] = bytes.Replace(f.files[first(f).Proof], []byte("\n6\n"), []byte("\n7\n"), 1)
		}, []casefile.Reason{casefile.FileChanged, casefile.ProofSignature}},
		{"a proof that is none", func(f *opened) { f.files[first(f).Proof] = []byte("c2sp.org/tlog-proof@v2\n") }, []casefile.Reason{casefile.FileChanged, casefile.ProofUnreadable}},
		{"the trust list of then", func(f *opened) {
			name := f.trust(first(f).Trust, "trust/list-")
			f.files[name] = bytes.Replace(f.files[name], []byte(`"payload":"e`), []byte(`"payload":"f`), 1)
		}, []casefile.Reason{casefile.FileChanged, casefile.TrustRefused}},
		{"a directory entry of then", func(f *opened) { f.bend(f.trust(first(f).Trust, "trust/directory-qn"), 1) }, []casefile.Reason{casefile.FileChanged, casefile.TrustRefused}},
		{"a revocation list of then", func(f *opened) {
			name := f.trust(first(f).Trust, "trust/crl-qn")
			lines := bytes.Split(f.files[name], []byte("\n"))
			lines[2][10] ^= 1
			f.files[name] = bytes.Join(lines, []byte("\n"))
		}, []casefile.Reason{casefile.FileChanged, casefile.TrustRefused}},
		{"a revocation list taken out", func(f *opened) { delete(f.files, f.trust(first(f).Trust, "trust/crl-qn")) }, []casefile.Reason{casefile.FileMissing, casefile.TrustRefused}},
		{"two certificates in each other's place", func(f *opened) {
			names := slices.DeleteFunc(slices.Sorted(maps.Keys(f.files)), func(name string) bool { return !strings.HasPrefix(name, "certificates/") })
			f.swap(names[0], names[1])
		}, []casefile.Reason{casefile.CertificateOther, casefile.FileChanged}},
		{"the statement", func(f *opened) {
			parts := strings.Split(string(f.files["statement.jws"]), ".")
			payload := bytes.Replace(payloadIn(f.t, f.files["statement.jws"]), []byte(`"reader":"QM"`), []byte(`"reader":"QP"`), 1)
			parts[1] = base64.RawURLEncoding.EncodeToString(payload)
			f.files["statement.jws"] = []byte(strings.Join(parts, "."))
		}, []casefile.Reason{casefile.StatementSignature}},
		{"the statement taken out", func(f *opened) { delete(f.files, "statement.jws") }, []casefile.Reason{casefile.StatementUnreadable}},
		{"a statement that is none", func(f *opened) { f.files["statement.jws"] = f.files[first(f).Signed] }, []casefile.Reason{casefile.StatementUnreadable}},
		{"a file with a path out of the folder", func(f *opened) { f.files["messages/../../x"] = nil }, []casefile.Reason{casefile.ArchiveUnreadable}},
	}
}

// byTheExporter are changes by the one who states what is in the file, and states it anew.
func byTheExporter(w *world) []tampering {
	m, n := w.desks[qm], w.desks[qn]
	first := func(f *opened) *casefile.Item { return f.of(qm, 1) }
	return []tampering{
		{"a rejected message is said to be stored", func(f *opened) { f.of(qm, 4).Outcome = casefile.Stored }, []casefile.Reason{casefile.OutcomeWrong}},
		{"a stored message is said to be rejected", func(f *opened) { first(f).Outcome = casefile.Rejected }, []casefile.Reason{casefile.OutcomeWrong}},
		{"a message without a receipt is said to be stored", func(f *opened) { f.of(qm, 6).Outcome = casefile.Stored }, []casefile.Reason{casefile.ReceiptMissing}},
		{"a receipt in the peer's name", func(f *opened) {
			f.files[first(f).Receipt] = m.signedBy(f.files[first(f).Receipt], func(_, p map[string]any) { p["stored_at"] = "2026-11-23T09:00:00Z" })
		}, []casefile.Reason{casefile.ReceiptSignature}},
		{"a receipt of its own for its own message", func(f *opened) {
			f.files[first(f).Receipt] = m.signedBy(f.files[first(f).Receipt], func(h, p map[string]any) {
				h["from"], h["to"] = h["to"], h["from"]
				p["checkpoint"] = strings.Replace(p["checkpoint"].(string), "comity/qm/justice/qn/justice", "comity/qn/justice/qm/justice", 1)
			})
		}, []casefile.Reason{casefile.ReceiptOther}},
		{"a message in the peer's name", func(f *opened) {
			i := f.of(qn, 1)
			f.files[i.Signed] = m.signedBy(f.files[i.Signed], func(_, p map[string]any) { p["urgency"] = "urgent" })
		}, []casefile.Reason{casefile.MessageSignature}},
		{"another message of its own under the number", func(f *opened) {
			i := first(f)
			f.files[i.Signed] = m.signedBy(f.files[i.Signed], func(_, p map[string]any) { p["language"] = "fr" })
			i.JWS = envelope.HashJWS(f.files[i.Signed])
		}, []casefile.Reason{casefile.ChainBroken, casefile.NotInJournal, casefile.ReceiptOther}},
		{"another type than the message has", func(f *opened) { first(f).Type = "mla.status-query/1" }, []casefile.Reason{casefile.MessageOther}},
		{"a message of another case", func(f *opened) { f.said.Case = schemas.CaseOpenedBy(qm, qn, f.of(qm, 2).ID) }, []casefile.Reason{casefile.OtherCase}},
		{"a number twice", func(f *opened) { f.said.Items = append(f.said.Items, *first(f)) }, []casefile.Reason{casefile.NumberTwice}},
		{"another number", func(f *opened) { first(f).Number = 5 }, []casefile.Reason{casefile.ChainBroken, casefile.MessageOther, casefile.NotInJournal, casefile.ReceiptOther}},
		{"another history than it gave to the peer", m.anotherHistory, []casefile.Reason{casefile.JournalContradicts}},
		{"no proof that the histories are one", func(f *opened) { f.of(qm, 2).Growth = nil }, []casefile.Reason{casefile.JournalContradicts}},
		{"a checkpoint that the peer signed", func(f *opened) {
			proof, err := journal.ParseProof(f.files[first(f).Proof])
			if err != nil {
				f.t.Fatal(err)
			}
			if proof.Note, err = journal.Sign(m.logAt(journal.Between(qm, qn)), qn, n.identity.Signing); err != nil {
				f.t.Fatal(err)
			}
			f.files[first(f).Proof] = proof.Text()
		}, []casefile.Reason{casefile.ProofSignature}},
		{"what is known now, in the place of what was known then", func(f *opened) { first(f).Trust = f.said.Trust }, []casefile.Reason{casefile.TrustRefused}},
		{"nothing of what was known then", func(f *opened) { first(f).Trust = nil }, []casefile.Reason{casefile.MessageSignature, casefile.ReceiptSignature, casefile.AcceptanceSignature}},
		{"other scheme signers", func(f *opened) {
			f.said.Pin.Signers = append(slices.Clone(f.said.Pin.Signers[:2]), strings.Repeat("A", 43))
		},
			[]casefile.Reason{casefile.PinDiffers}},
		{"the certificate of a stranger", func(f *opened) {
			stranger := w.scheme.Authority("QP/justice").Signing.Certificate
			sum := sha256.Sum256(stranger.Raw)
			f.files["certificates/"+hex.EncodeToString(sum[:])+".pem"] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: stranger.Raw})
		}, []casefile.Reason{casefile.CertificateOther}},
	}
}

// Each of them is refused, for the right reasons and for no others.
func TestEveryTamperingWithTheFileOfACaseIsNamed(t *testing.T) {
	w, in := aCaseForCourt(t)
	m := w.desks[qm]
	file := m.exported(in, "QM")
	var table namedFaults
	check := func(name string, changed []byte, want []casefile.Reason) {
		t.Run(name, func(t *testing.T) {
			slices.Sort(want)
			got := w.verifies(changed).Reasons()
			table.add(name, namesOf(got)...)
			if !slices.Equal(got, want) {
				t.Errorf("refused for %v, want %v", got, want)
			}
		})
	}
	if verdict := w.verifies(takeApart(t, file).pack()); verdict.Defects != 0 {
		t.Fatalf("packed again unchanged: %v", verdict.Reasons())
	}
	for _, change := range byAnybody() {
		f := takeApart(t, file)
		change.change(f)
		check(change.name, f.pack(), change.want)
	}
	for _, change := range byTheExporter(w) {
		f := takeApart(t, file)
		change.change(f)
		f.sign(m)
		check("the exporter: "+change.name, f.pack(), change.want)
	}
	another := takeApart(t, file)
	another.sign(w.desks[qn]) // in QM's name
	check("a statement in the exporter's name", another.pack(), []casefile.Reason{casefile.StatementSignature})
	check("a file cut short", file[:len(file)-100], []casefile.Reason{casefile.ArchiveUnreadable})
	check("no zip at all", []byte("case"), []casefile.Reason{casefile.ArchiveUnreadable})
	check("a file that stands in it twice", twice(t, takeApart(t, file)), []casefile.Reason{casefile.ArchiveUnreadable})
	table.print(t)
	if least := 30; len(table.rows) < least {
		t.Errorf("%d tamperings, fewer than %d", len(table.rows), least)
	}
}

func namesOf(reasons []casefile.Reason) (names []string) {
	for _, r := range reasons {
		names = append(names, string(r))
	}
	return names
}

// twice is an archive in which one name has two contents.
func twice(t *testing.T, f *opened) []byte {
	t.Helper()
	var file bytes.Buffer
	archive := zip.NewWriter(&file)
	for range 2 {
		w, err := archive.Create("statement.jws")
		if err == nil {
			_, err = w.Write(f.files["statement.jws"])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// A whole scheme of somebody's own proves nothing to who has the scheme's signers.
func TestAFileOfAnotherSchemeIsRefused(t *testing.T) {
	w, other := newWorldOf(t, qm, qn), newWorldOf(t, qm, qn)
	in := other.tell(t, qm, qn, 1)[0].Case
	verdict := w.verifies(other.desks[qm].exported(in, "QM"))
	if got, want := verdict.Reasons(), []casefile.Reason{casefile.PinDiffers, casefile.TrustRefused}; !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("refused for %v, want %v", got, want)
	}
}
