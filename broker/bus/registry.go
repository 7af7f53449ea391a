package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/nats-io/nkeys"

	"comity/powercut"
	"comity/schemas"
)

const registryFile = "accounts.json"

// registryLimits bound the file: some hundred bytes an authority.
var registryLimits = schemas.Limits{Bytes: 16 << 20, Depth: 8}

// accountKey is the public nkey of an account. It stands in the subjects by which the accounts are told apart, and
// names the authority's consumer.
type accountKey string

// account is one authority's place on the bus. It is never deleted: an authority that returns finds its inbox again.
type account struct {
	Authority schemas.AuthorityID
	Key       accountKey
	// Stream is the inbox. It stands here, and is not computed, so that a large site can shard.
	Stream string
	seed   nkeys.KeyPair
}

// chunks is the stream of the chunks of evidence for this authority. It is in memory and empty after a restart, so nothing
// about it has to be kept.
func (a *account) chunks() string { return "chunks-" + string(a.Key) }

// house holds the accounts that are nobody's.
type house struct{ operator, system, auth, core nkeys.KeyPair }

// registry keeps the nkeys of all accounts, so that a restart gives the same accounts and with them the same
// inboxes. The file holds seeds: mode 0600, replaced as a whole and synced before anything relies on it.
type registry struct {
	path  string
	house house

	mu    sync.RWMutex
	byID  map[schemas.AuthorityID]*account
	byKey map[accountKey]*account
}

// registryOnDisk is the file's form.
type registryOnDisk struct {
	Operator string                            `json:"operator"`
	System   string                            `json:"system"`
	Auth     string                            `json:"auth"`
	Core     string                            `json:"core"`
	Accounts map[schemas.AuthorityID]diskEntry `json:"accounts"`
}

type diskEntry struct {
	Seed   string `json:"seed"`
	Stream string `json:"stream"`
}

// openRegistry reads the registry under dir, or begins one.
func openRegistry(dir string) (*registry, error) {
	r := &registry{
		path:  filepath.Join(dir, registryFile),
		byID:  make(map[schemas.AuthorityID]*account),
		byKey: make(map[accountKey]*account),
	}
	raw, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, r.begin()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the account registry: %w", err)
	}
	var disk registryOnDisk
	if err := schemas.Decode(raw, &disk, registryLimits); err != nil {
		return nil, fmt.Errorf("reading the account registry %q: %w", r.path, err)
	}
	if err := r.load(disk); err != nil {
		return nil, fmt.Errorf("reading the account registry %q: %w", r.path, err)
	}
	return r, nil
}

func (r *registry) begin() error {
	var err error
	create := func(make func() (nkeys.KeyPair, error)) nkeys.KeyPair {
		kp, e := make()
		err = errors.Join(err, e)
		return kp
	}
	r.house = house{
		operator: create(nkeys.CreateOperator), system: create(nkeys.CreateAccount),
		auth: create(nkeys.CreateAccount), core: create(nkeys.CreateAccount),
	}
	if err != nil {
		return fmt.Errorf("creating the broker's account keys: %w", err)
	}
	return powercut.Around(powercut.HousePrepared, r.save)
}

func (r *registry) load(disk registryOnDisk) error {
	var errs []error
	seed := func(what, s string) nkeys.KeyPair {
		kp, err := nkeys.FromSeed([]byte(s))
		if err != nil {
			errs = append(errs, fmt.Errorf("seed of %s: %w", what, err))
		}
		return kp
	}
	r.house = house{
		operator: seed("operator", disk.Operator), system: seed("system", disk.System),
		auth: seed("auth", disk.Auth), core: seed("core", disk.Core),
	}
	for id, entry := range disk.Accounts {
		kp := seed(string(id), entry.Seed)
		if kp == nil {
			continue
		}
		if err := r.put(id, entry.Stream, kp); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (r *registry) put(id schemas.AuthorityID, stream string, kp nkeys.KeyPair) error {
	public, err := kp.PublicKey()
	if err != nil {
		return fmt.Errorf("account key of %s: %w", id, err)
	}
	a := &account{Authority: id, Key: accountKey(public), Stream: stream, seed: kp}
	r.byID[id], r.byKey[a.Key] = a, a
	return nil
}

// admit makes accounts for the authorities that have none yet, and returns once they are on disk.
func (r *registry) admit(ids []schemas.AuthorityID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := [2]int{len(r.byID), len(r.byKey)}
	oldID, oldKey := maps.Clone(r.byID), maps.Clone(r.byKey)
	for _, id := range ids {
		if _, known := r.byID[id]; known {
			continue
		}
		kp, err := nkeys.CreateAccount()
		if err != nil {
			return fmt.Errorf("creating an account key for %s: %w", id, err)
		}
		if err := r.put(id, streamName(id), kp); err != nil {
			return err
		}
	}
	if before == [2]int{len(r.byID), len(r.byKey)} {
		return nil
	}
	if err := powercut.Around(powercut.AccountsKept, r.save); err != nil {
		r.byID, r.byKey = oldID, oldKey // what is not on disk does not exist
		return err
	}
	return nil
}

func (r *registry) authority(id schemas.AuthorityID) (*account, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a, ok := r.byID[id]
	return a, ok
}

func (r *registry) holder(key accountKey) (*account, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	a, ok := r.byKey[key]
	return a, ok
}

// save writes a new file beside the old one, syncs it, and puts it in its place. The caller holds mu, or is alone.
func (r *registry) save() error {
	disk := registryOnDisk{Accounts: make(map[schemas.AuthorityID]diskEntry, len(r.byID))}
	var errs []error
	seed := func(kp nkeys.KeyPair) string {
		s, err := kp.Seed()
		errs = append(errs, err)
		return string(s)
	}
	disk.Operator, disk.System = seed(r.house.operator), seed(r.house.system)
	disk.Auth, disk.Core = seed(r.house.auth), seed(r.house.core)
	for id, a := range r.byID {
		disk.Accounts[id] = diskEntry{Seed: seed(a.seed), Stream: a.Stream}
	}
	raw, err := json.Marshal(disk, json.Deterministic(true), jsontext.Multiline(true))
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("encoding the account registry: %w", err)
	}
	if err := replaceFile(r.path, raw); err != nil {
		return fmt.Errorf("writing the account registry: %w", err)
	}
	return nil
}

// replaceFile makes path hold exactly data, through a power cut too: either the old content or the new.
func replaceFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// streamName is readable for the operator; nothing is derived from it.
func streamName(id schemas.AuthorityID) string {
	return "inbox-" + strings.ReplaceAll(strings.ToLower(string(id)), "/", "-")
}
