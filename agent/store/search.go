package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"comity/schemas"
)

// The index of words stands in blocks that are sealed whole, so that the file shows neither a word nor how often one comes. A
// block is looked through from end to end: that is quick, and needs no more memory than one block.
//
// It has what was exchanged and what everybody may read who may read content: no draft, nothing under review, nothing that was
// withheld on arrival. So no answer, and no time that one takes, can tell of these.

// blockEntries is how many messages one block has.
const blockEntries = 256

// Entry is a message with the hashes of its words, ascending.
type Entry struct {
	Key
	Words []uint32
}

// Unsearchable reads at most limit messages that the index ought to have and has not.
func (t *Tx) Unsearchable(limit int) ([]*Message, error) {
	return t.bareMessages(`WHERE searchable = 0 AND state IN ('sent', 'delivered', 'received', 'dispatched') AND screening IN ('', 'clear') LIMIT ?`, limit)
}

// AddEntries adds messages to the index, and fills the last block first.
func (t *Tx) AddEntries(entries []Entry) error {
	var last int64
	if err := t.row([]any{&last}, `SELECT coalesce(max(n), 0) FROM search_block`); err != nil {
		return err
	}
	have, err := t.block(last)
	if errors.Is(err, ErrColumn) {
		err = t.dropBlock(last)
	}
	if err != nil {
		return err
	}
	for len(entries) > 0 {
		if last == 0 || len(have) >= blockEntries {
			last, have = last+1, nil
		}
		some := entries[:min(len(entries), blockEntries-len(have))]
		entries = entries[len(some):]
		have = append(have, some...)
		if err := t.putBlock(last, have); err != nil {
			return err
		}
		for _, e := range some {
			if err := t.exec(`UPDATE message SET searchable = ? WHERE sender = ? AND id = ?`, last, e.Sender, e.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// Find hands the entries that have every one of some words to found, the last added first, until it returns false. A block that
// cannot be read is left out, and its number returned: DropBlocks has it made anew.
func (t *Tx) Find(words []uint32, found func(Key) (more bool, err error)) (damaged []int64, err error) {
	numbers, err := collect(t, func(s scanner) (n int64, err error) { return n, s.Scan(&n) }, `SELECT n FROM search_block ORDER BY n DESC`)
	for _, n := range numbers {
		var fit []Key
		plain, err := t.openBlock(n)
		for err == nil && len(plain) > 0 {
			var raw rawEntry
			if raw, plain, err = nextEntry(plain); err == nil && raw.hasAll(words) {
				fit = append(fit, raw.key())
			}
		}
		if errors.Is(err, ErrColumn) {
			damaged = append(damaged, n)
			continue
		}
		if err != nil {
			return damaged, err
		}
		for _, k := range slices.Backward(fit) {
			if more, err := found(k); err != nil || !more {
				return damaged, err
			}
		}
	}
	return damaged, err
}

// rawEntry is an entry as it stands in a block.
type rawEntry struct{ name, words []byte }

// nextEntry cuts the first entry off a block.
func nextEntry(plain []byte) (raw rawEntry, rest []byte, err error) {
	end := bytes.IndexByte(plain, 0)
	if end < 0 || len(plain) < end+5 {
		return raw, nil, ErrColumn
	}
	size := 4 * int(binary.LittleEndian.Uint32(plain[end+1:]))
	body := plain[end+5:]
	if size > len(body) {
		return raw, nil, ErrColumn
	}
	return rawEntry{plain[:end], body[:size]}, body[size:], nil
}

func (r rawEntry) key() Key {
	sender, id, _ := strings.Cut(string(r.name), " ")
	return Key{Sender: schemas.AuthorityID(sender), ID: schemas.MessageID(id)}
}

func (r rawEntry) at(i int) uint32 { return binary.LittleEndian.Uint32(r.words[4*i:]) }

func (r rawEntry) hasAll(words []uint32) bool {
	n := len(r.words) / 4
	for _, w := range words {
		if i := sort.Search(n, func(i int) bool { return r.at(i) >= w }); i == n || r.at(i) != w {
			return false
		}
	}
	return true
}

// DropBlocks forgets blocks: their messages are added anew.
func (t *Tx) DropBlocks(numbers []int64) (err error) {
	for _, n := range numbers {
		err = errors.Join(err, t.dropBlock(n))
	}
	return err
}

func (t *Tx) dropBlock(n int64) error {
	return errors.Join(t.exec(`DELETE FROM search_block WHERE n = ?`, n), t.exec(`UPDATE message SET searchable = 0 WHERE searchable = ?`, n))
}

// ForgetWords takes a message out of the index whose content is erased.
func (t *Tx) ForgetWords(k Key) error {
	var n int64
	err := t.row([]any{&n}, `SELECT searchable FROM message WHERE sender = ? AND id = ?`, k.Sender, k.ID)
	if err == nil && n > 0 {
		entries, failed := t.block(n)
		if errors.Is(failed, ErrColumn) {
			err = t.dropBlock(n)
		} else if err = failed; err == nil {
			err = t.putBlock(n, slices.DeleteFunc(entries, func(e Entry) bool { return e.Key == k }))
		}
	}
	if err != nil {
		return err
	}
	// It has nothing to be searched any more, and is not to be added again.
	return t.exec(`UPDATE message SET searchable = -1 WHERE sender = ? AND id = ?`, k.Sender, k.ID)
}

func blockRow(n int64) string { return fmt.Sprint("search/", n) }

// putBlock writes entries one behind the other: the key and a zero byte, how many words, the words.
func (t *Tx) putBlock(n int64, entries []Entry) error {
	plain := []byte{}
	for _, e := range entries {
		plain = append(plain, e.Sender...)
		plain = append(append(append(plain, ' '), e.ID...), 0)
		plain = binary.LittleEndian.AppendUint32(plain, uint32(len(e.Words)))
		for _, w := range e.Words {
			plain = binary.LittleEndian.AppendUint32(plain, w)
		}
	}
	return t.exec(`INSERT OR REPLACE INTO search_block (n, words) VALUES (?,?)`, n, t.columns.seal("words", blockRow(n), plain))
}

// openBlock is a block as it was written, empty where there is none. One that is not as it was is ErrColumn.
func (t *Tx) openBlock(n int64) ([]byte, error) {
	var sealed []byte
	err := t.row([]any{&sealed}, `SELECT words FROM search_block WHERE n = ?`, n)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return t.columns.open("words", blockRow(n), sealed)
}

// block reads the entries of a block.
func (t *Tx) block(n int64) (entries []Entry, err error) {
	plain, err := t.openBlock(n)
	for err == nil && len(plain) > 0 {
		var raw rawEntry
		if raw, plain, err = nextEntry(plain); err != nil {
			return nil, err
		}
		e := Entry{Key: raw.key(), Words: make([]uint32, len(raw.words)/4)}
		for i := range e.Words {
			e.Words[i] = raw.at(i)
		}
		entries = append(entries, e)
	}
	return entries, err
}
