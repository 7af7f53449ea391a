package scan

// Most ways of writing a word in other signs show in the words of a text: they are short, of signs alone, or change between
// capitals and digits all the time. The loop over words notes that, and only then is the text looked at for them.

// signal is a set of what was noted.
type signal uint8

const (
	controlSignal signal = 1 << iota // a control character
	armourSignal                     // a word that changes between kinds of characters as only a code does
	shiftedSignal                    // a word of capitals, digits and signs alone
	spelledSignal                    // words of spelling alphabets in a row
	morseSignal                      // words of dots and dashes in a row
	listedSignal                     // short words in a row, with digits
)

// signalled are the decoders that are tried where one of their signals was noted.
var signalled = []struct {
	by     signal
	decode decoder
}{
	{controlSignal, decodeControls},
	{armourSignal, decodeArmour},
	{shiftedSignal, decodeShifted},
	{spelledSignal, decodeSpelling},
	{morseSignal, decodeMorse},
	{listedSignal, decodeListed},
	{listedSignal | spelledSignal, decodeSingles},
}

// signalReader notes signals, word by word.
type signalReader struct {
	seen                   signal
	spelled, signs, shorts int // words in a row
	digits                 bool
}

// space takes a character below the space that stands between words.
func (s *signalReader) space(b byte) {
	if isControl(rune(b)) {
		s.seen |= controlSignal
	}
}

// word takes a word, the kinds of its bytes, and how often they change.
func (s *signalReader) word(word string, seen kind, changes int) {
	const manySigns, shortWord, inRow = 9, 4, lettersAtLeast - 1
	n := len(word)
	switch {
	case seen&^(mask|sign|symbol|high) == 0 && (n < 3*shortWord || n > manySigns) && (seen&high == 0 || word[0] == 0xC2 || word[0] == 0xE2 || kinds[word[0]]&high == 0):
		if s.signs++; s.signs >= inRow || n > manySigns {
			s.seen |= morseSignal
		}
	default:
		s.signs = 0
	}
	switch {
	case n == 1, n < shortWord && (seen == high || seen&digit != 0 && seen != digit):
		s.digits = s.digits || seen&digit != 0
		if s.shorts++; s.shorts > inRow && s.digits {
			s.seen |= listedSignal
		}
	case n < shortWord && seen&^(digit|sign) == 0: // of a list or a table
	default:
		s.shorts, s.digits = 0, false
	}
	if n >= lettersOfHidden && seen&(lower|high) == 0 && changes > 1 && s.seen&shiftedSignal == 0 && shiftedWord(word) {
		s.seen |= shiftedSignal
	}
	if n >= base64AtLeast && (changes > turnsAtLeast || seen&(lower|sign|symbol|mask|high) == 0 || changes > 1 && seen&digit != 0) {
		s.seen |= armourSignal
	}
	if n > 2 {
		s.spelling(word, seen, changes)
	}
}

// shiftedWord reports a word that has hardly anything but what small letters come to in ROT47.
func shiftedWord(word string) bool {
	others := 0
	for i := range len(word) {
		if word[i] < '2' || word[i] > 'K' {
			others++
		}
	}
	return 4*others <= len(word)
}

// spelling follows words that have the shape of one of a spelling alphabet, several of which may be tied together.
func (s *signalReader) spelling(word string, seen kind, changes int) {
	const tied = 2 * (lettersAtLeast - 1)
	n := len(word)
	if seen&(sign|mask) != 0 {
		if changes >= tied && seen&(lower|upper) != 0 {
			s.seen |= spelledSignal
			return
		}
		if kinds[word[n-1]]&sign != 0 {
			n--
		}
	}
	first, third := word[0]|0x20-'a', word[2]|0x20-'a'
	if first >= 26 || third < 26 && (n > 31 || spelledShape[int(first)*26+int(third)]&(1<<n) == 0) {
		s.spelled = 0
		return
	}
	if s.spelled++; s.spelled >= lettersAtLeast {
		s.seen |= spelledSignal
	}
}
