package scan

import (
	"context"
	"slices"
	"testing"
)

func newScanner(t testing.TB) *Scanner {
	t.Helper()
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scanText(t testing.TB, s *Scanner, text string) Report {
	t.Helper()
	r, err := s.Scan(context.Background(), Input{Fields: []Field{{Pointer: "/body/text", Text: text}}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerdictOfText(t *testing.T) {
	s := newScanner(t)
	for _, test := range []struct {
		name, text string
		verdict    Verdict
		track      Track
	}{
		{"nothing", "The account was opened in March.", Pass, ""},
		{"plain", "She applied for Asylum in May.", Block, Plain},
		{"at the end", "he is a refugee", Block, Plain},
		{"after an apostrophe", "sa demande d'asile", Block, Plain},
		{"phrase over a line break", "granted international\n  protection", Block, Folded},
		{"accents left out", "status uchodzcy", Block, Folded},
		{"stems of two words", "žiadosť o medzinárodnú ochranu", Block, Plain},
		{"zero-width", "asy\u200blum", Block, Folded},
		{"fullwidth", "ａｓｙｌｕｍ", Block, Folded},
		{"jamo", "\u1102\u1161\u11ab\u1106\u1175\u11ab", Block, Plain},
		{"hangul", "난민 신청", Block, Plain},
		{"compound", "Bundesasylgesetz", Block, Plain},
		{"greek accents tell words apart", "οι προσφυγές απορρίφθηκαν", Pass, ""},
		{"greek", "οι πρόσφυγες", Block, Plain},
		{"cjk", "他申请难民身份", Block, Plain},
		{"ambiguous", "la persecución por deudas", Hold, Plain},
		{"a name", "Refugio Hernandez", Pass, ""},
		{"a name that is a strong word", "Ms Asyl Nurmukhametova", Hold, Plain},
		{"a heading is no name", "Asylum Claim", Block, Plain},
		{"a name in a sentence", "La familia pide Asilo en la frontera de su país vecino.", Block, Plain},
		{"machine-readable zone", "P<UTOERIKSSON<<ANNA<MARIA<<<<\nL898902C36XXB7408122F1204159ZE184226B<<<<<10", Block, Plain},
		{"machine-readable card", "I<UTOD231458907<<<<<<<<<<<<<<<\n7408122F1204159XXC<<<<<<<<<<<6", Block, Plain},
		{"machine-readable and stateless", "L898902C36XXA7408122F1204159ZE184226B<<<<<10", Hold, Plain},
		{"machine-readable issuer", "P<XXBTESTPERSON<<ALPHA<<<<<<<<", Block, Plain},
		{"another machine-readable zone", "L898902C36UTO7408122F1204159ZE184226B<<<<<10", Pass, ""},
		{"a cipher in a text", "see uCRNAomB1pOve0Vq+O+kytY9KC4Z/xSULCRuUNk1HSJwSoAqccNYC2Nw3kzrKTwySoQjNCVX1OXDhDjw42kQ7ntUtm" +
			"g2wfvdE9JEHZ4UNNxiymd/to9f5mpGS6rezb0AV2+Na1rDvMgIRLfVCxzGYDREu+fPz4/Aqh7jxjbZ4zk=", Hold, ""},
		{"inside a word", "the prerefugees", Hold, Collapsed},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := scanText(t, s, test.text)
			if r.Verdict != test.verdict {
				t.Fatalf("verdict %s, want %s: %+v", r.Verdict, test.verdict, r.Hits)
			}
			if test.track != "" && !slices.ContainsFunc(r.Hits, func(h Hit) bool { return h.Track == test.track }) {
				t.Errorf("%v, want the track %s", r.Hits, test.track)
			}
		})
	}
}

func TestUnknownFilesAreUnscannable(t *testing.T) {
	r, err := newScanner(t).Scan(context.Background(), Input{Files: []File{
		{Name: "a.txt", Content: []byte("an account")}, {Name: "b.bin", Content: []byte{0, 1, 2}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != Hold || len(r.Unscannable) != 1 || r.Unscannable[0] != (Unread{"file:1", NotText}) {
		t.Errorf("got %s with %+v", r.Verdict, r.Unscannable)
	}
}
