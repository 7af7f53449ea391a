package scan

// Verdict is what the scanner says of a whole input. The rules decide, not the scanner.
type Verdict string

// The verdicts, from the mildest to the strictest.
const (
	Pass  Verdict = "pass"
	Hold  Verdict = "hold"
	Block Verdict = "block"
)

// Grade says how sure a term is: A means asylum by itself, B also has another meaning.
type Grade string

// The grades.
const (
	Strong    Grade = "A"
	Ambiguous Grade = "B"
)

// Track says how the text had to be read to find a term.
type Track string

// The tracks. A grade A term blocks on the first two and holds on every other.
const (
	Plain  Track = "plain"  // as it stands, but for upper and lower case
	Folded Track = "folded" // without accents, disguised letters and invisible characters

	Collapsed Track = "collapsed" // without what stands between its letters
	Reversed  Track = "reversed"  // from back to front
	Rotated   Track = "rotated"   // ROT13 and other shifts of the alphabet
	Decoded   Track = "decoded"   // out of an encoding, such as base64, percent signs or HTML entities
	Fuzzy     Track = "fuzzy"     // misspelt, masked, or with digits for letters
	Joined    Track = "joined"    // split over two parts of the message
)

// Reason says why something could not be read. The set is closed.
type Reason string

// The reasons.
const (
	NotText     Reason = "not-text"     // no text, and no reader for this kind of file
	BadEncoding Reason = "bad-encoding" // not valid UTF-8, nor what it says that it is in
	TooMuch     Reason = "too-much"     // more than the scanner reads: of size, of depth, of entries, or of encodings in one another
	Broken      Reason = "broken"       // a reader could not make sense of it
	Opaque      Reason = "opaque"       // a file or a cipher is written into a text
	Encrypted   Reason = "encrypted"    // or in an old office format, which looks the same from outside
	Macros      Reason = "macros"
	Mismatched  Reason = "mismatched" // name or media type claim another kind than the content is
	Polyglot    Reason = "polyglot"   // something lies in it that its own directory does not name
	Embedded    Reason = "embedded"   // an object that cannot be read
	Picture     Reason = "picture"    // text in a picture may have been read, but never surely
	NoText      Reason = "no-text"    // nothing was found to read, which does not mean that there is nothing
	Active      Reason = "active"     // scripts, forms or layers, which show what is not there or hide what is
	Revised     Reason = "revised"    // earlier versions lie in it
	NoReader    Reason = "no-reader"  // the program that reads this kind is not installed
	Crashed     Reason = "crashed"    // the reader ended by itself, was out of memory, or answered nonsense
	TimedOut    Reason = "timed-out"
)

// Field is one string of a message. Pointer is where it stands: a JSON pointer.
type Field struct {
	Pointer string
	Text    string
}

// File is one attachment. Neither Name nor MediaType is believed; the name is scanned as text.
type File struct {
	Name      string
	MediaType string
	Content   []byte
	// Unread is why the content is not here, "" where it is. Such a file counts as not read, whatever else it says.
	Unread Reason
}

// Input is everything of one message: what is split over its parts is found only when they are scanned together.
type Input struct {
	Fields []Field
	Files  []File
}

// Hit is one term that was found. It holds no clear text: Term is the entry of the lexicon.
type Hit struct {
	Code    string // A1 to A13
	Grade   Grade
	Term    string
	Track   Track
	Pointer string // of the field, or "file:<n>"
	// Start and End are byte offsets into the field, or into the text of the file.
	Start, End int

	local   string // the only language in which the term counts
	leftOut bool   // because its accents are left out
	name    bool   // the term is also a name
}

// Strong reports whether the hit alone blocks.
func (h Hit) Strong() bool {
	return h.Grade == Strong && (h.Track == Plain || h.Track == Folded)
}

// Unread is a part of the input that could not be read.
type Unread struct {
	Pointer string
	Reason  Reason
}

// Report is what one scan found.
type Report struct {
	Verdict     Verdict
	Hits        []Hit
	Unscannable []Unread
	Language    string   // that most of the text is in, "" where there is none
	Covered     bool     // the lexicon covers the language of every part
	FileText    []string // of each file, for the search for names; "" where it could not be read

	longest int // the length of the text that Language is of
}

// judge draws the verdict from the rest of the report.
func (r *Report) judge() {
	r.Verdict = Pass
	if len(r.Hits) > 0 || len(r.Unscannable) > 0 || !r.Covered {
		r.Verdict = Hold
	}
	for _, h := range r.Hits {
		if h.Strong() {
			r.Verdict = Block
			return
		}
	}
}
