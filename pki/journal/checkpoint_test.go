package journal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"comity/schemas"
)

const (
	qm = schemas.AuthorityID("QM/justice")
	qn = schemas.AuthorityID("QN/justice")
	qp = schemas.AuthorityID("QP/justice")
)

const someRoot = "nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI="

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestOrigins(t *testing.T) {
	for origin, want := range map[Origin][2]schemas.AuthorityID{Home(qm): {qm, ""}, Between(qm, qn): {qm, qn}} {
		from, to, err := origin.Parties()
		if err != nil || from != want[0] || to != want[1] {
			t.Errorf("%s: %s, %s, %v", origin, from, to, err)
		}
	}
	for _, origin := range []Origin{"", "comity", "comity/", "comity/qm", "comity/QM/justice", "comity/qm/justice/qn", "comity/qm/justice/qn/justice/x",
		"qm/justice", "comity/qm/justice/qm/justice", "comity/qm/justice+x", "comity/qm/ju stice", "comity/q/justice"} {
		if _, _, err := origin.Parties(); ReasonOf(err) != ReasonMalformed {
			t.Errorf("%q: %v", origin, err)
		}
	}
}

func TestACheckpointHasOneSpelling(t *testing.T) {
	for _, text := range []string{"comity/qm/justice\n12\n" + someRoot + "\n", Edge{}.Checkpoint(Between(qm, qn)).Text()} {
		c, err := ParseCheckpoint(text)
		if err != nil || c.Text() != text {
			t.Errorf("%q: %v, %q", text, err, c.Text())
		}
	}
	for name, text := range map[string]string{
		"nothing":             "",
		"no line end":         "comity/qm/justice\n12\n" + someRoot,
		"an extension line":   "comity/qm/justice\n12\n" + someRoot + "\nx\n",
		"another origin":      "example.com/log\n12\n" + someRoot + "\n",
		"a leading zero":      "comity/qm/justice\n012\n" + someRoot + "\n",
		"a sign":              "comity/qm/justice\n+12\n" + someRoot + "\n",
		"a negative size":     "comity/qm/justice\n-1\n" + someRoot + "\n",
		"a size out of reach": "comity/qm/justice\n9007199254740993\n" + someRoot + "\n",
		"no hash":             "comity/qm/justice\n12\n\n",
		"a short hash":        "comity/qm/justice\n12\nYWJj\n",
		"loose base64":        "comity/qm/justice\n12\n" + strings.Replace(someRoot, "eI=", "eJ=", 1) + "\n",
		"a carriage return":   "comity/qm/justice\r\n12\n" + someRoot + "\n",
		"nothing with a hash": "comity/qm/justice\n0\n" + someRoot + "\n",
		"too long":            strings.Repeat("x", maxText) + "\n1\n" + someRoot + "\n",
	} {
		if _, err := ParseCheckpoint(text); ReasonOf(err) != ReasonMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotes(t *testing.T) {
	key, other := newKey(t), newKey(t)
	_, _, edges := grow(t, 9, 5)
	c := edges[9].Checkpoint(Between(qm, qn))
	signed, err := Sign(c, qm, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes:\n%s", len(signed), signed)
	if got, err := Open(signed, qm, key.Public()); err != nil || got != c {
		t.Fatalf("opened: %+v, %v", got, err)
	}
	// The other keeper's copy is signed under the other keeper's name.
	if both, err := Sign(c, qn, other); err != nil || !strings.Contains(string(both), "\n— comity/qn/justice ") {
		t.Errorf("%v:\n%s", err, both)
	}
	changed := func(old, replacement string) []byte {
		return []byte(strings.Replace(string(signed), old, replacement, 1))
	}
	for _, test := range []struct {
		name   string
		note   []byte
		keeper schemas.AuthorityID
		key    crypto.PublicKey
		want   Reason
	}{
		{"another size", changed("\n9\n", "\n8\n"), qm, key.Public(), ReasonSignature},
		{"another key", signed, qm, other.Public(), ReasonSigner},
		{"another name", signed, qn, key.Public(), ReasonSigner},
		{"no keeper of the log", changed("— comity/qm", "— comity/qp"), qp, key.Public(), ReasonOrigin},
		{"no signature", []byte(c.Text()), qm, key.Public(), ReasonMalformed},
		{"an unsigned note", []byte(c.Text() + "\n"), qm, key.Public(), ReasonMalformed},
		{"an RSA key", signed, qm, &rsa.PublicKey{}, ReasonSigner},
		{"too long", append(signed, make([]byte, maxNote)...), qm, key.Public(), ReasonMalformed},
	} {
		if _, err := Open(test.note, test.keeper, test.key); ReasonOf(err) != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
	if _, err := Sign(c, qp, key); ReasonOf(err) != ReasonOrigin {
		t.Errorf("a stranger signs: %v", err)
	}
	// A second signature, of a key that nobody here knows, is passed over.
	foreign := binary.BigEndian.AppendUint32(nil, 1)
	two := string(signed) + "— example.com/witness " + base64.StdEncoding.EncodeToString(append(foreign, 1, 2, 3)) + "\n"
	if got, err := Open([]byte(two), qm, key.Public()); err != nil || got != c {
		t.Errorf("with a second signature: %v", err)
	}
}

func FuzzParseCheckpoint(f *testing.F) {
	f.Add("comity/qm/justice\n12\n" + someRoot + "\n")
	f.Add(Edge{}.Checkpoint(Between(qm, qn)).Text())
	f.Add("comity/qm/justice/qn/justice\n01\n" + someRoot + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCheckpoint(text)
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if c.Text() != text {
			t.Fatalf("a second spelling of %q", c.Text())
		}
	})
}

// Nothing but the note that was signed opens, whatever is made of it.
func FuzzOpen(f *testing.F) {
	key := newKey(f)
	_, _, edges := grow(f, 3, 1)
	c := edges[3].Checkpoint(Between(qm, qn))
	signed, err := Sign(c, qm, key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte(c.Text() + "\n— comity/qm/justice AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Open(data, qm, key.Public())
		if err != nil && ReasonOf(err) == "" {
			t.Fatalf("refused without a reason: %v", err)
		}
		if err == nil && got != c {
			t.Fatal("forged")
		}
	})
}
