package name

import (
	"slices"
	"strings"
	"testing"
)

// TestSameName: writings of one name share a key, word for word or as a span.
func TestSameName(t *testing.T) {
	for _, same := range [][]string{
		{"Abdul Rahman", "Abdulrahman", "Abd al-Rahman", "Abdel Rahman", "Abderrahmane", "عبد الرحمن", "عبدالرحمن", "Абдурахман"},
		{"Abdullah", "Abd Allah", "Abdallah", "عبد الله", "عبدالله", "Абдулла", "Abdoullah"},
		{"Abu Bakr", "Aboubakar", "أبو بكر", "ابوبكر", "Abubakar"},
		{"Nur al-Din", "Noureddine", "Nooruddin", "نور الدين", "Noor ud Din", "Nuriddin", "Нуруддин"},
		{"Mohammad Reza", "Mohammadreza", "محمد رضا", "محمدرضا"},
		{"Ali Ben Salah", "Ali Bensalah", "علي بن صالح", "Ali bin Saleh"},
		{"Maria de la Cruz", "Maria Delacruz", "Maria Cruz"},
		{"Md", "Mohammed", "Muhammad", "محمد", "Мухаммед", "Mohd."},
		{"TESTPERSON ALPHA-01", "testperson alpha 1", "ТЕСТПЕРСОН АЛЬФА-01", "ＴＥＳＴＰＥＲＳＯＮ　ＡＬＰＨＡ－０１"},
		{"Giorgi", "გიორგი", "Гиорги"},
		{"Hovhannisyan", "Հովհաննիսյան", "Ованнисян"},
		{"Jean-Pierre", "Jeanpierre", "JEAN PIERRE"},
	} {
		for _, other := range same[1:] {
			a, b := Words(same[0]), Words(other)
			if !slices.ContainsFunc(a, func(x Word) bool { return slices.ContainsFunc(b, func(y Word) bool { return shareKey(x, y) }) }) {
				t.Errorf("%s and %s: %+v, %+v", same[0], other, a, b)
			}
		}
	}
}

func shareKey(a, b Word) bool {
	return slices.ContainsFunc(a.Keys, func(k string) bool { return slices.Contains(b.Keys, k) })
}

// TestOtherName: names that are not one do not share a key, however near their letters are.
func TestOtherName(t *testing.T) {
	for _, pair := range [][2]string{
		{"TESTPERSON ALPHA-01", "TESTPERSON ALPHA-02"}, {"TESTPERSON ALPHA-01", "TESTPERSON ALPHA-00"}, {"ALPHA-10", "ALPHA-1"},
		{"Mohammed", "Mansour"}, {"محمد", "محسن"}, {"Иванов", "Павлов"}, {"王小明", "王小红"},
	} {
		a, b := Words(pair[0]), Words(pair[1])
		if shareKey(a[len(a)-1], b[len(b)-1]) {
			t.Errorf("%s and %s: %+v, %+v", pair[0], pair[1], a, b)
		}
	}
}

