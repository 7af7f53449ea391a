package casefile

import (
	"bytes"
	"maps"
	"testing"
	"time"
)

// FuzzArchive gives the reader of archives whatever comes: it refuses it, or reads plain files of our names within the bounds, and
// what it read is the same when it is written and read again. Verifying it ends with a verdict.
func FuzzArchive(f *testing.F) {
	file, pin := kept(f)
	f.Add(file)
	f.Add(file[len(file)/2:])
	f.Add(archive(f, plain("statement.jws", "README.txt")...))
	f.Add(archive(f, entry{"messages/0001-qm-justice-1.jws", "x", nil}, entry{"messages/../x", "x", nil}))
	f.Add(stored(f, 50, nil))
	f.Add([]byte("PK\x05\x06" + string(make([]byte, 18))))
	b := bounds{files: 100, file: 1 << 20, archive: 2 << 20}
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := readArchive(bytes.NewReader(data), int64(len(data)), b)
		if err == nil {
			if all := int64(0); len(files.evidence) > 0 {
				for _, m := range files.evidence {
					all += m.bytes
				}
				if all > int64(len(data)) {
					t.Fatalf("%d bytes of evidence in an archive of %d", all, len(data))
				}
			}
			readsAgain(t, files.files, b)
		}
		if verdict := Verify(bytes.NewReader(data), int64(len(data)), &pin); verdict.Defects == 0 && !bytes.Equal(data, file) {
			same, err := readArchive(bytes.NewReader(file), int64(len(file)), theBounds)
			if err != nil || !maps.EqualFunc(files.files, same.files, bytes.Equal) || !maps.Equal(files.evidence, same.evidence) {
				t.Fatal("a file of a case that nobody made is proved")
			}
		}
	})
}

func readsAgain(t *testing.T, files map[string][]byte, b bounds) {
	t.Helper()
	total := int64(0)
	for name, content := range files {
		total += int64(len(content))
		if name != statementFile && !nameForm.MatchString(name) || int64(len(content)) > b.file {
			t.Fatalf("read %q with %d bytes", name, len(content))
		}
	}
	if len(files) > b.files || total > b.archive {
		t.Fatalf("read %d files with %d bytes", len(files), total)
	}
	var again bytes.Buffer
	if err := writeArchive(&again, files, nil, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	got, err := readArchive(bytes.NewReader(again.Bytes()), int64(again.Len()), b)
	if err != nil || !maps.EqualFunc(got.files, files, bytes.Equal) {
		t.Fatalf("written and read again: %v", err)
	}
}

// FuzzFile puts anything in the place of one file of a good archive: there is a verdict, and it is good for the very bytes alone.
func FuzzFile(f *testing.F) {
	file, pin := kept(f)
	good, err := readArchive(bytes.NewReader(file), int64(len(file)), theBounds)
	if err != nil {
		f.Fatal(err)
	}
	names := good.names()
	for i := 0; i < len(names); i += 4 { // some of each folder
		f.Add(uint8(i), good.files[names[i]])
		f.Add(uint8(i), good.files[names[(i+1)%len(names)]])
	}
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		name := names[int(which)%len(names)]
		changed := unpacked{maps.Clone(good.files), good.evidence}
		changed.files[name] = content
		verdict := verifyFiles(changed, &pin)
		if same := bytes.Equal(content, good.files[name]); same != (verdict.Defects == 0) {
			t.Fatalf("%s: the same bytes %v, refused for %v", name, same, verdict.Reasons())
		}
	})
}
