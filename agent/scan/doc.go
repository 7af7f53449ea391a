// Package scan reads what people write: it looks for asylum data (DOMAIN section 4, A1 to A13) in text and in attachments,
// also where the text is disguised, and says what it could not read. Its verdict is a fact for the rules of agent/policy,
// which decide.
//
// The main path is [Scanner.Scan]:
//
//  1. every field goes through one fused pass: fold each character, step the automaton of the lexicon;
//  2. each candidate is looked at again in the clear text, which tells the plain track from the folded one;
//  3. the verdict: grade A on the plain or folded track blocks, everything else with a hit holds, and so does what
//     could not be read. What is left passes; the recipient's agent scans again.
//
// It trusts the lexicon that is compiled into it. It does not trust a single byte of what it reads, and neither the
// name nor the media type that a file claims: a panic of a parser ends in an error, never in the caller, and an error
// means that nothing was cleared.
//
// It must never turn doubt into a pass, must never keep what it read, and must never put the text of a hit into an error
// or a log: a [Hit] names the entry of the lexicon and the place, nothing else.
package scan
