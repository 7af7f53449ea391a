package store

import "fmt"

// File is an attachment of a draft, as it was handed in and as it is attached.
type File struct {
	Name        string
	Was, Became Hash
	Reading     string // closed set: clean, or why it waits for a person
	Original    []byte // the content as it was, nil where it is the same
}

// ReplaceFiles writes the files of a draft in place of those of its earlier version.
func (t *Tx) ReplaceFiles(k Key, files []File) error {
	if err := t.exec(`DELETE FROM file WHERE sender = ? AND id = ?`, k.Sender, k.ID); err != nil {
		return err
	}
	for _, f := range files {
		err := t.exec(`INSERT INTO file (sender, id, name, was, became, reading, original) VALUES (?,?,?,?,?,?,?)`,
			k.Sender, k.ID, f.Name, f.Was[:], f.Became[:], f.Reading, t.columns.seal("original", reviewRow(k)+"/"+f.Name, f.Original))
		if err != nil {
			return err
		}
	}
	return nil
}

// Files reads the files of a draft, by name.
func (t *Tx) Files(k Key) ([]File, error) {
	return collect(t, func(s scanner) (File, error) {
		var f File
		var was, became, original []byte
		if err := s.Scan(&f.Name, &was, &became, &f.Reading, &original); err != nil {
			return f, err
		}
		copy(f.Was[:], was)
		copy(f.Became[:], became)
		plain, err := t.columns.open("original", reviewRow(k)+"/"+f.Name, original)
		if err != nil {
			return f, fmt.Errorf("reading a file of message %s: %w", k.ID, err)
		}
		f.Original = plain
		return f, nil
	}, `SELECT name, was, became, reading, original FROM file WHERE sender = ? AND id = ? ORDER BY name`, k.Sender, k.ID)
}
