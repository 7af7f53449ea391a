package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"

	"comity/schemas"
)

// Read decrypts a backup into dir, which must be empty and the caller's alone. On an error dir may hold parts that nobody
// must use.
func Read(r io.Reader, dir string, identities ...age.Identity) (Manifest, error) {
	plain, err := age.Decrypt(r, identities...)
	if err != nil {
		if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
			return Manifest{}, &Error{ReasonKey, err}
		}
		return Manifest{}, &Error{ReasonMalformed, err}
	}
	archive := tar.NewReader(plain)
	manifest, err := readManifest(archive)
	if err != nil {
		return Manifest{}, err
	}
	for _, p := range manifest.Parts { // in the order of the manifest, and no other
		header, err := archive.Next()
		if err != nil {
			return Manifest{}, &Error{ReasonMalformed, cutOff(err)}
		}
		if header.Typeflag != tar.TypeReg || header.Name != p.Name || header.Size != p.Bytes {
			return Manifest{}, &Error{ReasonPart, fmt.Errorf("%s is not what stands there", p.Name)}
		}
		if err := extract(archive, dir, p); err != nil {
			return Manifest{}, err
		}
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return Manifest{}, &Error{ReasonPart, errors.New("the archive holds more than its manifest names")}
	}
	if _, err := io.Copy(io.Discard, plain); err != nil { // to the end: only there is the whole of it authenticated
		return Manifest{}, &Error{ReasonMalformed, err}
	}
	return manifest, nil
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it ends before its last part")
	}
	return err
}

func readManifest(archive *tar.Reader) (Manifest, error) {
	var m Manifest
	header, err := archive.Next()
	if err != nil {
		return m, &Error{ReasonMalformed, cutOff(err)}
	}
	if header.Name != manifestName || header.Typeflag != tar.TypeReg || header.Size > maxManifest {
		return m, &Error{ReasonMalformed, errors.New("it does not begin with a manifest")}
	}
	encoded, err := io.ReadAll(archive)
	if err != nil {
		return m, &Error{ReasonMalformed, err}
	}
	if err := schemas.Decode(encoded, &m, schemas.PayloadLimits); err != nil {
		return m, &Error{ReasonMalformed, err}
	}
	return m, m.check()
}

func extract(archive io.Reader, dir string, p Part) error {
	path := filepath.Join(dir, filepath.FromSlash(p.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, sum), archive)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("extracting %s: %w", p.Name, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.SHA256 {
		return &Error{ReasonPart, fmt.Errorf("%s has other bytes than the manifest says", p.Name)}
	}
	return nil
}
