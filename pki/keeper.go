package pki

import (
	"crypto"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"comity/pki/internal/durable"
	"comity/schemas"
)

// Keeper holds the last good documents and takes better ones. It is safe for concurrent use; View never waits.
//
// Its folder is this program's own memory of what it has seen, and as such trusted: with it an attacker could make the
// keeper forget, and an older list look new. What is offered is in memory only after it is on disk.
type Keeper struct {
	dir string // "" for a keeper in memory alone
	pin Pin
	now func() time.Time

	view atomic.Pointer[View]

	// mu is held while a document is judged, stored and put into the next View.
	mu      sync.Mutex
	list    *heldList // nil before the first
	entries map[schemas.StateCode]*heldEntry
	crls    map[string]*heldCRL // by thumbprint of the CA
	known   knownCAs
}

// The folder of a keeper: these files, and the documents as published in directory/ and crl/.
const (
	pinFile       = "pin.json"
	trustListFile = "trust-list.json"
	knownFile     = "known-cas.json"
	entryFolder   = "directory"
	crlFolder     = "crl"
)

// OpenKeeper opens or begins the folder. A folder that belongs to another pin is refused: to change the pin, begin a new
// one.
func OpenKeeper(dir string, pin Pin, now func() time.Time) (*Keeper, error) {
	if err := pin.check(); err != nil {
		return nil, err
	}
	for _, folder := range []string{dir, filepath.Join(dir, entryFolder), filepath.Join(dir, crlFolder)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("opening trust folder: %w", err)
		}
	}
	k := newKeeper(dir, pin, now)
	if err := k.load(); err != nil {
		return nil, fmt.Errorf("opening trust folder: %w", err)
	}
	k.publish()
	return k, nil
}

// newKeeper is a keeper that has taken nothing. Without a folder it remembers for as long as it lives.
func newKeeper(dir string, pin Pin, now func() time.Time) *Keeper {
	return &Keeper{dir: dir, pin: pin, now: now, entries: map[schemas.StateCode]*heldEntry{}, crls: map[string]*heldCRL{},
		known: knownCAs{CAs: map[schemas.StateCode][][]byte{}, Confirmed: map[schemas.StateCode][]string{}}}
}

// keep writes a document into the folder.
func (k *Keeper) keep(name string, raw []byte) error {
	if k.dir == "" {
		return nil
	}
	return durable.WriteFile(filepath.Join(k.dir, name), raw, 0o600)
}

// View is the state of knowledge now. It is never nil.
func (k *Keeper) View() *View { return k.view.Load() }

func (k *Keeper) publish() { k.view.Store(newView(k.list, k.entries, k.crls)) }

// OfferTrustList takes a list if it is better than the one held. Offering the list that is held is no error.
func (k *Keeper) OfferTrustList(raw []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, err := k.takeTrustList(slices.Clone(raw))
	if changed {
		k.publish()
	}
	return err
}

// OfferEntry takes a State's directory entry if it is better than the one held.
func (k *Keeper) OfferEntry(raw []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, err := k.takeEntry(slices.Clone(raw), "")
	if changed {
		k.publish()
	}
	return err
}

// OfferCRL takes a CA's revocation list (DER) if it is better than the one held.
func (k *Keeper) OfferCRL(der []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed, err := k.takeCRL(slices.Clone(der), "")
	if changed {
		k.publish()
	}
	return err
}

// ConfirmCA records that the key officer here has checked a State's new CA by another road (thumbprint as in
// jose.Thumbprint). It opens the way for a list that names it; it does not by itself trust the CA.
func (k *Keeper) ConfirmCA(state schemas.StateCode, thumbprint string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := knownCAs{CAs: k.known.CAs, Confirmed: map[schemas.StateCode][]string{}}
	for s, list := range k.known.Confirmed {
		next.Confirmed[s] = slices.Clone(list)
	}
	next.Confirmed[state] = append(next.Confirmed[state], thumbprint)
	return k.saveKnown(next)
}

