package casefile

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is one file of an archive that somebody made.
type entry struct {
	name    string
	content string
	change  func(*zip.FileHeader) // what its header says wrongly
}

// archive is whatever was put into it, in order, as any tool could write it.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	var packed bytes.Buffer
	deflate, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		packed.Reset()
		deflate.Reset(&packed)
		_, err := deflate.Write([]byte(e.content))
		if err == nil {
			err = deflate.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		h := &zip.FileHeader{
			Name: e.name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(e.content)),
			CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(len(e.content)),
		}
		if e.change != nil {
			e.change(h)
		}
		if strings.HasSuffix(e.name, "/") {
			h.CompressedSize64 = 0
			packed.Reset()
		}
		if h.Method == zip.Store && strings.HasPrefix(e.name, "evidence/") {
			packed.Reset()
			packed.WriteString(e.content)
		}
		raw, err := w.CreateRaw(h)
		if err == nil && packed.Len() > 0 {
			_, err = raw.Write(packed.Bytes())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func plain(names ...string) (entries []entry) {
	for _, name := range names {
		entries = append(entries, entry{name: name, content: "x"})
	}
	return entries
}

var zeros = strings.Repeat("\x00", 1<<20)

// stored is an archive with one file of evidence of n bytes.
func stored(t testing.TB, n int, change func(*zip.FileHeader)) []byte {
	content := strings.Repeat("e", n)
	return archive(t, entry{"statement.jws", "x", nil}, entry{"evidence/a", content, func(h *zip.FileHeader) {
		h.Method, h.CompressedSize64 = zip.Store, h.UncompressedSize64
		if change != nil {
			change(h)
		}
	}})
}

// overlapping is an archive that is small, and whose directory names the same large bytes again and again.
func overlapping(t testing.TB) []byte {
	t.Helper()
	one := storedAs(t, "evidence/a", strings.Repeat("e", 10_000))
	end := bytes.LastIndex(one, []byte("PK\x05\x06"))
	start := int(binary.LittleEndian.Uint32(one[end+16:]))
	line, tail := one[start:end], bytes.Clone(one[end:])
	file := bytes.Clone(one[:start])
	const times = 3
	for i := range times {
		again := bytes.Clone(line)
		again[46+len("evidence/")] = byte('a' + i)
		file = append(file, again...)
	}
	binary.LittleEndian.PutUint16(tail[8:], times)
	binary.LittleEndian.PutUint16(tail[10:], times)
	binary.LittleEndian.PutUint32(tail[12:], uint32(times*len(line)))
	return append(file, tail...)
}

func storedAs(t testing.TB, name, content string) []byte {
	t.Helper()
	var file bytes.Buffer
	w := zip.NewWriter(&file)
	raw, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err == nil {
		_, err = io.WriteString(raw, content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// What is no file of a case in its one form, or is beyond the bounds, is refused before any of it is looked at.
func TestArchivesThatAreRefused(t *testing.T) {
	small := bounds{files: 4, file: 1000, archive: 2500}
	thousand := strings.Repeat("a", 1000)
	good := archive(t, plain("statement.jws", "README.txt")...)
	header := func(change func(*zip.FileHeader)) []byte {
		return archive(t, entry{"statement.jws", "x", nil}, entry{"messages/0001-qm-justice-1.jws", thousand, change})
	}
	mode := func(m fs.FileMode) []byte { return header(func(h *zip.FileHeader) { h.SetMode(m) }) }
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "not a zip file"},
		{"something else", []byte("%PDF-1.7"), "not a zip file"},
		{"cut short", good[:len(good)-10], "not a zip file"},
		{"without its beginning", good[60:], "damaged"},
		{"too many files", archive(t, plain("statement.jws", "README.txt", "messages/a", "messages/b", "messages/c")...), "more than 4 files"},
		{"a file that is too large", archive(t, entry{"messages/a", thousand + "b", nil}), "messages/a: larger than it may be"},
		{"all of it too large", archive(t, entry{"messages/a", thousand, nil}, entry{"messages/b", thousand, nil}, entry{"messages/c", thousand, nil}), "messages/c: larger than it may be"},
		{"a bomb", archive(t, entry{"messages/a", zeros, nil}), "messages/a: larger than it may be"},
		{"a bomb that says it is small", archive(t, entry{"messages/a", zeros, func(h *zip.FileHeader) { h.UncompressedSize64 = 10 }}), "messages/a: "},
		{"a bomb of bombs", archive(t, entry{"messages/a", string(archive(t, entry{"messages/a", zeros, nil})), nil}), "messages/a: larger than it may be"},
		{"a name twice", archive(t, plain("statement.jws", "statement.jws")...), "stands in it twice"},
		{"a name twice but for its case", archive(t, plain("statement.jws", "Statement.jws")...), "a file whose name is none"},
		{"a path upwards", archive(t, plain("messages/../../etc/passwd")...), "a file whose name is none"},
		{"a path from the root", archive(t, plain("/etc/passwd")...), "a file whose name is none"},
		{"a path of another system", archive(t, plain(`messages\..\x`)...), "a file whose name is none"},
		{"a drive", archive(t, plain("c:/x")...), "a file whose name is none"},
		{"a folder", archive(t, entry{"messages/", "", nil}), "a file whose name is none"},
		{"a folder in a folder", archive(t, plain("messages/a/b")...), "a file whose name is none"},
		{"another folder", archive(t, plain("home/0001.jws")...), "a file whose name is none"},
		{"a hidden file", archive(t, plain("messages/.htaccess")...), "a file whose name is none"},
		{"no name", archive(t, plain("")...), "a file whose name is none"},
		{"a name with a NUL", archive(t, plain("messages/a\x00.jws")...), "a file whose name is none"},
		{"a name with a line end", archive(t, plain("messages/a\n")...), "a file whose name is none"},
		{"a name that is too long", archive(t, plain("messages/"+strings.Repeat("a", 122))...), "a file whose name is none"},
		{"a link", mode(fs.ModeSymlink | 0o777), "no plain file"},
		{"a device", mode(fs.ModeDevice | 0o600), "no plain file"},
		{"a pipe", mode(fs.ModeNamedPipe | 0o600), "no plain file"},
		{"another checksum", header(func(h *zip.FileHeader) { h.CRC32++ }), "damaged"},
		{"a way of packing that nobody has", header(func(h *zip.FileHeader) { h.Method = 99 }), "damaged"},
		{"packed otherwise than it says", header(func(h *zip.FileHeader) { h.Method = zip.Store; h.UncompressedSize64 = h.CompressedSize64 }), "damaged"},
		{"evidence that is packed", archive(t, entry{"evidence/a", zeros, nil}), "evidence/a: larger than it may be"},
		{"evidence that is longer than all of it", stored(t, 100, func(h *zip.FileHeader) { h.UncompressedSize64, h.CompressedSize64 = 1<<40, 1<<40 }), "evidence/a: larger than it may be"},
		{"evidence that is unpacked to more", stored(t, 100, func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 40 }), "evidence/a: larger than it may be"},
		{"evidence that is cut off", stored(t, 100, func(h *zip.FileHeader) { h.UncompressedSize64, h.CompressedSize64 = 101, 101 }), "damaged"},
		{"evidence in the same bytes twice", overlapping(t), "larger than it may be"},
		{"evidence in a folder of its own", archive(t, plain("evidence/a/b")...), "a file whose name is none"},
		{"shorter than it says", header(func(h *zip.FileHeader) { h.UncompressedSize64++ }), "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, err := readArchive(bytes.NewReader(c.file), int64(len(c.file)), small)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d files, %v; want %q", len(files.names()), err, c.want)
			}
			verdict := Verify(bytes.NewReader(c.file), int64(len(c.file)), nil) // the reason, with the bounds that hold
			if verdict.Defects == 0 || len(verdict.Reasons()) != 1 || verdict.Reasons()[0] != ArchiveUnreadable && verdict.Reasons()[0] != StatementUnreadable {
				t.Errorf("refused for %v", verdict.Reasons())
			}
		})
	}
	if files, err := readArchive(bytes.NewReader(good), int64(len(good)), small); err != nil || len(files.names()) != 2 {
		t.Errorf("a good one: %d files, %v", len(files.names()), err)
	}
	full := archive(t, entry{"messages/a", thousand, nil}, entry{"messages/b", thousand, nil}, entry{"messages/c", thousand[:500], nil}, entry{"README.txt", "", nil})
	if files, err := readArchive(bytes.NewReader(full), int64(len(full)), small); err != nil || len(files.names()) != 4 {
		t.Errorf("one that is as large as it may be: %d files, %v", len(files.names()), err)
	}
}

