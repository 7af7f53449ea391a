package casefile

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"comity/schemas"
)

// Files of evidence stand in the archive in clear, unpacked, each as long as it is: none of them is ever held in memory. What
// proves one is the manifest in the signed message that names it. The tree root in that manifest is of the sealed form that
// travelled, which nobody but the two desks can make again: the SHA-256 of the content is what a reader checks.

// evidenceFolder is where they are.
const evidenceFolder = "evidence/"

// Enclosed is what the exporter says of one file that a message names: where it is in the archive, or why it is not there.
type Enclosed struct {
	ID     schemas.FileID `json:"id"`
	File   string         `json:"file,omitzero"`
	Absent Absence        `json:"absent,omitzero"`
}

// Absence is why a file is not in the archive. The set is closed.
type Absence string

// The reasons for which a file is left out. Its SHA-256 is in the signed message all the same.
const (
	LeftOut      Absence = "left-out"      // the reader was to have the file of the case without them
	NotArrived   Absence = "not-arrived"   // the exporter has not had all of it
	Gone         Absence = "gone"          // the exporter keeps it no longer
	NotExchanged Absence = "not-exchanged" // its message was not accepted, or its content was refused
)

// Enclosure is a file of evidence to be packed.
type Enclosure struct {
	ID     schemas.FileID
	Name   string // as the message calls it
	SHA256 string
	Bytes  int64
	Absent Absence                 // "" where it goes in
	Copy   func(w io.Writer) error // writes the content, and fails if it is not what the manifest says
}

// nameOf is what a file of a message is called in the archive: by its message, and as the message calls it.
func nameOf(signed, name string) string {
	return evidenceFolder + strings.TrimSuffix(path.Base(signed), ".jws") + "-" + name
}

// checkEnclosed refuses what is neither there nor said to be missing.
func (s Statement) checkEnclosed(i Item) error {
	for _, e := range i.Evidence {
		if _, err := schemas.ParseFileID(string(e.ID)); err != nil {
			return err
		}
		switch e.Absent {
		case "":
			if !strings.HasPrefix(e.File, evidenceFolder) {
				return errors.New("a file of evidence without a name")
			}
		case LeftOut, NotArrived, Gone, NotExchanged:
			if e.File != "" {
				return errors.New("a file of evidence that is there and is not")
			}
		default:
			return errors.New("an absence that is not in the closed set")
		}
		if err := s.known(e.File); err != nil {
			return err
		}
	}
	return nil
}

// measured is all that is known of a file of evidence: it was read once, to its end.
type measured struct {
	bytes  int64
	sha256 string
}

// measure reads a file of evidence. It is never packed, so that it cannot be larger than what holds it.
func measure(entry *zip.File, most int64) (measured, error) {
	if entry.Method != zip.Store || entry.UncompressedSize64 != entry.CompressedSize64 || entry.UncompressedSize64 > uint64(most) {
		return measured{}, fmt.Errorf("reading %s: larger than it may be", entry.Name)
	}
	file, err := entry.Open()
	if err != nil {
		return measured{}, fmt.Errorf("reading %s: damaged", entry.Name)
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return measured{}, fmt.Errorf("reading %s: damaged", entry.Name)
	}
	return measured{n, hex.EncodeToString(sum.Sum(nil))}, nil
}

// evidence holds the files of a proved message against its manifests: the same ones, in the same order, each byte for byte.
func (v *verifier) evidence(i Item, named []schemas.EvidenceFile) {
	var wanted, said []schemas.FileID
	for _, m := range named {
		wanted = append(wanted, m.ID)
	}
	for _, e := range i.Evidence {
		if said = append(said, e.ID); !slices.Contains(wanted, e.ID) {
			v.bad(EvidenceUnnamed, e.File, "%s: the message names no such file of evidence", i.what())
		}
	}
	for _, m := range named {
		at := slices.Index(said, m.ID)
		if at < 0 {
			v.bad(EvidenceMissing, i.Signed, "%s names a file %s of which the statement says nothing", i.what(), m.Name)
			continue
		}
		v.enclosed(i, m, i.Evidence[at])
	}
	if !slices.Equal(wanted, said) && slices.Equal(slices.Sorted(slices.Values(wanted)), slices.Sorted(slices.Values(said))) {
		v.bad(EvidenceReordered, i.Signed, "%s: its files of evidence stand in another order than it names them", i.what())
	}
}

// enclosed holds one file against its manifest.
func (v *verifier) enclosed(i Item, m schemas.EvidenceFile, e Enclosed) {
	if e.Absent != "" {
		v.good("", "%s: file %s of %d bytes is not here (%s); its SHA-256 is %s", i.what(), m.Name, m.Bytes, e.Absent, m.SHA256)
		return
	}
	if e.File != nameOf(i.Signed, m.Name) {
		v.bad(EvidenceRenamed, e.File, "%s: its file %s is not called so here", i.what(), m.Name)
	}
	if v.claimed[e.File] {
		v.bad(EvidenceTwice, e.File, "%s: its file %s is another one's too", i.what(), m.Name)
	}
	v.claimed[e.File] = true
	v.manifests[m.SHA256] = true
	got, there := v.unpacked.evidence[e.File]
	if !there {
		return // named as missing already
	}
	v.compared = append(v.compared, comparison{i, m, e.File, got})
}

// comparison is a file and its manifest. They are compared when all manifests are known: only then a file of another message
// is told from bytes that are nobody's.
type comparison struct {
	item     Item
	manifest schemas.EvidenceFile
	file     string
	got      measured
}

// compareEvidence gives the verdict on every file, and on those that no proved message names.
func (v *verifier) compareEvidence() {
	for _, c := range v.compared {
		m := c.manifest
		switch {
		case c.got.sha256 == m.SHA256 && c.got.bytes == m.Bytes:
			v.good(c.file, "%s: file %s, %d bytes, is the one that the signed message names", c.item.what(), m.Name, m.Bytes)
		case v.manifests[c.got.sha256]:
			v.bad(EvidenceSwapped, c.file, "%s: in the place of its file %s stands another file of the case", c.item.what(), m.Name)
		case c.got.bytes != m.Bytes:
			v.bad(EvidenceLength, c.file, "%s: its file %s has %d bytes, and the signed message says %d", c.item.what(), m.Name, c.got.bytes, m.Bytes)
		default:
			v.bad(EvidenceAltered, c.file, "%s: its file %s has other bytes than the signed message says", c.item.what(), m.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v.said.Files)) {
		if strings.HasPrefix(name, evidenceFolder) && !v.claimed[name] {
			v.bad(EvidenceUnnamed, name, "no message that is proved names this file")
		}
	}
}
