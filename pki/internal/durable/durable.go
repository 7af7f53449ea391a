// Package durable replaces files so that a power cut leaves the old content or the new, never a mixture and never
// nothing. It trusts the file system to honour fsync and rename; it must never be given a path from outside.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// WriteFile replaces path with data: temporary file, fsync, rename, fsync of the folder. When it returns nil the
// content is on disk; on error the file holds the old or the new content.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := errors.Join(fill(temp, data, mode), temp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), errors.Join(err, os.Remove(temp.Name())))
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), errors.Join(err, os.Remove(temp.Name())))
	}
	return SyncDir(dir)
}

func fill(file *os.File, data []byte, mode os.FileMode) error {
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	return file.Sync()
}

// SyncDir makes renames and new names in a folder durable.
func SyncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}
