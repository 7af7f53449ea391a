package pki

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"

	"comity/pki/internal/durable"
	"comity/pki/jose"
	"comity/schemas"
)

// load reads the keeper's own folder. Signatures are checked again, so that a damaged file is an error and not a
// surprise; time is not, because an expired document still remembers its version.
func (k *Keeper) load() error {
	if err := k.loadPin(); err != nil {
		return err
	}
	raw, err := readBounded(filepath.Join(k.dir, knownFile), jose.MaxSize)
	if err == nil {
		err = schemas.Decode(raw, &k.known, schemas.Limits{Bytes: jose.MaxSize, Depth: 4})
	}
	if err == nil {
		err = k.known.check()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("known CAs: %w", err)
	}
	raw, err = readBounded(filepath.Join(k.dir, trustListFile), jose.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	h, signedBy, err := readTrustList(raw, nil)
	if err != nil {
		return err
	}
	if err := underSigned(signedBy, h.signers, h.list.Threshold, "its own signers"); err != nil {
		return err
	}
	k.list, k.known = h, k.known.learn(h) // learned again: the last write may have been cut off after the list
	for _, row := range h.list.States {
		if err := k.loadState(row.State); err != nil {
			return err
		}
	}
	return nil
}

// loadPin compares the pin with the one that the folder was begun with.
func (k *Keeper) loadPin() error {
	path := filepath.Join(k.dir, pinFile)
	raw, err := readBounded(path, maxPin)
	if errors.Is(err, fs.ErrNotExist) {
		if raw, err = json.Marshal(k.pin); err != nil {
			return fmt.Errorf("writing pin: %w", err)
		}
		return durable.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		return err
	}
	var begun Pin
	if err := schemas.Decode(raw, &begun, schemas.DefaultLimits); err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	same := begun.Scheme == k.pin.Scheme && begun.Threshold == k.pin.Threshold &&
		slices.Equal(slices.Sorted(slices.Values(begun.Signers)), slices.Sorted(slices.Values(k.pin.Signers)))
	if !same {
		return refuse(ReasonPinChanged, "the folder was begun with other scheme signers")
	}
	return nil
}

const maxPin = 64 << 10

// loadState reads the entry and the revocation lists of a State that are on disk and not in memory.
func (k *Keeper) loadState(state schemas.StateCode) error {
	if k.dir == "" {
		return nil
	}
	if k.entries[state] == nil {
		raw, err := readBounded(filepath.Join(k.dir, entryFolder, state.Lower()+".jws"), jose.MaxSize)
		if err == nil {
			k.entries[state], err = readEntry(raw)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("stored directory entry of %s: %w", state, err)
		}
	}
	for _, ca := range k.list.cas[state] {
		if k.crls[jose.Thumbprint(ca)] != nil {
			continue
		}
		raw, err := readBounded(filepath.Join(k.dir, crlFolder, jose.Thumbprint(ca)+".crl"), maxCRL)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		h, err := readCRL(raw, k.list.cas)
		if err != nil {
			return fmt.Errorf("stored revocation list of %s: %w", state, err)
		}
		k.crls[h.issuer] = h
	}
	return nil
}

// Refresh looks at a published folder and takes what is acceptable: trust-list.json, then for each State on the list
// crl/<state>.crl (PEM, one block for each CA) and directory/<state>.jws. What is refused comes back in one error, and does
// not stop the rest. A State's file that is not there is not an error here: Warnings tells what is missing or stale.
func (k *Keeper) Refresh(published string) (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	defer k.publish()
	var refused []error
	note := func(better bool, err error) {
		changed = changed || better
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			refused = append(refused, err)
		}
	}
	raw, err := readBounded(filepath.Join(published, trustListFile), jose.MaxSize)
	if err != nil {
		refused = append(refused, err)
	} else {
		note(k.takeTrustList(raw))
	}
	if k.list == nil {
		return changed, errors.Join(refused...)
	}
	for _, row := range k.list.list.States {
		raw, err := readBounded(filepath.Join(published, crlFolder, row.State.Lower()+".crl"), maxCRL*maxCAsPerState)
		note(false, err)
		for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
			note(k.takeCRL(block.Bytes, row.State))
		}
		raw, err = readBounded(filepath.Join(published, entryFolder, row.State.Lower()+".jws"), jose.MaxSize)
		if err != nil {
			note(false, err)
			continue
		}
		note(k.takeEntry(raw, row.State))
	}
	return changed, errors.Join(refused...)
}

// readBounded reads a file up to a size.
func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	raw, err := io.ReadAll(io.LimitReader(file, most+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	if int64(len(raw)) > most {
		return nil, refuse(ReasonMalformed, "%s is larger than %d bytes", filepath.Base(path), most)
	}
	return raw, nil
}