// takeTrustList judges a list:
//  1. by signatures: the threshold of the list held (or of the pin, for the first), and its own threshold;
//  2. by version and time;
//  3. by the succession of each State's CAs.
func (k *Keeper) takeTrustList(raw []byte) (changed bool, err error) {
	var trusted map[string]crypto.PublicKey
	if k.list != nil {
		trusted = k.list.signers
	}
	h, signedBy, err := readTrustList(raw, trusted)
	if err != nil {
		return false, err
	}
	threshold := k.pin.Threshold
	if k.list != nil {
		threshold = k.list.list.Threshold
	} else {
		trusted = k.pin.among(h.signers)
	}
	if err := underSigned(signedBy, trusted, threshold, "the signers trusted so far"); err != nil {
		return false, err
	}
	if err := underSigned(signedBy, h.signers, h.list.Threshold, "its own signers"); err != nil {
		return false, err
	}
	if h.list.Scheme != k.pin.Scheme {
		return false, refuse(ReasonTrustListInvalid, "trust list of another scheme")
	}
	if k.list != nil {
		if changed, err := newer(k.list.list.Version, h.list.Version, string(k.list.payload) == string(h.payload),
			versionReasons{ReasonTrustListOlder, ReasonTrustListConflict}, "trust list"); !changed {
			return false, err
		}
	}
	if err := h.checkFresh(k.now()); err != nil {
		return false, err
	}
	if err := k.known.checkSuccession(h); err != nil {
		return false, err
	}
	if err := k.keep(trustListFile, raw); err != nil {
		return false, err
	}
	if err := k.saveKnown(k.known.learn(h)); err != nil {
		return false, err
	}
	k.list = h
	// What is on disk about a State that was off the list for a while counts again.
	for _, row := range h.list.States {
		if err := k.loadState(row.State); err != nil {
			return true, err
		}
	}
	return true, nil
}

// takeEntry judges a directory entry: proven by its State's CA now, then by version and time. in is the State whose file
// it was found in, "" for any.
func (k *Keeper) takeEntry(raw []byte, in schemas.StateCode) (changed bool, err error) {
	h, err := readEntry(raw)
	if err != nil {
		return false, err
	}
	state := h.entry.State
	if in != "" && in != state {
		return false, refuse(ReasonWrongState, "directory entry of %s in the place of %s", state, in)
	}
	trust, ok := newView(k.list, nil, k.crls).states[state]
	if !ok {
		return false, refuse(ReasonUnknownState, "directory entry of %s, which is not on the trust list", state)
	}
	held := k.entries[state]
	if held != nil && string(held.raw) == string(raw) {
		return false, nil
	}
	if err := trust.proveEntry(h, k.now()); err != nil {
		return false, &Error{Reason: ReasonOf(err), What: "signer of the directory entry of " + string(state), Err: err}
	}
	if held != nil {
		if changed, err := newer(held.entry.Version, h.entry.Version, string(held.payload) == string(h.payload),
			versionReasons{ReasonEntryOlder, ReasonEntryConflict}, "directory entry of "+string(state)); !changed {
			return false, err
		}
	}
	if err := h.checkFresh(k.now()); err != nil {
		return false, err
	}
	if err := k.keep(filepath.Join(entryFolder, state.Lower()+".jws"), raw); err != nil {
		return false, err
	}
	k.entries[state] = h
	return true, nil
}

// takeCRL judges a revocation list: proven by a listed CA, then by number. One that is already stale is taken if it is
// newer than the one held: it still knows more.
func (k *Keeper) takeCRL(der []byte, in schemas.StateCode) (changed bool, err error) {
	if k.list == nil {
		return false, refuse(ReasonTrustListMissing, "revocation list before the trust list")
	}
	h, err := readCRL(der, k.list.cas)
	if err != nil {
		return false, err
	}
	if in != "" && in != h.state {
		return false, refuse(ReasonWrongState, "revocation list of %s in the place of %s", h.state, in)
	}
	if held := k.crls[h.issuer]; held != nil {
		switch order := h.number.Cmp(held.number); {
		case order < 0:
			return false, refuse(ReasonCRLOlder, "revocation list %v of %s, have %v", h.number, h.state, held.number)
		case order == 0 && string(held.raw) == string(h.raw):
			return false, nil
		case order == 0:
			return false, refuse(ReasonCRLConflict, "revocation list %v of %s has two contents", h.number, h.state)
		}
	}
	if h.thisUpdate.After(k.now().Add(clockSkewAllowed)) {
		return false, refuse(ReasonNotYetValid, "revocation list %v of %s", h.number, h.state)
	}
	if err := k.keep(filepath.Join(crlFolder, h.issuer+".crl"), der); err != nil {
		return false, err
	}
	k.crls[h.issuer] = h
	return true, nil
}

type versionReasons struct{ older, conflict Reason }

// newer compares versions. Equal content under an equal version is nothing new and no error.
func newer(held, offered uint64, same bool, reasons versionReasons, what string) (bool, error) {
	switch {
	case offered < held:
		return false, refuse(reasons.older, "%s %d, have %d", what, offered, held)
	case offered > held:
		return true, nil
	case same:
		return false, nil
	}
	return false, refuse(reasons.conflict, "%s %d has two contents", what, offered)
}

// saveKnown replaces the memory of CAs, on disk first.
func (k *Keeper) saveKnown(next knownCAs) error {
	raw, err := json.Marshal(next, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("writing known CAs: %w", err)
	}
	if err := k.keep(knownFile, raw); err != nil {
		return err
	}
	k.known = next
	return nil
}
