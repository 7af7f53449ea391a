package account

import (
	"crypto/fips140"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFIPSMode runs itself once more with Go's FIPS 140-3 mode on: passwords are then hashed with PBKDF2, and an Argon2id hash opens
// nothing.
func TestFIPSMode(t *testing.T) {
	if !fips140.Enabled() {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.CommandContext(t.Context(), self, "-test.run=^TestFIPSMode$", "-test.v")
		child.Env = append(os.Environ(), "GODEBUG=fips140=on")
		out, err := child.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestFIPSMode") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	stored, err := cheap.hash(good)
	if err != nil || !strings.HasPrefix(stored, "$pbkdf2-sha256$i=10$") {
		t.Errorf("hash %.20s, %v", stored, err)
	}
	if right, err := matches(stored, good); err != nil || !right {
		t.Errorf("%v, %v", right, err)
	}
	if right, err := matches("$argon2id$v=19$m=64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", good); right || !errors.Is(err, errForeignHash) {
		t.Errorf("Argon2id in FIPS mode: %v, %v", right, err)
	}
}
