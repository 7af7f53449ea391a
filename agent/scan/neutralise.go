package scan

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Neutral is an attachment as it may be attached, beside what it was.
type Neutral struct {
	File
	Before, After [sha256.Size]byte
	// Changed: metadata was taken out. The officer is shown that, and approves the changed file.
	Changed bool
}

// ErrNotStripped means that the metadata of this kind of file cannot be taken out: the file stays as it is, and what the
// scanner finds in it holds or blocks.
var ErrNotStripped = errors.New("metadata of this kind of file cannot be taken out")

// Neutralise gives the n-th attachment of a message a name that says nothing and takes out its metadata: author, title, times,
// thumbnails. It is done when the file is attached, before approval. An original, certified or evidential, is never
// altered: it keeps every byte.
//
// It does not make a file clean: the file as it was must be scanned first, since a hit in metadata counts even if the metadata
// is taken out.
func Neutralise(f File, n int, original bool) (out Neutral, err error) {
	out = Neutral{File: f, Before: sha256.Sum256(f.Content), After: sha256.Sum256(f.Content)}
	defer func() {
		if p := recover(); p != nil { // what a panic says may quote the file
			out.Content, out.After, out.Changed = f.Content, out.Before, false
			err = fmt.Errorf("taking out metadata: a writer failed (%T)", p)
		}
	}()
	out.Name = neutralName(f, n)
	if !original {
		out.Content, err = stripped(f.Content)
	}
	out.After = sha256.Sum256(out.Content)
	out.Changed = out.After != out.Before
	return out, err
}

// neutralName keeps nothing of a name but an ending that fits the content: from a closed list, since what follows the last
// point of a name may be anything, the name of a person too.
func neutralName(f File, n int) string {
	kind := kindOf(f.Content)
	ending := strings.ToLower(path.Ext(strings.TrimSpace(f.Name)))
	if !slices.Contains(endings[kind], ending) {
		ending = ""
		if known := endings[kind]; len(known) > 0 && kind != zipKind && kind != pictureKind {
			ending = known[0]
		}
	}
	return fmt.Sprintf("attachment-%d%s", n, ending)
}

func stripped(content []byte) ([]byte, error) {
	switch kindOf(content) {
	case textKind:
		return content, nil
	case zipKind:
		return strippedOffice(content)
	case pictureKind:
		return strippedPicture(content)
	}
	return content, ErrNotStripped
}

// emptied are the parts of office documents that hold metadata, with what is left of them.
var emptied = map[string]string{
	"docProps/core.xml": `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>`,
	"docProps/app.xml": `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"/>`,
	"docProps/custom.xml": `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"/>`,
	"meta.xml": `<?xml version="1.0" encoding="UTF-8"?>
<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="1.3"><office:meta/></office:document-meta>`,
}

// manifestEntry is the line of an OpenDocument manifest for a part that is left out.
var manifestEntry = regexp.MustCompile(`<manifest:file-entry\b[^>]*manifest:full-path="(?i:Thumbnails/[^"]*|layout-cache)"[^>]*/>`)

// onePixel is what is left of a thumbnail.
const onePixel = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82"

// strippedOffice writes an office document anew without its metadata and without the times of its entries. A plain archive
// stays as it is: its files are attached one by one.
func strippedOffice(content []byte) ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return content, fmt.Errorf("taking out metadata: %w", err)
	}
	if officeKind(archive) == "" || len(archive.File) > maxEntries {
		return content, ErrNotStripped
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	x := newReader(len(content))
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			return content, fmt.Errorf("taking out metadata: %w", err)
		}
		data, err := x.take(r)
		r.Close()
		if err != nil {
			return content, fmt.Errorf("taking out metadata: %w", err)
		}
		if empty, is := emptied[f.Name]; is {
			data = []byte(empty)
		}
		name := strings.ToLower(f.Name)
		switch {
		case strings.HasPrefix(name, "thumbnails/"), name == "layout-cache":
			continue // of OpenDocument, which does without
		case name == "meta-inf/manifest.xml":
			data = manifestEntry.ReplaceAll(data, nil)
		case strings.HasPrefix(name, "docprops/thumbnail"):
			data = []byte(onePixel)
		case strings.HasPrefix(name, "xl/printersettings/"):
			data = nil
		}
		entry, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: f.Method})
		if err != nil {
			return content, fmt.Errorf("taking out metadata: %w", err)
		}
		if _, err := entry.Write(data); err != nil {
			return content, fmt.Errorf("taking out metadata: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return content, fmt.Errorf("taking out metadata: %w", err)
	}
	return out.Bytes(), nil
}

// strippedPicture takes the segments and chunks out of JPEG and PNG that hold anything but the picture.
func strippedPicture(content []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xd8")):
		return strippedJPEG(content)
	case bytes.HasPrefix(content, []byte("\x89PNG")):
		return strippedPNG(content)
	}
	return content, ErrNotStripped
}

func strippedJPEG(content []byte) ([]byte, error) {
	out := append([]byte(nil), content[:2]...)
	for i := 2; i+4 <= len(content); {
		if content[i] != 0xFF {
			return content, ErrNotStripped
		}
		marker := content[i+1]
		length := 2 + int(binary.BigEndian.Uint16(content[i+2:]))
		if i+length > len(content) {
			return content, ErrNotStripped
		}
		if marker == 0xDA { // the picture itself, until the mark of its end
			end := bytes.LastIndex(content, []byte("\xff\xd9"))
			if end < i {
				return content, ErrNotStripped
			}
			return append(out, content[i:end+2]...), nil
		}
		// APP1 to APP15 but for APP14, which says how colours are coded, and comments.
		if !(marker >= 0xE1 && marker <= 0xEF && marker != 0xEE || marker == 0xFE) {
			out = append(out, content[i:i+length]...)
		}
		i += length
	}
	return content, ErrNotStripped
}

func strippedPNG(content []byte) ([]byte, error) {
	out := append([]byte(nil), content[:8]...)
	for i := 8; i+12 <= len(content); {
		length := 12 + int(binary.BigEndian.Uint32(content[i:]))
		if length < 12 || i+length > len(content) {
			return content, ErrNotStripped
		}
		switch kind := string(content[i+4 : i+8]); kind {
		case "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "sBIT", "bKGD":
			out = append(out, content[i:i+length]...)
			if kind == "IEND" {
				return out, nil
			}
		}
		i += length
	}
	return content, ErrNotStripped
}
