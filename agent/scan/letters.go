package scan

import (
	"unicode"
	"unicode/utf8"
)

// What is asked of nearly every character stands in tables: the ranges of package unicode cost too much for that.

// trait is what a character is.
type trait uint8

const (
	isLetter trait = 1 << iota
	isMark
	isNumber
	isUpper
)

type letterTables struct {
	traits [0x10000]trait
	small  [0x10000]uint16
	block  [0x10000]uint8 // index of blocks, from 1
}

var letterTable = func() *letterTables {
	t := &letterTables{}
	fill := func(table *unicode.RangeTable, is trait) {
		for _, r := range table.R16 {
			for c := uint32(r.Lo); c <= uint32(r.Hi); c += uint32(r.Stride) {
				t.traits[c] |= is
			}
		}
	}
	fill(unicode.L, isLetter)
	fill(unicode.M, isMark)
	fill(unicode.N, isNumber)
	fill(unicode.Lu, isUpper)
	for c := range t.small {
		t.small[c] = uint16(c)
		if t.traits[c]&isUpper != 0 {
			if s := unicode.ToLower(rune(c)); s < 0x10000 {
				t.small[c] = uint16(s)
			}
		}
	}
	for i, b := range blocks {
		for c := b.first; c <= min(b.last, 0xFFFF); c++ {
			t.block[c] = uint8(i + 1)
		}
	}
	return t
}()

// traitsOf tells what a character is.
func traitsOf(r rune) trait {
	if r < 0x10000 {
		return letterTable.traits[r]
	}
	var is trait
	if unicode.Is(unicode.L, r) {
		is |= isLetter
	}
	if unicode.Is(unicode.M, r) {
		is |= isMark
	}
	if unicode.Is(unicode.N, r) {
		is |= isNumber
	}
	if unicode.Is(unicode.Lu, r) {
		is |= isUpper
	}
	return is
}

func toSmall(r rune) rune {
	if r < 0x10000 {
		return rune(letterTable.small[r])
	}
	return unicode.ToLower(r)
}

// wordRune reports characters of which words consist, invisible ones included.
func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return kinds[byte(r)]&(lower|upper|digit) != 0
	}
	return traitsOf(r)&(isLetter|isMark|isNumber) != 0 || invisible(r)
}

// blockOf finds the block of a letter, nil for what is in none.
func blockOf(r rune) *block {
	if r < 0x10000 {
		if i := letterTable.block[r]; i > 0 {
			return &blocks[i-1]
		}
		return nil
	}
	for i := len(blocks) - 1; i >= 0 && blocks[i].last >= r; i-- {
		if blocks[i].first <= r {
			return &blocks[i]
		}
	}
	return nil
}
