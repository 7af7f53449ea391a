package evidence

import (
	"context"
	mathrand "math/rand/v2"
	"testing"

	"comity/schemas"
)

// TestOpenedWhileItArrives: a large file in any order, with what can go wrong about opening it early. What was opened early must
// have been used, or it proves nothing here.
func TestOpenedWhileItArrives(t *testing.T) {
	to, identity := key(t)
	from := spool(t)
	f := add(t, from, content(1, aheadFrom), to)
	wires := chunks(t, from, f)
	other := f
	other.SHA256 = sum([]byte("another"))
	for _, test := range []struct {
		name     string
		manifest schemas.EvidenceFile
		half     func(*Incoming) // when half of the chunks are there
		early    bool            // opened early, with success
		want     Reason
	}{
		{"whole", f, func(*Incoming) {}, true, ""},
		{"the disk lost something on the way", f, func(in *Incoming) { in.ahead.spoil() }, false, ""},
		{"other content than the manifest says", other, func(*Incoming) {}, false, OtherFile},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := spool(t)
			in, err := at.Receive(qm, test.manifest)
			if err != nil {
				t.Fatal(err)
			}
			yields := 0
			in.Ahead(t.Context(), at.With(identity), test.manifest, func(context.Context) { yields++ })
			for n, i := range mathrand.New(mathrand.NewPCG(1, 2)).Perm(len(wires)) {
				if n == len(wires)/2 {
					test.half(in)
				}
				if _, err := put(t, in, wires[i]); err != nil {
					t.Fatal(err)
				}
			}
			if early := in.ahead.proved(t.Context()); early != test.early {
				t.Errorf("opened early with success: %v", early)
			}
			if err := in.Whole(t.Context(), at.With(identity), test.manifest); ReasonOf(err) != test.want || test.want == "" && err != nil {
				t.Errorf("opened once it was whole: %v", err)
			}
			if err := in.Close(); err != nil {
				t.Error(err)
			}
			if test.early && yields != len(wires) {
				t.Errorf("it let more urgent work by %d times in %d chunks", yields, len(wires))
			}
			if len(at.aheads) != 0 {
				t.Errorf("%d files still hold a place among those opened early", len(at.aheads))
			}
		})
	}
}

// TestOpenedWhileItArrivesEnds: a file that never gets whole does not keep its desk from closing, and too many do not wait for each other.
func TestOpenedWhileItArrivesEnds(t *testing.T) {
	to, identity := key(t)
	from, at := spool(t), spool(t)
	var files []*Incoming
	for n := range aheadAtOnce + 1 {
		f := add(t, from, content(uint64(n), aheadFrom), to)
		in, err := at.Receive(qm, f)
		if err != nil {
			t.Fatal(err)
		}
		in.Ahead(t.Context(), at.With(identity), f, func(context.Context) {})
		if _, err := put(t, in, chunks(t, from, f)[0]); err != nil {
			t.Fatal(err)
		}
		files = append(files, in)
	}
	if files[aheadAtOnce].ahead != nil {
		t.Errorf("more than %d files are opened while they arrive", aheadAtOnce)
	}
	for _, in := range files {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}
