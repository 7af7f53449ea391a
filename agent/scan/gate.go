package scan

import (
	"slices"
	"unicode/utf8"
)

// A stretch is about a sentence: what the gate judges at once. An uncovered sentence within a covered text is held.
type stretch struct {
	start, end int // bytes of the text
	family     family
	language   string // "" where there is too little to say
	covered    bool
	scores     []uint32 // of the languages of the family; nil where the script decides, or too little is there
	features   int
}

const (
	stretchLetters = 160 // more are not looked at
	// Names, addresses and numbers are in no language. A stretch says something if it has that many words that are not
	// names, or that many words at all.
	sureWords    = 4
	sureAnyWords = 9
	sureLetters  = 18
	// An uncovered script needs no more to be noticed than a short word.
	foreignLetters = 3
)

// The limits of the classifier, in eighths of a bit.
const (
	lead    = 56 // by which, in all, the best language must be ahead of every covered one to be believed
	comfort = 34 // a feature: a text that goes on like this is in the language of the stretch before
	near    = 5  // a feature: languages that are that near may be the one
)

// floors are, a feature, what a text in a language of the family reaches. The more languages there are to be compared, the
// more stands out.
var floors = [familyCount]uint32{
	latinFamily: 17, cyrillicFamily: 15, arabicFamily: 10, devanagariFamily: 9, ethiopicFamily: 5, hebrewFamily: 5, burmeseFamily: 5,
}

// judgeLanguages cuts a text into stretches and judges each.
func (p *profiles) judgeLanguages(text string) []stretch {
	text = withoutCodes(text)
	var all []stretch
	var last [familyCount]int // the language of the stretch before, by family, from 1
	w := sorter{single: map[string]int{}}
	for start := 0; start < len(text); {
		end := stretchEnd(text, start)
		all = p.judgeStretch(all, text, start, end, &last, &w)
		start = end
	}
	return all
}

// A code is a run of letters and digits that no language writes: a hash, an identifier, an account number.
const (
	codeLength = 12
	codeDigits = 2
)

// withoutCodes blanks codes, which are in no language. Everything else keeps its place.
func withoutCodes(text string) string {
	var blanked []byte
	digits, start := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && (kinds[text[i]]&(lower|upper|digit) != 0) {
			if text[i] <= '9' {
				digits++
			}
			continue
		}
		if digits >= codeDigits && i-start >= codeLength {
			if blanked == nil {
				blanked = []byte(text)
			}
			for j := start; j < i; j++ {
				blanked[j] = ' '
			}
		}
		digits, start = 0, i+1
	}
	if blanked == nil {
		return text
	}
	return string(blanked)
}

// stretchEnd is where a sentence ends: at a full stop or line end, but not before it has some length.
func stretchEnd(text string, start int) int {
	const atLeast, atMost = 60, 480
	for i := start + atLeast; i < len(text); i++ {
		switch b := text[i]; {
		case b == '.' || b == '!' || b == '?' || b == ';' || b == '\n':
			return i + 1
		case i-start >= atMost && (b == ' ' || i-start >= 2*atMost) && utf8.RuneStart(b):
			return i
		case i-start >= atLeast && (b == 0x82 || b == 0xA4 || b == 0x94 || b == 0x8A || b == 0xA2) && i >= 2 && sentenceMark(text[:i+1]):
			return i + 1
		}
	}
	return len(text)
}

// sentenceMark reports the full stops of other scripts.
func sentenceMark(text string) bool {
	switch r, _ := utf8.DecodeLastRuneInString(text); r {
	case '。', '।', '۔', '።', '။', '។':
		return true
	}
	return false
}

// tally is what of a stretch is in one family.
type tally struct {
	letters []rune
	words   int // all of them
	small   int // that do not begin with a capital
}

// sorter sorts the letters of one stretch after another.
type sorter struct {
	families [familyCount]tally
	single   map[string]int // letters of scripts that decide by themselves
	foreign  int            // letters of scripts that are not covered
	inWord   bool
	current  family
}

func (w *sorter) reset() {
	for f := range w.families {
		w.families[f] = tally{letters: w.families[f].letters[:0]}
	}
	clear(w.single)
	w.foreign, w.inWord, w.current = 0, false, noFamily
}

// endWord is called at whatever stands between words.
func (w *sorter) endWord() {
	if w.inWord {
		t := &w.families[w.current]
		t.letters = append(t.letters, ' ')
		w.inWord = false
	}
}

// letter adds a letter of a family.
func (w *sorter) letter(f family, r rune, capital bool) {
	t := &w.families[f]
	if !w.inWord || f != w.current {
		w.endWord()
		t.words++
		if !capital {
			t.small++
		}
		w.inWord, w.current = true, f
	}
	if len(t.letters) < stretchLetters {
		t.letters = append(t.letters, r)
	}
}

func (w *sorter) sort(text string) {
	for i := 0; i < len(text); {
		b := text[i]
		if b < utf8.RuneSelf {
			i++
			switch k := kinds[b]; {
			case k&lower != 0:
				w.letter(latinFamily, rune(b), false)
			case k&upper != 0:
				w.letter(latinFamily, rune(b)+'a'-'A', true)
			case b != '\'':
				w.endWord()
			}
			continue
		}
		r, width := decode(text, i)
		i += width
		w.other(r)
	}
}