func TestWords(t *testing.T) {
	letters := func(s string) []string {
		var found []string
		for _, w := range Words(s)[:Singles(Words(s))] {
			found = append(found, w.Letters)
		}
		return found
	}
	for _, test := range []struct {
		name string
		want []string
	}{
		{"TESTPERSON ALPHA-01", []string{"testperson", "alpha1"}},
		{"testperson  (alpha 000)", []string{"testperson", "alpha0"}},
		{"de la Cruz y Vega", []string{"cruz", "vega"}},
		{"Van", []string{"van"}},
		{"Al-Testperson Bin Alpha", []string{"testperson", "alpha"}},
		{"O'Testperson", []string{"otestperson"}},
		{"Müller-Łąk", []string{"muller", "lak"}},
		{"測試人", []string{"測試人"}},
		{"١٢ ٣", []string{"123"}},
		{"", nil},
		{" -?! ", nil},
	} {
		if got := letters(test.name); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestSpans(t *testing.T) {
	words := Words("Ali Reza Testperson")
	if n := Singles(words); n != 3 || len(words) != 6 || words[3].Letters != "alireza" || words[5].To != 2 {
		t.Fatalf("%+v", words)
	}
	many := Words("a b c d e f g h i j k l m n o p")
	if Singles(many) > MaxWords {
		t.Fatalf("%d words", Singles(many))
	}
}

// TestText: in a text what follows a name is not a part of it, unless a hyphen says so.
func TestText(t *testing.T) {
	var got []string
	cases := map[string]Case{}
	none := func(Case) bool { return false }
	new(Reader).Text("Testperson Alpha 1990, echo-05 測試人在", none, func(w Word, _ int, c Case) {
		got = append(got, w.Letters)
		cases[w.Letters] = c
	})
	for _, want := range []string{"testperson", "alpha", "testpersonalpha", "alpha1990", "echo5", "測試人"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not among %q", want, got)
		}
	}
	if cases["alpha"] != Capital || cases["echo5"] != Small || cases["測試人"] != NoCase {
		t.Errorf("%v", cases)
	}
}

// What is left out of a text is pairs, and what was met before is folded as it would be alone.
func TestTextLeavesOutPairs(t *testing.T) {
	const text = "the van of Alpha Abdul Rahman, the van of al-Bravo"
	small := func(c Case) bool { return c == Small }
	some := 0
	type found struct {
		letters  string
		from, to int
	}
	all := map[found]Word{}
	r := new(Reader)
	r.Text(text, func(Case) bool { return false }, func(w Word, _ int, _ Case) { all[found{w.Letters, w.From, w.To}] = w })
	r.Text(text, small, func(w Word, _ int, c Case) {
		some++
		if c == Small && w.From != w.To {
			t.Errorf("%q is a pair that begins with a small letter", w.Letters)
		}
		same, known := all[found{w.Letters, w.From, w.To}]
		if !known || !slices.Equal(same.Keys, w.Keys) || same.Sound != w.Sound {
			t.Errorf("%+v, and with every pair %+v", w, same)
		}
	})
	if some >= len(all) {
		t.Errorf("%d of %d words are left", some, len(all))
	}
	for p := range particles {
		if len(p) > longestParticle {
			t.Errorf("the particle %q is longer than %d", p, longestParticle)
		}
	}
}

// FuzzWords: any bytes fold to words within the bounds, always the same, and again when they are folded twice.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"TESTPERSON ALPHA-01", "عبد الرحمن", "Абдурахман", "ተስፋዬ", "राम", "王小明", "\xff\xfe", "ａｂｄ ａｌ", "abd", "٣٤ 0", "각하"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := Words(s)
		for i, w := range words {
			if w.Letters == "" || len(w.Keys) > MaxKeys || w.To < w.From || w.To >= MaxWords || w.From == w.To && i >= Singles(words) && i < 2*Singles(words)-1 {
				t.Fatalf("word %d: %+v", i, w)
			}
		}
		if again := Words(s); !slices.EqualFunc(words, again, func(a, b Word) bool { return a.Letters == b.Letters && slices.Equal(a.Keys, b.Keys) }) {
			t.Fatalf("not the same twice: %+v, %+v", words, again)
		}
		new(Reader).Text(s, func(Case) bool { return false }, func(w Word, _ int, _ Case) {
			if len(w.Keys) > MaxKeys || w.Letters == "" {
				t.Fatalf("%+v", w)
			}
		})
	})
}

// A word that comes again has the number that it had, in another text too, and reads as it did; what is forgotten begins anew.
func TestAReaderCountsDifferentWords(t *testing.T) {
	r, anything := new(Reader), func(Case) bool { return false }
	read := func(text string) (numbers map[string]int) {
		numbers = map[string]int{}
		r.Text(text, anything, func(w Word, n int, _ Case) {
			if before, met := numbers[w.Letters]; met && before != n {
				t.Errorf("%q is %d and %d", w.Letters, before, n)
			}
			numbers[w.Letters] = n
			if alone := Words(w.Letters); w.From == w.To && !w.Exact && !slices.Equal(alone[0].Keys, w.Keys) {
				t.Errorf("%q reads %v, alone %v", w.Letters, w.Keys, alone[0].Keys)
			}
		})
		return numbers
	}
	first := read("Bravo met Charlie, Charlie met Bravo")
	again := read("then Charlie met Delta")
	if again["charlie"] != first["charlie"] || again["charliemet"] != first["charliemet"] {
		t.Errorf("%v, then %v", first, again)
	}
	if again["delta"] != len(first)+3 { // behind "then", "thencharlie" and "metdelta"
		t.Errorf("the newest word is %d of %v, after %v", again["delta"], again, first)
	}
	r.Forget()
	if got := read("Delta")["delta"]; got != 0 || len(r.met) != 1 {
		t.Errorf("after Forget %d, %d words known", got, len(r.met))
	}
}

// Letters that grow over their room take no other word's place.
func TestWordsKeepTheirLetters(t *testing.T) {
	for _, text := range []string{"alpha-01 bravo", "alpha bravo-2 charlie-3 delta", "echo ﷺ foxtrot-9 golf", strings.Repeat("Ǆ", 60) + " hotel-7 india"} {
		var all []string
		for _, token := range split(text, true) {
			all = append(all, plain(token.letters))
		}
		for i, field := range strings.Fields(text) {
			alone := split(field, true)
			if len(alone) != 1 || i >= len(all) {
				continue
			}
			if !slices.Contains(all, plain(alone[0].letters)) {
				t.Errorf("%q of %q reads %q, and not %q", field, text, all, plain(alone[0].letters))
			}
		}
	}
}
