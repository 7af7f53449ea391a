package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"comity/schemas"
)

// Write encrypts what stands in dir, the manifest first. The files must not change while it runs.
func Write(w io.Writer, dir string, of schemas.AuthorityID, at time.Time, recipients []age.Recipient) error {
	manifest := Manifest{Format: format, Authority: of, MadeAt: at.UTC().Truncate(time.Second)}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		part, err := describe(dir, path)
		manifest.Parts = append(manifest.Parts, part)
		return err
	})
	if err != nil {
		return fmt.Errorf("describing the backup: %w", err)
	}
	if err := manifest.check(); err != nil {
		return err
	}
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return fmt.Errorf("encrypting the backup: %w", err)
	}
	archive := tar.NewWriter(sealed)
	encoded, err := schemas.Canonical(manifest)
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if err := add(archive, manifestName, int64(len(encoded)), manifest.MadeAt); err != nil {
		return err
	}
	if _, err := archive.Write(encoded); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	for _, p := range manifest.Parts {
		if err := addFile(archive, dir, p, manifest.MadeAt); err != nil {
			return fmt.Errorf("writing %s: %w", p.Name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("ending the archive: %w", err)
	}
	if err := sealed.Close(); err != nil {
		return fmt.Errorf("encrypting the backup: %w", err)
	}
	return nil
}

func describe(dir, path string) (Part, error) {
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return Part{}, err
	}
	file, err := os.Open(path)
	if err != nil {
		return Part{}, err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	return Part{Name: filepath.ToSlash(name), Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

func add(archive *tar.Writer, name string, size int64, at time.Time) error {
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX})
}

func addFile(archive *tar.Writer, dir string, p Part, at time.Time) error {
	file, err := os.Open(filepath.Join(dir, filepath.FromSlash(p.Name)))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := add(archive, p.Name, p.Bytes, at); err != nil {
		return err
	}
	_, err = io.Copy(archive, file)
	return err
}
