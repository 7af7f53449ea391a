package scan

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// fileKind is what a file is by its first bytes. Only kinds that a reader exists for have a name here.
type fileKind string

const (
	unknownKind fileKind = ""
	textKind    fileKind = "text"
	htmlKind    fileKind = "html"
	rtfKind     fileKind = "rtf"
	mailKind    fileKind = "mail"
	pdfKind     fileKind = "pdf"
	zipKind     fileKind = "zip" // DOCX, XLSX, PPTX, ODT, ODS, ODP and plain archives: told apart by what is in it
	pictureKind fileKind = "picture"
)

// endings are the endings of file names that a kind may have. A name without an ending claims nothing.
var endings = map[fileKind][]string{
	textKind:    {".txt", ".text", ".md", ".csv", ".tsv", ".log", ".json", ".jsonl", ".xml", ".ics", ".vcf"},
	htmlKind:    {".html", ".htm", ".xhtml"},
	rtfKind:     {".rtf"},
	mailKind:    {".eml"},
	pdfKind:     {".pdf"},
	zipKind:     {".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp"},
	pictureKind: {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp", ".bmp"},
}

// claims are the beginnings of media types that a kind may be sent under.
var claims = map[fileKind][]string{
	textKind:    {"text/", "application/json", "application/xml"},
	htmlKind:    {"text/html", "application/xhtml"},
	rtfKind:     {"application/rtf", "text/rtf"},
	mailKind:    {"message/rfc822"},
	pdfKind:     {"application/pdf"},
	zipKind:     {"application/zip", "application/x-zip", "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."},
	pictureKind: {"image/"},
}

var pictureBeginnings = []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "II*\x00", "MM\x00*", "GIF87a", "GIF89a", "BM"}

// kindOf tells a file by its first bytes.
func kindOf(content []byte) fileKind {
	starts := func(s string) bool { return bytes.HasPrefix(content, []byte(s)) }
	switch {
	case len(content) == 0:
		return textKind
	case starts("%PDF-"):
		return pdfKind
	case starts("PK\x03\x04"):
		return zipKind
	case starts(`{\rtf`):
		return rtfKind
	case slices.ContainsFunc(pictureBeginnings, starts) && bytes.IndexByte(content[:min(len(content), 4096)], 0) >= 0:
		return pictureKind
	case starts("RIFF") && len(content) > 12 && string(content[8:12]) == "WEBP":
		return pictureKind
	}
	text, ok := asText(content)
	switch {
	case !ok:
		return unknownKind
	case looksLikeHTML(text):
		return htmlKind
	case looksLikeMail(text):
		return mailKind
	}
	return textKind
}

// asText reads UTF-8, and UTF-16 that says so. Text has no null characters.
func asText(content []byte) (string, bool) {
	switch {
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}) && len(content)%2 == 0:
		content = []byte(fromUTF16(content, littleEndian))
	case bytes.HasPrefix(content, []byte{0xFE, 0xFF}) && len(content)%2 == 0:
		content = []byte(fromUTF16(content, bigEndian))
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) || bytes.ContainsFunc(content, binaryRune) {
		return "", false
	}
	return string(content), true
}

// binaryRune reports control characters that stand in no text.
func binaryRune(r rune) bool {
	return r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != '\v' && r != 0x1B || r == 0xFFFE || r == 0xFFFF
}

func looksLikeHTML(text string) bool {
	head := strings.ToLower(strings.TrimSpace(text[:min(len(text), 1024)]))
	for _, start := range []string{"<!doctype html", "<html", "<head", "<body", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!doctype html", "<!--"} {
		if strings.HasPrefix(head, start) {
			return true
		}
	}
	return strings.Contains(head, "<html")
}

// looksLikeMail reports a head of mail: lines of names and values, two of them well known.
func looksLikeMail(text string) bool {
	known := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		name, _, found := strings.Cut(line, ":")
		if !found || strings.ContainsAny(name, " \t") {
			return false
		}
		switch strings.ToLower(name) {
		case "from", "to", "received", "mime-version", "message-id", "return-path", "delivered-to", "content-type", "date", "subject":
			known++
		}
	}
	return known >= 3
}

// mismatched reports a name or a media type that claims another kind than the file is.
func mismatched(k fileKind, name, mediaType string) bool {
	ending := strings.ToLower(path.Ext(strings.TrimSpace(name)))
	if ending != "" && len(ending) <= 6 && !slices.Contains(endings[k], ending) && !numbered(ending) {
		return true
	}
	claim, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(mediaType)), ";")
	if claim == "" || claim == "application/octet-stream" {
		return false
	}
	return !slices.ContainsFunc(claims[k], func(c string) bool { return strings.HasPrefix(claim, c) })
}

// alsoAnother reports content that a reader of another kind takes for its own: PDF is looked for in the first kilobyte, and
// an archive from its end.
func alsoAnother(k fileKind, content []byte) bool {
	return k != pdfKind && bytes.Contains(content[:min(len(content), 1024)], []byte("%PDF-")) ||
		k != zipKind && bytes.Contains(content, []byte("PK\x05\x06"))
}

// numbered reports what only looks like an ending: "letter no. 4".
func numbered(ending string) bool {
	return strings.TrimLeft(ending[1:], "0123456789 -_") == ""
}