// other sorts a character that is not ASCII.
func (w *sorter) other(r rune) {
	is := traitsOf(r)
	switch {
	case r == '’' || r >= 0x2B0 && r <= 0x2FF || invisible(r):
		return // apostrophes, letters that are used as such, and nothing
	case is&(isLetter|isMark) == 0:
		w.endWord()
		return
	}
	switch b := blockOf(r); {
	case b != nil && b.family != noFamily:
		w.letter(b.family, toSmall(r), is&isUpper != 0)
	case b != nil && b.language != "":
		w.endWord()
		w.single[b.language]++
	case is&isLetter != 0 && (b != nil || !likelyDisguise(r)):
		w.endWord()
		w.foreign++
	}
}

// judgeStretch judges what a stretch has of each family and of each script. Most have one.
func (p *profiles) judgeStretch(all []stretch, text string, start, end int, last *[familyCount]int, w *sorter) []stretch {
	w.reset()
	w.sort(text[start:end])
	if w.foreign >= foreignLetters {
		all = append(all, stretch{start: start, end: end, language: "und"})
	}
	for language, n := range w.single {
		if n >= foreignLetters {
			all = append(all, stretch{start: start, end: end, language: singleLanguage(language, w.single), covered: true})
		}
	}
	for f := latinFamily; f < familyCount; f++ {
		t := &w.families[f]
		if len(t.letters) == 0 {
			continue
		}
		s := stretch{start: start, end: end, family: f, covered: true}
		if len(t.letters) >= sureLetters && (t.small >= sureWords || t.words >= sureAnyWords) {
			p[f].judge(&s, t.letters, &last[f])
		}
		all = append(all, s)
	}
	return all
}

// singleLanguage names a script's language; kana makes Chinese characters Japanese.
func singleLanguage(language string, found map[string]int) string {
	if language == "zh" && found["ja"] > 0 {
		return "ja"
	}
	return language
}

// likelyDisguise are letters outside the blocks of languages that are folded to Latin ones: they are read, not foreign.
func likelyDisguise(r rune) bool {
	folded := foldRune(r)
	return len(folded) == 1 && folded[0] < utf8.RuneSelf
}

// judge compares the languages of the family. The first features decide which of them are worth being compared to the end.
func (p *profile) judge(s *stretch, letters []rune, last *int) {
	n := len(p.languages)
	if n == 0 {
		s.covered = false
		return
	}
	found := make([]int32, 0, 2*stretchLetters)
	features(letters, p.bits, func(feature int) { found = append(found, int32(feature)) })
	s.features = len(found)
	if *last > 0 {
		sum := 0
		for _, feature := range found {
			sum += int(p.gains[int(feature)*n+*last-1])
		}
		if sum >= comfort*len(found) && p.covered[*last-1] {
			s.language, s.covered = p.languages[*last-1], true
			return
		}
	}
	s.scores = p.score(found)
	best, bestCovered := 0, -1
	for i, score := range s.scores {
		if score > s.scores[best] {
			best = i
		}
		if p.covered[i] && (bestCovered < 0 || score > s.scores[bestCovered]) {
			bestCovered = i
		}
	}
	switch {
	case bestCovered < 0:
		s.covered = false
	case s.scores[best] >= s.scores[bestCovered]+lead:
		s.covered = false
	default:
		s.covered = s.scores[bestCovered] >= floors[s.family]*uint32(len(found))
		best = bestCovered
	}
	s.language = p.languages[best]
	*last = best + 1
}

// score sums up the gains of each language: of all for the first features, of the best ones for the rest.
func (p *profile) score(found []int32) []uint32 {
	n := len(p.languages)
	scores := make([]uint32, n)
	const opening, best = 64, 32
	head := found[:min(opening, len(found))]
	for _, feature := range head {
		row := p.gains[int(feature)*n:][:n]
		for i, g := range row {
			scores[i] += uint32(g)
		}
	}
	tail := found[len(head):]
	if len(tail) == 0 {
		return scores
	}
	ranked := slices.Clone(scores)
	slices.Sort(ranked)
	limit := ranked[max(0, n-best)]
	var room [2 * best]int
	kept := room[:0]
	for i := range scores {
		if scores[i] < limit {
			scores[i] = 0
			continue
		}
		kept = append(kept, i)
	}
	for _, feature := range tail { // feature by feature: the gains of one lie side by side
		row := p.gains[int(feature)*n:][:n]
		for _, i := range kept {
			scores[i] += uint32(row[i])
		}
	}
	return scores
}

// may reports whether a word at a place may be in a language: where the gate cannot tell, it may.
func (p *profiles) may(stretches []stretch, at int, language string) bool {
	told := false
	for i := range stretches {
		s := &stretches[i]
		if at < s.start || at >= s.end || s.language == "" {
			continue
		}
		told = true
		if akin(s.language, language) {
			return true
		}
		if s.scores == nil {
			continue
		}
		known := slices.Index(p[s.family].languages, language)
		if known >= 0 && s.scores[known]+near*uint32(s.features) >= slices.Max(s.scores) {
			return true
		}
	}
	return !told
}

// summary is the language of most of a text, and whether all of it is covered.
func summary(stretches []stretch) (language string, covered bool) {
	sizes := map[string]int{}
	covered = true
	for _, s := range stretches {
		covered = covered && s.covered
		if s.language != "" {
			sizes[s.language] += s.end - s.start
		}
	}
	for l, n := range sizes {
		if language == "" || n > sizes[language] || n == sizes[language] && l < language {
			language = l
		}
	}
	if len(language) > 3 || isNumbered(language) {
		language = "und"
	}
	return language, covered
}

// isNumbered reports languages that our texts know by a number only.
func isNumbered(language string) bool {
	return len(language) > 1 && language[0] == 'x' && language[1] >= '0' && language[1] <= '9'
}
