package name

import (
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of one name.
const (
	MaxWords  = 10
	maxLetter = 40 // of a word; what is longer is cut
	maxSpan   = 3  // words that some write as one

	bytesOfWord = 6 // of a text, with the space behind it
)

// Word is one word of a name, or several neighbours that some write as one ("Ali Reza", "Alireza").
type Word struct {
	Letters  string   // in plain lower-case Latin letters and digits, or as it is where its script has no table
	Keys     []string // of its consonants, the likeliest first: words that may be the same name share one
	Sound    string   // its likeliest sound with the vowels; empty where the script does not write them
	From, To int      // its place among the words of the name: From alone, or up to To
	Exact    bool     // it has digits, or is of a script without a table: near is not like
}

// Words folds a name. Case, accents, punctuation and the script make no difference, and words that come and go between one
// writing and the next ("al-", "bin", "de la") are left out. First come the single words in their order, then the spans, then single
// words with what was left out in front of them.
func Words(s string) []Word {
	tokens := glue(split(s, false))
	named, joined := withoutParticles(tokens, func(token) bool { return true })
	if len(named) > 1 {
		tokens = named
	} else {
		joined = nil
	}
	tokens = tokens[:min(len(tokens), MaxWords)]
	var words []Word
	for size := 1; size <= min(maxSpan, len(tokens)); size++ {
		for from := 0; from+size <= len(tokens); from++ {
			words = append(words, join(tokens[from:from+size]...).word(from, from+size-1))
		}
	}
	for _, place := range slices.Sorted(maps.Keys(joined)) {
		if place < len(tokens) {
			words = append(words, joined[place].word(place, place))
		}
	}
	return words
}

// withoutParticles leaves out what comes and goes, and joins it with the word behind it, by the place of that: "Ben Ali" is Ali, and
// Benali. Only words that are wanted so are joined.
func withoutParticles(tokens []token, wanted func(token) bool) (named []token, joined map[int]token) {
	joined = map[int]token{}
	named = make([]token, 0, len(tokens))
	waiting := 0 // particles before the word
	for i, t := range tokens {
		if t.particle() {
			waiting++
			continue
		}
		if waiting > 0 && waiting <= maxSpan && wanted(t) {
			joined[len(named)] = join(tokens[i-waiting : i+1]...)
		}
		named, waiting = append(named, t), 0
	}
	return named, joined
}

// Case of the first letter of a word in a text.
type Case int

// The cases.
const (
	NoCase Case = iota // a script without
	Small
	Capital
)

// Reader folds texts in which names may stand. It remembers the words that it has read: texts say most of their words again. The
// zero value is ready; it is not safe for concurrent use.
type Reader struct {
	met   map[string]int // place in words, by the letters and what else decides how they are read
	words []Word
	by    []byte
}

// Forget has the reader forget every word.
func (r *Reader) Forget() {
	clear(r.met)
	clear(r.words)
	clear(r.by[:cap(r.by)])
	r.words = r.words[:0]
}

// Text folds a text: word by word, as Words does, and each pair of neighbours that may be one word right behind the first of
// the two. From and To count the words of the text; n counts the different words since the last Forget, and is the same for a word
// that comes again. Pairs of which the first begins in a case that skip names are left out: most of a text is no name, and half of
// the work is in pairs.
func (r *Reader) Text(s string, skip func(Case) bool, each func(w Word, n int, c Case)) {
	tokens, joined := withoutParticles(glue(split(s, true)), func(t token) bool { return !skip(t.first()) })
	read := func(t token, from, to int, c Case) {
		n := r.place(t)
		w := r.words[n]
		w.From, w.To = from, to
		each(w, n, c)
	}
	for i, t := range tokens {
		c := t.first()
		if t.letters[0] < '0' || t.letters[0] > '9' {
			read(t, i, i, c)
		}
		if j, ok := joined[i]; ok {
			read(j, i, i, c)
		}
		for part := range han(t) {
			read(part, i, i, c)
		}
		if i+1 < len(tokens) && !skip(c) && !unicode.Is(unicode.Han, t.letters[0]) {
			read(join(t, tokens[i+1]), i, i+1, c)
		}
	}
}

// place is where the words have what a token says.
func (r *Reader) place(t token) int {
	by := append(r.by[:0], 0)
	if t.unwritten {
		by[0] |= 1
	}
	if t.exact {
		by[0] |= 2
	}
	for _, letter := range t.letters {
		by = utf8.AppendRune(by, letter)
	}
	r.by = by
	if n, known := r.met[string(by)]; known {
		return n
	}
	if r.met == nil {
		r.met = map[string]int{}
	}
	n := len(r.words)
	r.met[string(by)], r.words = n, append(r.words, t.word(0, 0))
	return n
}

// han yields the pieces of two to four characters of a Chinese text, which has no spaces between words.
func han(t token) iter.Seq[token] {
	return func(yield func(token) bool) {
		if len(t.letters) < 3 || !unicode.Is(unicode.Han, t.letters[0]) {
			return
		}
		for size := 2; size <= min(4, len(t.letters)-1); size++ {
			for from := 0; from+size <= len(t.letters); from++ {
				if !yield(token{letters: t.letters[from : from+size], exact: true}) {
					return
				}
			}
		}
	}
}

// Singles counts the words of a name that are not spans.
func Singles(words []Word) int {
	n := 0
	for n < len(words) && words[n].From == words[n].To {
		n++
	}
	return n
}

// token is a word on its way: letters as in scripts.go.
type token struct {
	letters   []rune
	unwritten bool // of a script that does not write its vowels
	exact     bool // it has digits, or letters without a table
	capital   bool // it begins with a capital
	small     bool // it begins with a small letter
}

func (t token) word(from, to int) Word {
	w := Word{Letters: plain(t.letters), From: from, To: to}
	w.Keys, w.Sound = read(t.letters, t.unwritten)
	if bare := withoutArticle(t.letters); len(bare) < len(t.letters) {
		keys, sound := read(bare, t.unwritten)
		w.Keys, w.Sound = unique(append(keys, w.Keys...)), sound
	}
	w.Keys = w.Keys[:min(len(w.Keys), MaxKeys)]
	if t.unwritten {
		w.Sound = ""
	}
	w.Exact = t.exact
	return w
}

func (t token) particle() bool {
	var text [longestParticle]byte
	for i, r := range t.letters {
		switch {
		case r >= 0x80 || r == '\'':
			return particles[plain(t.letters)]
		case i == len(text):
			return false
		}
		text[i] = byte(r)
	}
	return particles[string(text[:len(t.letters)])]
}

// first is the case of the first letter.
func (t token) first() Case {
	switch {
	case t.capital:
		return Capital
	case t.small:
		return Small
	}
	return NoCase
}

// join writes tokens as one word.
func join(tokens ...token) token {
	if len(tokens) == 1 {
		return tokens[0]
	}
	var all token
	for i, t := range tokens {
		letters := t.letters
		if i > 0 {
			letters = withoutArticle(letters)
		}
		all.letters = append(all.letters, letters...)
		all.unwritten = all.unwritten || t.unwritten
		all.exact = all.exact || t.exact
		all.capital, all.small = all.capital || t.capital, all.small || t.small
	}
	all.letters = all.letters[:min(len(all.letters), 2*maxLetter)]
	return all
}

// split gives the words. Digits belong to the word before them: "ALPHA-01" and "ALPHA 01" are one word. In a text the second is
// two, since what follows a name there may be a year.
func split(s string, text bool) []token {
	p := &splitter{text: text, words: make([]token, 0, len(s)/bytesOfWord+1), room: make([]rune, 0, len(s))}
	for _, r := range norm.NFC.String(norm.NFKC.String(s)) { // presentation forms, full-width letters, ligatures
		p.add(r)
	}
	p.end()
	return p.words
}

// splitter collects the words of a text.
type splitter struct {
	words []token
	token
	text   bool
	digits bool // the last thing in the word
	zero   bool // after it nothing but zeros
	gap    rune // behind the last word

	room []rune // for the letters of words that are still to come
}

func (p *splitter) end() {
	if p.zero {
		p.write("0") // and nothing else
	}
	if slices.ContainsFunc(p.letters, func(r rune) bool { return r != '·' && r != '\'' }) {
		p.words = append(p.words, p.token)
	}
	p.token, p.digits, p.zero = token{}, false, false
}

func (p *splitter) write(latin string) {
	for _, r := range latin {
		p.put(r)
	}
	p.digits, p.zero = false, false
}

// put adds one letter, as long as the word has room for it. The letters of all words lie one behind the other: what would
// grow into the next word moves elsewhere.
func (p *splitter) put(r rune) {
	switch {
	case len(p.letters) >= maxLetter:
	case p.letters == nil && len(p.room) < cap(p.room):
		at := len(p.room)
		p.room = append(p.room, r)
		p.letters = p.room[at:len(p.room):len(p.room)]
	case len(p.letters) > 0 && len(p.room) < cap(p.room) && &p.room[len(p.room)-1] == &p.letters[len(p.letters)-1]:
		at := len(p.room) - len(p.letters)
		p.room = append(p.room, r)
		p.letters = p.room[at:len(p.room):len(p.room)]
	default:
		p.letters = append(p.letters, r)
	}
}

func (p *splitter) add(r rune) {
	lower := unicode.ToLower(r)
	switch {
	case lower >= 'a' && lower <= 'z':
		p.turn(lower)
		p.put(lower)
		p.digits, p.zero = false, false
	case unicode.IsDigit(r):
		p.digit(r)
		return
	case r < 0x80 && r != '\'' && r != '`':
		p.end()
		p.gap = r
		return
	case r < 0x80:
		return
	case !p.letter(lower):
		p.end()
		p.gap = r
		return
	}
	if len(p.letters) > 0 && !p.capital && !p.small {
		p.capital = unicode.IsUpper(r) || unicode.IsTitle(r)
		p.small = unicode.IsLower(r)
	}
}

// digit puts a digit behind the word that it belongs to. Leading zeros say nothing.
func (p *splitter) digit(r rune) {
	n := len(p.words)
	if len(p.letters) == 0 && n > 0 && len(p.words[n-1].letters) < maxLetter-10 && (!p.text || p.gap == '-') {
		p.token, p.words = p.words[n-1], p.words[:n-1]
	}
	p.exact = true
	if value := DigitValue(r); value > 0 || p.digits {
		p.write(string('0' + value))
		p.digits = true
	}
	p.zero = !p.digits
}

// DigitValue is the value of a decimal digit of any script: they stand in rows of ten.
func DigitValue(r rune) rune {
	if r < 0x80 {
		return r - '0'
	}
	zero := r
	for unicode.IsDigit(zero-1) && zero > r-9 {
		zero--
	}
	return (r - zero) % 10
}

// letter adds a letter of any script; false ends the word.
func (p *splitter) letter(r rune) bool {
	if latin, ok := romanise(r); ok {
		p.turn(r)
		p.write(latin)
		if r > 0x24f { // not Latin: no letter takes part in the next one's sound
			p.write("·")
		}
		p.unwritten = p.unwritten || unvowelled(r)
		return true
	}
	if unicode.Is(unicode.M, r) || unicode.Is(unicode.Cf, r) && r != '\u200c' || strings.ContainsRune("’‘ʹʺʼʻʽ´·", r) {
		return true
	}
	if bare := norm.NFD.String(string(r)); bare != string(r) {
		for _, part := range bare {
			if part < 0x80 {
				p.write(string(unicode.ToLower(part)))
			} else if !unicode.Is(unicode.M, part) && part != r {
				p.letter(unicode.ToLower(part))
			}
		}
		return true
	}
	if !unicode.IsLetter(r) {
		return false
	}
	p.turn(r)
	if len(p.letters) == maxLetter && unicode.Is(unicode.Han, r) { // a sentence: the next piece begins with the end of this one
		tail := slices.Clone(p.letters[maxLetter-3:])
		p.end()
		p.letters = tail
	}
	p.write(string(r))
	p.exact = true
	return true
}

// turn ends the word where Chinese characters begin or end: nothing else marks the place.
func (p *splitter) turn(r rune) {
	if n := len(p.letters); n > 0 && unicode.Is(unicode.Han, r) != unicode.Is(unicode.Han, p.letters[n-1]) {
		p.end()
	}
}

// plainForms are the letters of scripts.go that stand for sounds, as they are commonly written.
var plainForms = strings.NewReplacer("·", "", "'", "", "ṯ", "th", "ẓ", "d", "ǰ", "j", "ẋ", "kh", "ẇ", "w", "ĝ", "g", "ḣ", "h", "ñ", "n",
	"š", "s", "č", "c", "ž", "z", "ř", "r", "ğ", "g", "đ", "d", "ţ", "t",
	"β", "b", "ɾ", "r")

func plain(letters []rune) string {
	for _, r := range letters {
		if r >= 0x80 || r == '\'' {
			return plainForms.Replace(string(letters))
		}
	}
	return string(letters)
}

// particles are words that come and go between one writing of a name and the next.
var particles = set(`al el ul ur ar er as es ash esh ad ed ed an en at et az ez il l bin ben ibn bn bint binti bt ould uld walad wuld
	de da do dos das del della di du des la le les lo van von der den ter ten zu zur af av y e i san st mr mrs ms dr`)

// longestParticle is how many letters the longest has.
const longestParticle = 5

func set(words string) map[string]bool {
	s := map[string]bool{}
	for _, w := range strings.Fields(words) {
		s[w] = true
	}
	return s
}

// withoutArticle takes the Arabic article off the front, where enough is left to be a name.
func withoutArticle(letters []rune) []rune {
	for _, article := range []string{"a·l·", "al", "el"} {
		a := []rune(article)
		if len(letters) > 2*len(a)+1 && slices.Equal(letters[:len(a)], a) {
			return letters[len(a):]
		}
	}
	return letters
}

// servant is how "abd" is written in front of one of the names of God, with or without the article behind it.
var servant = regexp.MustCompile(`^abd(?:[aeiou]+(?:l|r|s|z|n|d|t|sh)?)?$`)

// glue joins what is one name to its bearer: "abd" and "abu" with the word after them, over an article. Both are then written
// without the article, as half of the world does. Common short forms are written out.
func glue(words []token) []token {
	glued := make([]token, 0, len(words))
	for i := 0; i < len(words); i++ {
		t := words[i]
		if first := t.letters[0]; first >= 'b' && first <= 'z' && first != 'm' { // none of what follows begins so
			glued = append(glued, t)
			continue
		}
		text := plain(t.letters)
		switch {
		case servant.MatchString(text), text == "abu", text == "abou", text == "abo", text == "abw", text == "aboo":
			stem := "abd"
			if text[:3] != stem {
				stem = "abu"
			}
			next := i + 1
			if next+1 < len(words) && words[next].particle() {
				next++
			}
			if next >= len(words) {
				break
			}
			t, i = words[next], next
			rest, ok := strings.CutPrefix(string(t.letters), "a·l·")
			if !ok {
				rest = string(withoutArticle(t.letters))
			}
			t.letters = []rune(stem + "·" + rest)
		case strings.HasPrefix(text, "abd"):
			t.letters = servantOf(t.letters)
		case shortForms[text] != "":
			t.letters = []rune(shortForms[text])
		}
		glued = append(glued, t)
	}
	return glued
}

// servantOf drops the article inside a word: "abdulrahman", and "abd alrahman" where it is one word in Arabic.
func servantOf(letters []rune) []rune {
	text := string(letters)
	if rest, ok := strings.CutPrefix(text, "a·b·d·a·l·"); ok && len(rest) > 3 {
		return []rune("abd·" + rest)
	}
	for _, article := range []string{"ul", "el", "al", "il", "oul"} {
		rest, ok := strings.CutPrefix(text, "abd"+article)
		switch {
		case ok && strings.HasPrefix(rest, "lah"): // of Allah
			return []rune("abd·al" + rest)
		case ok && len(rest) > 2 && !strings.HasPrefix(rest, "ah"):
			return []rune("abd·" + rest)
		}
	}
	return letters
}

var shortForms = map[string]string{"md": "mohammed", "mohd": "mohammed", "muhd": "mohammed", "mhd": "mohammed", "mohmd": "mohammed"}