// The bounds that hold are wide enough for the largest case that can be handed out, and narrow enough for any machine.
func TestBombsAreCheap(t *testing.T) {
	if want := (bounds{files: 5*maxItems + 1000 + maxEvidence, file: 8 << 20, archive: 256 << 20}); theBounds != want {
		t.Errorf("%+v", theBounds)
	}
	bomb := archive(t, entry{"messages/a", strings.Repeat(zeros, 9), nil})
	allocated := testing.AllocsPerRun(1, func() {
		if verdict := Verify(bytes.NewReader(bomb), int64(len(bomb)), nil); !slices.Equal(verdict.Reasons(), []Reason{ArchiveUnreadable}) {
			t.Errorf("refused for %v", verdict.Reasons())
		}
	})
	if len(bomb) > 20_000 || allocated > 1000 {
		t.Errorf("%d bytes cost %v allocations", len(bomb), allocated)
	}
	var many []entry
	for i := range theBounds.files + 1 {
		many = append(many, entry{name: fmt.Sprintf("messages/%d", i)})
	}
	file := archive(t, many...)
	if _, err := readArchive(bytes.NewReader(file), int64(len(file)), theBounds); err == nil || !strings.Contains(err.Error(), "more than 36000 files") {
		t.Errorf("%d files: %v", len(many), err)
	}
}

