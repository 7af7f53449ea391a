package name

import (
	"slices"
	"strings"
	"sync"
)

// Keys are made of classes of sounds. Voiced and voiceless are one class, since half of the scripts lack one of the two, and
// all hissing sounds are one; vowels and h are left out, but for one in front.
//
//	P b p   F f v w   T t d   S s z sh ch j   K k g q kh   L   M   N   R   A a vowel in front   0-9
//
// A letter that is read in several ways has several readings, the likeliest first; "-" is silence. A spelling with "<" behind
// it counts at the beginning of a word only; the letter after ">" must follow, and belongs to the next sound.
var spellings = compile(`
	tsch S  dsch S  szcz S  shch S  tch S  dzh S  dsh S  sch S/SK
	ch>r K  ch>l K  ch S/K/-  sh S  zh S  kh K/-  gh K/-  th T/S  dh T/S  ph F/P  rh R
	sz S  cz S  ts S/T  tz S/T  dz S/T  dj S  ck K  xh S  qu K/KF
	mp< P/MP  nt< T/NT  ng N/NK  gn N/KN
	ss S  sc>e S  sc>i S  cc K/S
	c>e S/K  c>i S/K  c>y S/K  c K/S
	g>e K/S  g>i K/S  g>y K/S  g K
	j S/-/K  y -  w F/-  v F  x KS/S/-  q>i K/S  q K  h -
	b P  p P  f F  t T  d T  s S  z S  k K  l L  m M  n N  r R
	ṯ T/S  ẓ T/S  ǰ S/K  ẋ K/-  ẇ F/-  ĝ K/-  ḣ -  ñ N/NK  š S  č S/K  ž S  ř R/S  ğ K/-  đ T/S  ţ S/T  · -  ' -  β P/F  ɾ R/L
`)

// spelling is one way to write a sound.
type spelling struct {
	letters  []rune
	front    bool // at the beginning only
	before   rune // must follow, unless 0
	readings []string
}

// spellingsBy lists the spellings by their first letter: those of ASCII at their place, the others by a map.
type spellingsBy struct {
	ascii [128][]spelling
	other map[rune][]spelling
}

func (s *spellingsBy) of(first rune) []spelling {
	if first < 128 {
		return s.ascii[first]
	}
	return s.other[first]
}

func compile(rules string) *spellingsBy {
	compiled := map[rune][]spelling{}
	fields := strings.Fields(rules)
	for i := 0; i+1 < len(fields); i += 2 {
		text, before, _ := strings.Cut(fields[i], ">")
		text, front := strings.CutSuffix(text, "<")
		s := spelling{letters: []rune(text), front: front}
		if before != "" {
			s.before = []rune(before)[0]
		}
		for reading := range strings.SplitSeq(fields[i+1], "/") {
			s.readings = append(s.readings, strings.TrimPrefix(reading, "-"))
		}
		compiled[s.letters[0]] = append(compiled[s.letters[0]], s)
	}
	by := &spellingsBy{other: map[rune][]spelling{}}
	for first, list := range compiled {
		slices.SortStableFunc(list, func(a, b spelling) int { return len(b.letters) - len(a.letters) })
		if first < 128 {
			by.ascii[first] = list
		} else {
			by.other[first] = list
		}
	}
	return by
}

// vowel is the class that a vowel belongs to in Sound, or 0: e is written for a as often as for i.
func vowel(r rune) byte {
	switch r {
	case 'a', 'e':
		return 'a'
	case 'i', 'y':
		return 'i'
	case 'o', 'u':
		return 'u'
	}
	return 0
}

// MaxKeys bounds the keys of one word. Beyond it only the likeliest readings count.
const MaxKeys = 8

// sounding is a word as it is being read: its keys and its likeliest sound.
type sounding struct {
	keys  [][]byte // of slots
	sound []byte
	last  []rune // the spelling just read, to hear a doubled letter once
	heard bool   // a consonant, or a vowel in front
	room  [MaxKeys][48]byte
	slots [MaxKeys][]byte
}

