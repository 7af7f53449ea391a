package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"comity/schemas"
)

var made = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

func newKey(t *testing.T) *age.X25519Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// parts are a folder as the agent makes it.
func parts(t *testing.T) (dir string, content map[string]string) {
	t.Helper()
	dir = t.TempDir()
	content = map[string]string{"agent.db": "agent", "register.db": "register", "trust/trust-list.json": "{}", "trust/crl/qm.crl": "crl"}
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, content
}

func TestRoundTrip(t *testing.T) {
	dir, content := parts(t)
	key, second := newKey(t), newKey(t)
	var file bytes.Buffer
	if err := Write(&file, dir, "QM/justice", made, []age.Recipient{key.Recipient(), second.Recipient()}); err != nil {
		t.Fatal(err)
	}
	for _, k := range []*age.X25519Identity{key, second} {
		out := t.TempDir()
		m, err := Read(bytes.NewReader(file.Bytes()), out, k)
		if err != nil {
			t.Fatal(err)
		}
		if m.Authority != "QM/justice" || !m.MadeAt.Equal(made) || len(m.Parts) != len(content) || !m.Has(RegisterPart) {
			t.Errorf("manifest %+v", m)
		}
		for name, want := range content {
			if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != want {
				t.Errorf("%s is %q, %v", name, got, err)
			}
		}
	}
	if bytes.Contains(file.Bytes(), []byte("register")) {
		t.Error("the file says in the clear what is in it")
	}
}

// archive seals whatever it is given, as somebody who has the public key can.
func archive(t *testing.T, key *age.X25519Identity, manifest any, entries ...tar.Header) []byte {
	t.Helper()
	var file bytes.Buffer
	sealed, err := age.Encrypt(&file, key.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(sealed)
	if manifest != nil {
		encoded, err := schemas.Canonical(manifest)
		if err != nil {
			t.Fatal(err)
		}
		put(t, w, tar.Header{Typeflag: tar.TypeReg, Name: manifestName, Size: int64(len(encoded))}, encoded)
	}
	for _, e := range entries {
		put(t, w, e, bytes.Repeat([]byte("x"), int(e.Size)))
	}
	if err := errors.Join(w.Close(), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func put(t *testing.T, w *tar.Writer, h tar.Header, content []byte) {
	t.Helper()
	if err := w.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNoBackupIsRefused(t *testing.T) {
	key := newKey(t)
	const xxxx = "2f5e7e4ca0b1de3f4e5bb8ff1ed6ae6b2a8ed5b1c1a9c1d0a2a4f3c8cb8bdf8d" // not the hash of anything here
	good := func() Manifest {
		return Manifest{Format: format, Authority: "QM/justice", MadeAt: made, Parts: []Part{{Name: AgentPart, Bytes: 4, SHA256: xxxx}}}
	}
	named := func(name string) Manifest {
		m := good()
		m.Parts = append(m.Parts, Part{Name: name})
		return m
	}
	entry := func(name string, size int64) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size}
	}
	dir, _ := parts(t)
	var whole bytes.Buffer
	if err := Write(&whole, dir, "QM/justice", made, []age.Recipient{key.Recipient()}); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole.Bytes())
	flipped[len(flipped)-20] ^= 1
	otherFormat, nobody, without, twice := good(), good(), good(), good()
	otherFormat.Format, nobody.Authority, without.Parts = "comity backup 2", "nobody", []Part{}
	twice.Parts = append(twice.Parts, twice.Parts[0])
	for name, test := range map[string]struct {
		file []byte
		want Reason
	}{
		"for another key":                  {archive(t, newKey(t), good()), ReasonKey},
		"no age file":                      {[]byte("not age"), ReasonMalformed},
		"cut off":                          {whole.Bytes()[:whole.Len()-30], ReasonMalformed},
		"a changed byte":                   {flipped, ReasonMalformed},
		"no manifest":                      {archive(t, key, nil, entry(AgentPart, 4)), ReasonMalformed},
		"no archive":                       {archive(t, key, nil), ReasonMalformed},
		"a manifest of another version":    {archive(t, key, otherFormat), ReasonFormat},
		"a manifest with an unknown name":  {archive(t, key, map[string]any{"format": format, "more": 1}), ReasonMalformed},
		"of nobody":                        {archive(t, key, nobody), ReasonMalformed},
		"without the agent's database":     {archive(t, key, without), ReasonPart},
		"a part named twice":               {archive(t, key, twice), ReasonMalformed},
		"a part that leads out":            {archive(t, key, named("trust/../../x")), ReasonMalformed},
		"a part with an absolute name":     {archive(t, key, named("/etc/x")), ReasonMalformed},
		"a hidden part":                    {archive(t, key, named("trust/.x")), ReasonMalformed},
		"a key":                            {archive(t, key, named("register.key")), ReasonMalformed},
		"a part that is missing":           {archive(t, key, good()), ReasonMalformed},
		"a part of another length":         {archive(t, key, good(), entry(AgentPart, 5)), ReasonPart},
		"a part of another name":           {archive(t, key, good(), entry(RegisterPart, 4)), ReasonPart},
		"a part with other bytes":          {archive(t, key, good(), entry(AgentPart, 4)), ReasonPart},
		"a link in place of a part":        {archive(t, key, good(), tar.Header{Typeflag: tar.TypeSymlink, Name: AgentPart, Linkname: "/etc/passwd"}), ReasonPart},
		"more than the manifest speaks of": {moreThanNamed(t, key), ReasonPart},
	} {
		if _, err := Read(bytes.NewReader(test.file), t.TempDir(), key); ReasonOf(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func moreThanNamed(t *testing.T, key *age.X25519Identity) []byte {
	t.Helper()
	m := Manifest{Format: format, Authority: "QM/justice", MadeAt: made, Parts: []Part{
		{Name: AgentPart, Bytes: 1, SHA256: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}, // of "x"
	}}
	return archive(t, key, m, tar.Header{Typeflag: tar.TypeReg, Name: AgentPart, Size: 1}, tar.Header{Typeflag: tar.TypeReg, Name: "more", Size: 1})
}

func TestAFailedWriteIsAnError(t *testing.T) {
	dir, _ := parts(t)
	if err := Write(io.Discard, dir, "QM/justice", made, nil); err == nil {
		t.Error("a backup that nobody can open was made")
	}
	if err := os.WriteFile(filepath.Join(dir, "register.key"), []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(io.Discard, dir, "QM/justice", made, []age.Recipient{newKey(t).Recipient()}); ReasonOf(err) != ReasonMalformed {
		t.Errorf("a key went into a backup: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("age-encryption.org/v1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		key, err := age.ParseX25519Identity("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(bytes.NewReader(file), t.TempDir(), key); err == nil {
			t.Error("a file that nobody sealed was read")
		}
	})
}