// What is written is read again, and equal content is an equal archive.
func TestAnArchiveIsReadAsItWasWritten(t *testing.T) {
	files := map[string][]byte{"statement.jws": []byte("a"), "messages/0001-qm-justice-1.jws": []byte(zeros), "README.txt": {}}
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	large := strings.Repeat("evidence", 100_000)
	evidence := []enclosure{{"evidence/0001-qm-justice-1-evidence-1.bin", Enclosure{Bytes: int64(len(large)), Copy: func(w io.Writer) error {
		_, err := io.WriteString(w, large)
		return err
	}}}}
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := writeArchive(w, files, evidence, at); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same content made two archives")
	}
	got, err := readArchive(bytes.NewReader(first.Bytes()), int64(first.Len()), theBounds)
	if err != nil || !maps.EqualFunc(got.files, files, bytes.Equal) {
		t.Errorf("%d files, %v", len(got.names()), err)
	}
	if m := got.evidence[evidence[0].name]; m.bytes != int64(len(large)) || m.sha256 != hexOf(sha256.Sum256([]byte(large))) {
		t.Errorf("the file of evidence is %+v", m)
	}
	evidence[0].Copy = func(io.Writer) error { return errors.New("other bytes than its manifest says") }
	if err := writeArchive(io.Discard, files, evidence, at); err == nil {
		t.Error("a file of evidence that is not what it should be was packed")
	}
}

// A file of evidence of more than 4 GiB goes in and comes out, in zip64 and without being held: a disk and minutes are needed,
// so it is read where all tests are wanted.
func TestAnArchiveBeyondFourGiB(t *testing.T) {
	if os.Getenv("COMITY_FULL") == "" {
		t.Skip("COMITY_FULL is not set: 4 GiB are written")
	}
	const size = 4<<30 + 5
	file, err := os.Create(filepath.Join(t.TempDir(), "case.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	name := "evidence/0001-qm-justice-1-evidence-1.bin"
	write := func(w io.Writer) error {
		_, err := io.CopyN(w, endless{}, size)
		return err
	}
	if err := writeArchive(file, map[string][]byte{statementFile: []byte("x")}, []enclosure{{name, Enclosure{Bytes: size, Copy: write}}}, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	got, err := readArchive(file, info.Size(), theBounds)
	if err != nil || got.evidence[name].bytes != size {
		t.Errorf("%+v, %v; %d bytes went in", got.evidence[name], err, int64(size))
	}
}

// endless is zeros.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
