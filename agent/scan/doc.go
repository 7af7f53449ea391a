// Package scan reads what people write: it looks for asylum data (DOMAIN section 4, A1 to A13) in text and in attachments,
// also where the text is disguised, and says what it could not read. Its verdict is a fact for the rules of agent/policy,
// which decide.
//
// The main path is [Scanner.Scan]:
//
//  1. attachments are taken apart, in a child process that may be killed (extractor.go) and that calls a reader for each
//     kind of file; plain text needs none. Whatever is not read leaves a [Reason], and holds;
//  2. the language gate cuts each text into sentences and says which of them are in a language that the lexicon covers
//     (gate.go);
//  3. every text goes through the fused pass (match.go): fold each character, step the automaton of the lexicon. A candidate
//     is looked at again in the clear text, which tells the plain track from the folded one;
//  4. disguises are taken off (disguise.go, words.go, hidden.go, view.go) and what comes out is read again, within a budget; ciphers and
//     armours only where the words look like one (signals.go);
//  5. the parts of the message are put side by side, for words that are split over two of them (split.go);
//  6. the verdict: grade A on the plain or folded track blocks; everything else with a hit holds, and so does what could
//     not be read or is in no covered language. What is left passes, and the recipient's agent scans it again.
//
// It trusts the lexicon and the language profiles that are compiled into it, and the programs of the system that read PDF and
// pictures (pdftotext, tesseract) with nothing but the file. It does not trust a single byte of what it reads, and neither
// the name nor the media type that a file claims: a panic of a parser ends in an error or a reason, never in the caller,
// and an error means that nothing was cleared.
//
// It must never turn doubt into a pass, must never write down what it read (a bounded part stays in memory, since a message is
// decided on more than once), and must never put the text of a hit into an error or a log: a [Hit] names the entry of the
// lexicon and the place, nothing else.
//
// What it cannot do: a word that means asylum only from its context, a PDF whose fonts show other letters than its text
// holds, and meaning hidden in what is no word at all. For a person's country of origin, templates and people are the
// control; this is the backstop.
package scan