func (s *sounding) add(readings []string) {
	if len(s.keys)*len(readings) > MaxKeys {
		readings = readings[:max(1, MaxKeys/len(s.keys))]
	}
	n := len(s.keys)
	for _, r := range readings[1:] { // the likeliest reading of all sounds stays first
		for _, k := range s.keys[:n] {
			at := len(s.keys)
			s.keys = append(s.keys, s.append(append(s.room[at][:0], k...), r))
		}
	}
	for i := range s.keys[:n] {
		s.keys[i] = s.append(s.keys[i], readings[0])
	}
}

// append adds a reading to a key. A silent letter in front makes way for the vowel behind it.
func (s *sounding) append(key []byte, reading string) []byte {
	if reading == "" && !s.heard {
		return append(key, 'A')
	}
	return append(key, reading...)
}

var soundings = sync.Pool{New: func() any { return &sounding{} }}

// read finds the sounds of a word in the letters of scripts.go.
func read(word []rune, unwritten bool) (keys []string, sound string) {
	s := soundings.Get().(*sounding)
	defer func() {
		*s = sounding{} // nothing of a word stays in it
		soundings.Put(s)
	}()
	s.slots[0] = s.room[0][:0]
	s.keys = s.slots[:1]
	for at := 0; at < len(word); {
		switch r := word[at]; {
		case r == '·' || r == '\'':
			at++
			continue
		case r >= '0' && r <= '9':
			s.add([]string{string(r)})
			s.sound = append(s.sound, byte(r))
			s.last = nil
			at++
		case vowel(r) != 0:
			if !s.heard {
				s.add(front)
			}
			if v := vowel(r); len(s.sound) == 0 || s.sound[len(s.sound)-1] != v {
				s.sound = append(s.sound, v)
			}
			s.last = nil
			at++
		default:
			at += s.consonant(word, at, unwritten)
		}
		s.heard = true
	}
	keys = make([]string, 0, len(s.keys))
	for _, k := range s.keys {
		// ts and tsh are one hissing sound, in how many letters they may come.
		if key := strings.ReplaceAll(string(k), "TS", "S"); key != "" && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys, strings.ReplaceAll(string(s.sound), "TS", "S")
}

var (
	front = []string{"A"}
	waw   = []string{"", "F"} // between consonants: a long vowel
)

// consonant reads one, and says how many letters it took.
func (s *sounding) consonant(word []rune, at int, unwritten bool) int {
	sp, ok := match(word[at:], at == 0)
	if !ok { // a letter of a script without a table stands for itself
		sp = spelling{letters: word[at : at+1], readings: []string{string(word[at])}}
	}
	if word[at] == 'ẇ' && unwritten && s.heard && !(at+2 < len(word) && vowel(word[at+2]) != 0) {
		sp.readings = waw
	}
	if unwritten || !slices.Equal(sp.letters, s.last) {
		s.add(sp.readings)
		switch r := word[at]; {
		case sp.readings[0] == "", r == 'ẋ', r == 'k' && len(sp.readings) > 1: // h, and kh, which many write as h
			s.sound = append(s.sound, 'h')
		default:
			s.sound = append(s.sound, sp.readings[0]...)
		}
	}
	s.last = sp.letters
	return len(sp.letters)
}

func match(word []rune, front bool) (spelling, bool) {
	for _, sp := range spellings.of(word[0]) {
		n := len(sp.letters)
		if n > len(word) || !slices.Equal(sp.letters, word[:n]) || sp.front && !front {
			continue
		}
		if sp.before != 0 && (len(word) == n || word[n] != sp.before) {
			continue
		}
		return sp, true
	}
	return spelling{}, false
}

func unique(keys []string) []string {
	var found []string
	for _, k := range keys {
		if k != "" && !slices.Contains(found, k) {
			found = append(found, k)
		}
	}
	return found
}
