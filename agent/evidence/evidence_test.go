package evidence

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"filippo.io/age"

	"comity/schemas"
)

const (
	qm = schemas.AuthorityID("QM/justice")
	qn = schemas.AuthorityID("QN/justice")
)

// key is a desk's: the recipient that others encrypt to, and the identity that opens.
func key(t testing.TB) (age.Recipient, age.Identity) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	to, err := ForCertificate(&x509.Certificate{PublicKey: &private.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	exchange, err := private.ECDH()
	if err != nil {
		t.Fatal(err)
	}
	return to, OfKey(exchange)
}

func spool(t testing.TB, change ...func(*Config)) *Spool {
	t.Helper()
	c := Config{Dir: t.TempDir(), Reserve: 1}
	for _, ch := range change {
		ch(&c)
	}
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// content is n bytes that are the same for the same seed.
func content(seed uint64, n int) []byte {
	b := make([]byte, n)
	mathrand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// add puts a file into a spool and returns its manifest.
func add(t testing.TB, s *Spool, b []byte, to ...age.Recipient) schemas.EvidenceFile {
	t.Helper()
	f := schemas.EvidenceFile{ID: schemas.NewFileID(), Name: "evidence-1.bin", MediaType: "application/octet-stream", SHA256: sum(b), Bytes: int64(len(b))}
	var err error
	if f.Sealed, err = s.Add(t.Context(), f.ID, bytes.NewReader(b), Announced{Bytes: f.Bytes, SHA256: f.SHA256}, to...); err != nil {
		t.Fatal(err)
	}
	return f
}

// chunks are all chunks of a file, as they travel.
func chunks(t testing.TB, s *Spool, f schemas.EvidenceFile) (wires [][]byte) {
	t.Helper()
	out, err := s.Send(f.ID, f.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	for i := range f.Sealed.Chunks() {
		wire, err := out.Chunk(nil, schemas.ChunkRoute{From: qm, To: qn, Channel: schemas.ChannelMLA, File: f.ID, Index: uint32(i)})
		if err != nil {
			t.Fatal(err)
		}
		wires = append(wires, wire)
	}
	return wires
}

func put(t testing.TB, in *Incoming, wire []byte) (bool, error) {
	t.Helper()
	r, body, err := schemas.DecodeChunk(wire)
	if err != nil {
		t.Fatal(err)
	}
	return in.Put(r, body)
}

// TestAnySizeAndAnyOrder: files around every boundary arrive whole, whatever the order, through a close in the middle.
func TestAnySizeAndAnyOrder(t *testing.T) {
	to, identity := key(t)
	own, _ := key(t)
	for _, size := range []int{1, 4096, 4097, 65536, schemas.ChunkBytes - 40, schemas.ChunkBytes, schemas.ChunkBytes + 1, 5*schemas.ChunkBytes + 17} {
		from, at := spool(t), spool(t)
		b := content(uint64(size), size)
		f := add(t, from, b, to, own)
		if f.Sealed.Bytes > MostSealed(f.Bytes) {
			t.Errorf("%d bytes: sealed to %d, more than the %d that a manifest may claim", size, f.Sealed.Bytes, MostSealed(f.Bytes))
		}
		wires := chunks(t, from, f)
		order := mathrand.New(mathrand.NewPCG(1, uint64(size))).Perm(len(wires))
		in, err := at.Receive(qm, f)
		if err != nil {
			t.Fatal(err)
		}
		for n, i := range order {
			if n == len(order)/2 {
				if err := in.Close(); err != nil {
					t.Fatal(err)
				}
				if in, err = at.Receive(qm, f); err != nil {
					t.Fatal(err)
				}
				if have, _ := in.Progress(); have != int64(n) {
					t.Errorf("%d bytes: %d chunks after %d were kept", size, have, n)
				}
				if n > 0 && ReasonOf(in.Whole(t.Context(), at.With(identity), f)) != NotWhole {
					t.Errorf("%d bytes: opened before it was whole", size)
				}
			}
			if isNew, err := put(t, in, wires[i]); err != nil || !isNew {
				t.Fatalf("%d bytes, chunk %d: new %v, %v", size, i, isNew, err)
			}
			if isNew, err := put(t, in, wires[i]); err != nil || isNew {
				t.Errorf("%d bytes, chunk %d again: new %v, %v", size, i, isNew, err)
			}
		}
		if len(in.Missing(10)) != 0 {
			t.Errorf("%d bytes: misses %v", size, in.Missing(10))
		}
		if err := in.Whole(t.Context(), at.With(identity), f); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		var got bytes.Buffer
		if err := at.With(identity).Received(t.Context(), qm, f, &got); err != nil || !bytes.Equal(got.Bytes(), b) {
			t.Errorf("%d bytes: content differs, %v", size, err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestWrongChunksAreNamed: what is not the manifest's chunk is refused by its name, and leaves what is kept as it was.
func TestWrongChunksAreNamed(t *testing.T) {
	to, identity := key(t)
	from, at := spool(t), spool(t)
	b := content(7, 6*schemas.ChunkBytes)
	f, other := add(t, from, b, to), add(t, from, content(8, 6*schemas.ChunkBytes), to)
	wires, others := chunks(t, from, f), chunks(t, from, other)
	take := func(wire []byte) (schemas.ChunkRoute, []byte) {
		r, body, err := schemas.DecodeChunk(slices.Clone(wire))
		if err != nil {
			t.Fatal(err)
		}
		return r, body
	}
	in, err := at.Receive(qm, f)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := put(t, in, wires[0]); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		wrong func() (schemas.ChunkRoute, []byte)
		want  Reason
	}{
		{"corrupted: one bit", func() (schemas.ChunkRoute, []byte) { r, body := take(wires[2]); body[1000] ^= 4; return r, body }, Altered},
		{"corrupted proof", func() (schemas.ChunkRoute, []byte) { r, body := take(wires[2]); r.Proof[5] ^= 1; return r, body }, Altered},
		{"no proof", func() (schemas.ChunkRoute, []byte) { r, body := take(wires[2]); r.Proof = nil; return r, body }, Altered},
		{"swapped with one that is here", func() (schemas.ChunkRoute, []byte) {
			r, _ := take(wires[2])
			_, body := take(wires[0])
			return r, body
		}, Misplaced},
		{"reordered: another's place", func() (schemas.ChunkRoute, []byte) { r, body := take(wires[2]); r.Index = 4; return r, body }, Misplaced},
		{"beyond the end", func() (schemas.ChunkRoute, []byte) { r, body := take(wires[2]); r.Index = 1 << 30; return r, body }, Misplaced},
		{"truncated", func() (schemas.ChunkRoute, []byte) { r, body := take(wires[2]); return r, body[:len(body)-1] }, Truncated},
		{"the last one cut to nothing but a byte", func() (schemas.ChunkRoute, []byte) {
			r, body := take(wires[len(wires)-1])
			return r, body[:1]
		}, Truncated},
		{"foreign: another file's, under this file's name", func() (schemas.ChunkRoute, []byte) {
			r, body := take(others[2])
			r.File = f.ID
			return r, body
		}, Altered},
	} {
		r, body := test.wrong()
		isNew, err := in.Put(r, body)
		if ReasonOf(err) != test.want || isNew {
			t.Errorf("%s: got %v (new %v), want %s", test.name, err, isNew, test.want)
		}
		t.Logf("%-50s refused: %s", test.name, ReasonOf(err))
	}
	if have, _ := in.Progress(); have != 1 {
		t.Errorf("%d chunks kept, want the one good one", have)
	}
	for _, wire := range wires[1:] {
		if _, err := put(t, in, wire); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Whole(t.Context(), at.With(identity), f); err != nil {
		t.Error(err)
	}
}

// TestLiarsAndDisks: a manifest that says of the content what it is not is the sender's doing; a disk that loses what was
// verified is ours, and everything is asked for again.
func TestLiarsAndDisks(t *testing.T) {
	to, identity := key(t)
	stranger, _ := key(t)
	receive := func(f schemas.EvidenceFile, wires [][]byte) (*Incoming, *Spool) {
		at := spool(t)
		in, err := at.Receive(qm, f)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { in.Close() })
		for _, wire := range wires {
			if _, err := put(t, in, wire); err != nil {
				t.Fatal(err)
			}
		}
		return in, at
	}
	from := spool(t)
	f := add(t, from, content(1, 2*schemas.ChunkBytes), to)
	wires := chunks(t, from, f)
	lie := f
	lie.SHA256 = sum([]byte("another"))
	in, at := receive(lie, wires)
	if err := in.Whole(t.Context(), at.With(identity), lie); ReasonOf(err) != OtherFile {
		t.Errorf("another SHA-256 than the content: %v", err)
	}
	lie = f
	lie.Bytes--
	in, at = receive(lie, wires)
	if err := in.Whole(t.Context(), at.With(identity), lie); ReasonOf(err) != OtherFile {
		t.Errorf("another size than the content: %v", err)
	}
	closed := add(t, from, content(2, 100), stranger)
	in, at = receive(closed, chunks(t, from, closed))
	if err := in.Whole(t.Context(), at.With(identity), closed); ReasonOf(err) != OtherFile {
		t.Errorf("sealed for somebody else: %v", err)
	}
	in, at = receive(f, wires)
	damage, err := os.OpenFile(at.received(qm, f.ID), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := damage.WriteAt([]byte{1, 2, 3}, schemas.ChunkBytes); err != nil {
		t.Fatal(err)
	}
	damage.Close()
	if err := in.Whole(t.Context(), at.With(identity), f); ReasonOf(err) != Damaged {
		t.Errorf("a damaged disk: %v", err)
	}
	if have, _ := in.Progress(); have != 0 {
		t.Errorf("%d chunks are still believed after the disk lost one", have)
	}
	for _, sealed := range []schemas.SealedFile{{Bytes: 1 << 50, Root: f.Sealed.Root}, {Bytes: 10, Root: f.Sealed.Root}, {Bytes: f.Sealed.Bytes, Root: "zz"}} {
		lie := f
		lie.Sealed = sealed
		if _, err := spool(t).Receive(qm, lie); ReasonOf(err) != OtherFile {
			t.Errorf("a manifest of %d sealed bytes with root %q was begun: %v", sealed.Bytes, sealed.Root, err)
		}
	}
}

// failing ends with an error.
type failing struct{ io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil {
		err = syscall.ENOENT
	}
	return n, err
}

// TestAddRefuses: what is not as announced, and what there is no room for, leaves nothing behind.
func TestAddRefuses(t *testing.T) {
	to, _ := key(t)
	b := content(3, 3*schemas.ChunkBytes)
	good := Announced{Bytes: int64(len(b)), SHA256: sum(b)}
	for _, test := range []struct {
		name   string
		src    io.Reader
		a      Announced
		change func(*Config)
		want   Reason
	}{
		{"shorter than announced", bytes.NewReader(b[:len(b)-1]), good, nil, Changed},
		{"longer than announced", io.MultiReader(bytes.NewReader(b), strings.NewReader("x")), good, nil, Changed},
		{"other bytes", bytes.NewReader(append(slices.Clone(b[:len(b)-1]), b[len(b)-1]^1)), good, nil, Changed},
		{"vanished while it was read", failing{bytes.NewReader(b[:schemas.ChunkBytes])}, good, nil, Changed},
		{"empty", strings.NewReader(""), Announced{SHA256: sum(nil)}, nil, Empty},
		{"too large", bytes.NewReader(b), Announced{Bytes: MaxBytes + 1, SHA256: good.SHA256}, nil, TooLarge},
		{"quota", bytes.NewReader(b), good, func(c *Config) { c.Quota = int64(len(b)) }, OverQuota},
		{"no space before", bytes.NewReader(b), good, func(c *Config) { c.Free = func(string) (int64, error) { return int64(len(b)), nil } }, NoSpace},
	} {
		s := spool(t, func(c *Config) {
			if test.change != nil {
				test.change(c)
			}
		})
		_, err := s.Add(t.Context(), schemas.NewFileID(), test.src, test.a, to)
		if ReasonOf(err) != test.want {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
		left, _ := filepath.Glob(filepath.Join(s.config.Dir, "*", "*"))
		if len(left) > 0 || s.used != 0 {
			t.Errorf("%s: left %v behind, and %d bytes of the quota", test.name, left, s.used)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := spool(t).Add(ctx, schemas.NewFileID(), bytes.NewReader(b), good, to); err == nil {
		t.Error("added after its caller had gone")
	}
}

// TestSpoolForgetsWhatWasBeingAdded: half a file of a process that was killed is cleared away.
func TestSpoolForgetsWhatWasBeingAdded(t *testing.T) {
	s := spool(t)
	half := s.sent(schemas.NewFileID())
	for _, path := range []string{half + unfinished, half + treeEnding} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Open(s.config)
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(half + "*"); len(left) > 0 || again.used != 0 {
		t.Errorf("left %v, %d bytes", left, again.used)
	}
}

// TestPadded: the padded size is the Padmé size, and hides most of the real one.
func TestPadded(t *testing.T) {
	for n, want := range map[int64]int64{1: 4096, 4096: 4096, 4097: 4352, 1 << 20: 1 << 20, 1<<20 + 1: 1<<20 + 1<<15, 1<<32 + 1: 1<<32 + 1<<26} {
		if got := padded(n); got != want {
			t.Errorf("%d is padded to %d, want %d", n, got, want)
		}
	}
}
