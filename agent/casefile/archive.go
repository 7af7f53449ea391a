package casefile

import (
	"archive/zip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// bounds are what is read of a file of a case at most.
type bounds struct {
	files   int
	file    int64 // bytes of one file in it, unpacked: an envelope, a trust list
	archive int64 // bytes of all of it, unpacked, without files of evidence
}

var theBounds = bounds{files: 5*maxItems + 1000 + maxEvidence, file: 8 << 20, archive: 256 << 20}

// nameForm is what a file in the archive may be called. There are no paths to follow.
var nameForm = regexp.MustCompile(`^((messages|envelopes|acceptances|receipts|journal|trust|certificates)/[a-z0-9][a-z0-9.-]{0,120}|evidence/[a-z0-9][a-z0-9.-]{0,200}|README\.txt)$`)

// unpacked is an archive that was read: small files whole, and of files of evidence what they measure.
type unpacked struct {
	files    map[string][]byte
	evidence map[string]measured
}

// hash is the SHA-256 of a file, in hexadecimal.
func (u unpacked) hash(name string) (string, bool) {
	if m, ok := u.evidence[name]; ok {
		return m.sha256, true
	}
	content, ok := u.files[name]
	if !ok {
		return "", false
	}
	return hexOf(sha256.Sum256(content)), true
}

func (u unpacked) has(name string) bool {
	_, small := u.files[name]
	_, large := u.evidence[name]
	return small || large
}

// names are those of all files, sorted.
func (u unpacked) names() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range u.files {
			if !yield(name) {
				return
			}
		}
		for name := range u.evidence {
			if !yield(name) {
				return
			}
		}
	})
}

// writeArchive writes files by name, all with one time, so that equal content is an equal archive. Files of evidence come last,
// unpacked; the format changes to zip64 by itself where they are large.
func writeArchive(w io.Writer, files map[string][]byte, evidence []enclosure, at time.Time) error {
	archive := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at.UTC()})
		if err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
		if _, err := file.Write(files[name]); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	for _, e := range evidence {
		file, err := archive.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Store, Modified: at.UTC()})
		if err != nil {
			return fmt.Errorf("writing %s: %w", e.name, err)
		}
		if err := e.Copy(file); err != nil {
			return fmt.Errorf("writing %s: %w", e.name, err)
		}
	}
	return archive.Close()
}

// readArchive reads all files within the bounds. A name that comes twice, or is no name of ours, refuses the archive: two
// tools could read two files. So does what is no plain file: another tool could follow a link.
//
// Files of evidence have no bound but the archive itself: none is packed, and together they are no longer than it is, so that
// reading them costs no more than reading it once.
func readArchive(r io.ReaderAt, size int64, b bounds) (unpacked, error) {
	all := unpacked{map[string][]byte{}, map[string]measured{}}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return unpacked{}, errors.New("not a zip file")
	}
	if len(archive.File) > b.files {
		return unpacked{}, fmt.Errorf("more than %d files", b.files)
	}
	left, evidence := b.archive, size
	for _, entry := range archive.File {
		if all.has(entry.Name) {
			return unpacked{}, errors.New("a file stands in it twice")
		}
		if entry.Name != statementFile && !nameForm.MatchString(entry.Name) {
			return unpacked{}, errors.New("a file whose name is none that such a file has")
		}
		if !entry.Mode().IsRegular() {
			return unpacked{}, errors.New("something that is no plain file")
		}
		if strings.HasPrefix(entry.Name, evidenceFolder) {
			m, err := measure(entry, evidence)
			if err != nil {
				return unpacked{}, err
			}
			all.evidence[entry.Name], evidence = m, evidence-m.bytes
			continue
		}
		content, err := readEntry(entry, min(left, b.file))
		if err != nil {
			return unpacked{}, err
		}
		all.files[entry.Name], left = content, left-int64(len(content))
	}
	return all, nil
}

func readEntry(entry *zip.File, most int64) ([]byte, error) {
	file, err := entry.Open()
	if err != nil {
		return nil, fmt.Errorf("reading %s: damaged", entry.Name)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: damaged", entry.Name)
	case int64(len(content)) > most:
		return nil, fmt.Errorf("reading %s: larger than it may be", entry.Name)
	}
	return content, nil
}

// hashes is the list of files of a statement.
func hashes(files map[string][]byte) map[string]string {
	list := make(map[string]string, len(files))
	for name, content := range files {
		list[name] = hexOf(sha256.Sum256(content))
	}
	return list
}
