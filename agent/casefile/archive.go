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
	"time"
)

// bounds are what is read of a file of a case at most.
type bounds struct {
	files   int
	file    int64 // bytes of one file in it, unpacked: an envelope, a trust list
	archive int64 // bytes of all of it, unpacked
}

var theBounds = bounds{files: 5*maxItems + 1000, file: 8 << 20, archive: 256 << 20}

// nameForm is what a file in the archive may be called. There are no paths to follow.
var nameForm = regexp.MustCompile(`^((messages|envelopes|acceptances|receipts|journal|trust|certificates)/[a-z0-9][a-z0-9.-]{0,120}|README\.txt)$`)

// writeArchive writes files by name, all with one time, so that equal content is an equal archive.
func writeArchive(w io.Writer, files map[string][]byte, at time.Time) error {
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
	return archive.Close()
}

// readArchive reads all files within the bounds. A name that comes twice, or is no name of ours, refuses the archive: two
// tools could read two files. So does what is no plain file: another tool could follow a link.
func readArchive(r io.ReaderAt, size int64, b bounds) (map[string][]byte, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("not a zip file")
	}
	if len(archive.File) > b.files {
		return nil, fmt.Errorf("more than %d files", b.files)
	}
	files, left := map[string][]byte{}, b.archive
	for _, entry := range archive.File {
		if _, twice := files[entry.Name]; twice {
			return nil, errors.New("a file stands in it twice")
		}
		if entry.Name != statementFile && !nameForm.MatchString(entry.Name) {
			return nil, errors.New("a file whose name is none that such a file has")
		}
		if !entry.Mode().IsRegular() {
			return nil, errors.New("something that is no plain file")
		}
		content, err := readEntry(entry, min(left, b.file))
		if err != nil {
			return nil, err
		}
		files[entry.Name], left = content, left-int64(len(content))
	}
	return files, nil
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
