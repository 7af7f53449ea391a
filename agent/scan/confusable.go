package scan

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed confusables.txt
var confusableLines string

// confusable maps a letter to the Latin letter that it is taken for, wherever it stands; lookalike does so in words that mix
// scripts only, since there the letters of honest languages are a disguise.
var confusable, lookalike = readConfusables(confusableLines)

func readConfusables(lines string) (always, mixed map[rune]rune) {
	always, mixed = map[rune]rune{}, map[rune]rune{}
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] == "#" {
			continue
		}
		into := always
		if words[0] == "mixed" {
			into = mixed
		}
		latin := rune(words[1][0])
		for _, w := range words[2:] {
			r, _ := utf8.DecodeRuneInString(w)
			into[r] = latin
		}
	}
	// A capital of a script whose small letters look alike as well is listed by itself.
	for _, r := range slices.Sorted(maps.Keys(always)) {
		small, latin := unicode.ToLower(r), always[r]
		if _, found := mixed[small]; !found && always[small] == 0 {
			always[small] = latin
		}
	}
	return always, mixed
}

// cyrillicCapital are Latin capitals that are taken for Cyrillic ones while their small letters are not.
var cyrillicCapital = map[rune]rune{'B': 'в', 'H': 'н', 'K': 'к', 'M': 'м', 'T': 'т'}

// script is what a letter is written in, as far as disguises need to know.
type script uint8

const (
	noScript script = 1 << iota
	latin
	greek
	cyrillic
	otherScript
)

func scriptOf(r rune) script {
	switch {
	case r < utf8.RuneSelf:
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return latin
		}
		return noScript
	case r == 0xAA || r == 0xBA || r >= 0xC0 && r <= 0x24F || r >= 0x1E00 && r <= 0x1EFF || r >= 0x250 && r <= 0x2AF:
		return latin
	case r >= 0x370 && r <= 0x3FF || r >= 0x1F00 && r <= 0x1FFF:
		return greek
	case r >= 0x400 && r <= 0x52F:
		return cyrillic
	case traitsOf(r)&isLetter != 0:
		return otherScript
	}
	return noScript
}

// mixesScripts reports words with letters of more than one script.
func mixesScripts(word string) bool {
	var seen script
	for _, r := range word {
		seen |= scriptOf(r) &^ noScript
	}
	return seen&(seen-1) != 0
}

// asLatin and asCyrillic read a word that mixes scripts as if it were all in one.
func asLatin(word string) string {
	return strings.Map(func(r rune) rune {
		if to, found := lookalike[r]; found {
			return to
		}
		if to, found := confusable[unicode.ToLower(r)]; found {
			return to
		}
		if to, found := lookalike[unicode.ToLower(r)]; found {
			return to
		}
		return r
	}, word)
}

func asCyrillic(word string) string {
	return strings.Map(func(r rune) rune {
		if to, found := cyrillicCapital[r]; found {
			return to
		}
		return r
	}, word)
}
