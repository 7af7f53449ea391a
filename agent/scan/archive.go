package scan

import (
	"archive/zip"
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"
)

// zip reads an archive, and the office formats that are archives.
func (x *reader) zip(content []byte, depth int) {
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		x.miss(Broken)
		return
	}
	if x.entries += len(archive.File); x.entries > maxEntries {
		x.miss(TooMuch)
		return
	}
	if !contiguous(archive, content) {
		x.miss(Polyglot)
	}
	x.note(archive.Comment)
	office := officeKind(archive)
	for _, f := range archive.File {
		x.entry(f, office, depth)
	}
}

// contiguous reports whether the entries follow each other and nothing lies between them that the directory does not name.
func contiguous(archive *zip.Reader, content []byte) bool {
	const slack = 4096 // a header, a name and what tools add
	type extent struct{ from, to int64 }
	var extents []extent
	names := map[string]bool{}
	for _, f := range archive.File {
		from, err := f.DataOffset()
		if err != nil || names[f.Name] {
			return false
		}
		names[f.Name] = true
		extents = append(extents, extent{from, from + int64(f.CompressedSize64)})
	}
	slices.SortFunc(extents, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	at := int64(0)
	for _, e := range extents {
		if e.from < at || e.from-at > slack {
			return false
		}
		at = e.to
	}
	directory := int64(bytes.LastIndex(content, []byte("PK\x05\x06")))
	end := directory + 22 + int64(len(archive.Comment))
	return directory >= at && end == int64(len(content)) && directory-at <= int64(len(archive.File)+1)*slack
}

// officeKind is what kind of document an archive is: "word", "xl", "ppt", "odf", or "" for a plain archive.
func officeKind(archive *zip.Reader) string {
	for _, f := range archive.File {
		if f.Name == "mimetype" {
			return "odf"
		}
	}
	for _, f := range archive.File {
		if f.Name != "[Content_Types].xml" {
			continue
		}
		for _, g := range archive.File {
			if top, _, inFolder := strings.Cut(g.Name, "/"); inFolder && (top == "word" || top == "xl" || top == "ppt") {
				return top
			}
		}
		return "ooxml"
	}
	return ""
}

// entry reads one file of an archive.
func (x *reader) entry(f *zip.File, office string, depth int) {
	if strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 == 0 {
		x.note(f.Name)
		return
	}
	if f.Flags&1 != 0 {
		x.miss(Encrypted)
		return
	}
	if carriesCode(f.Name) {
		x.miss(Macros)
		return
	}
	x.note(f.Comment)
	r, err := f.Open()
	if err != nil {
		x.miss(Broken)
		return
	}
	defer r.Close()
	content, err := x.take(r)
	if err != nil {
		x.fail(err)
		return
	}
	ending := strings.ToLower(path.Ext(f.Name))
	switch {
	case len(content) == 0:
		x.note(f.Name)
	case office == "":
		x.file(f.Name, "", content, depth+1)
	case ending == ".xml" || ending == ".rels" || ending == ".rdf" || ending == ".vml":
		if office == "odf" && f.Name == "META-INF/manifest.xml" && bytes.Contains(content, []byte("encryption-data")) {
			x.miss(Encrypted)
		}
		x.xml(content, f.Name)
	case f.Name == "mimetype":
		x.note(string(content))
	default:
		x.file(path.Base(f.Name), "", content, depth+1)
	}
}

// carriesCode reports parts of office documents that run.
func carriesCode(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "vbaproject") || strings.Contains(name, "/macrosheets/") || strings.Contains(name, "/activex/") ||
		strings.HasPrefix(name, "basic/") || strings.HasPrefix(name, "scripts/") || strings.Contains(name, "/customui/") || strings.HasSuffix(name, ".bin") && strings.Contains(name, "/activex")
}
