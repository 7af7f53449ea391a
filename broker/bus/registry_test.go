package bus

import (
	"os"
	"path/filepath"
	"testing"

	"comity/schemas"
)

func TestRegistryGivesTheSameAccountsAfterARestart(t *testing.T) {
	dir := t.TempDir()
	first, err := openRegistry(dir)
	if err != nil {
		t.Fatal(err)
	}
	ids := []schemas.AuthorityID{"QM/justice", "QN/border"}
	if err := first.admit(ids); err != nil {
		t.Fatal(err)
	}
	second, err := openRegistry(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.admit(append(ids, "QP/justice")); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		a, _ := first.authority(id)
		b, ok := second.authority(id)
		if !ok || a.Key != b.Key || a.Stream != b.Stream {
			t.Errorf("%s: account changed", id)
		}
		if holder, ok := second.holder(a.Key); !ok || holder.Authority != id {
			t.Errorf("%s is not found by its key", id)
		}
	}
	if _, ok := first.authority("QP/justice"); ok {
		t.Error("the first registry knows what it did not admit")
	}
}

func TestRegistryIsForTheBrokerAlone(t *testing.T) {
	dir := t.TempDir()
	if _, err := openRegistry(dir); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, registryFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600: it holds seeds", info.Mode().Perm())
	}
}

func TestRegistryThatCannotBeReadIsAnError(t *testing.T) {
	for name, content := range map[string]string{
		"not JSON":       "seeds",
		"unknown member": `{"operator":"","system":"","auth":"","core":"","accounts":{},"more":1}`,
		"no seed":        `{"operator":"SO","system":"SA","auth":"SA","core":"SA","accounts":{}}`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, registryFile), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := openRegistry(dir); err == nil {
				t.Fatal("opened; a new one would lose every inbox")
			}
		})
	}
}

// What could not be written does not exist: the next admission begins afresh.
func TestRegistryForgetsWhatItCouldNotWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := openRegistry(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.admit([]schemas.AuthorityID{"QM/justice"}); err == nil {
		t.Fatal("admitted without a disk")
	}
	if _, ok := r.authority("QM/justice"); ok {
		t.Error("an account that is not on disk is in use")
	}
}
