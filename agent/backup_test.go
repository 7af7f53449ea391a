package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/register"
	"comity/agent/store"
	"comity/schemas"
)

func ageKey(t *testing.T) *age.X25519Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// backedUp is a backup that a desk makes now.
func (d *desk) backedUp(key *age.X25519Identity) []byte {
	d.t.Helper()
	var file bytes.Buffer
	if err := d.Backup(d.t.Context(), api.Backup{Recipients: []string{key.Recipient().String()}}, &file); err != nil {
		d.t.Fatal(err)
	}
	return file.Bytes()
}

// elsewhere is the desk's configuration on another machine, to which people have brought its keys.
func (d *desk) elsewhere() Config {
	c, dir := d.config, d.t.TempDir()
	c.Data, c.Socket = filepath.Join(dir, "data"), filepath.Join(dir, "agent.sock")
	c.Register.Path = filepath.Join(dir, "register", "register.db")
	return c
}

// restoreTo opens the desk anew from a backup, in place of the one that it was.
func (d *desk) restoreTo(c Config, file []byte, key *age.X25519Identity) *desk {
	d.t.Helper()
	if _, err := Restore(d.t.Context(), c, bytes.NewReader(file), d.now, key); err != nil {
		d.t.Fatal(err)
	}
	a, err := New(d.t.Context(), c, Options{Now: d.now, Log: d.log})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { a.Close() })
	restored := &desk{Agent: a, t: d.t, w: d.w, keys: d.keys}
	d.w.desks[d.me] = restored
	return restored
}

func TestABackupIsMadeAndRestored(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m, n := w.desks[qm], w.desks[qn]
	first := m.send(draft(t, qn, "request", "", ""))
	n.send(draft(t, qm, "request", "", ""))
	w.carry(t)
	if _, err := m.PutRegister(t.Context(), "protection-1", []byte(`{"ref":"r-1","status":"granted","names":["TESTPERSON ALPHA-01"],"nationalities":["QP"],"feared_states":["QP"],"updated":"2026-11-20"}`)); err != nil {
		t.Fatal(err)
	}

	// Backed up while the desk works.
	working, stop := context.WithCancel(t.Context())
	ended := make(chan int)
	go func() {
		written := 0
		for ; working.Err() == nil; written++ {
			if _, err := m.Draft(t.Context(), "officer-1", draft(t, qn, "request", "", "")); err != nil {
				t.Error(err)
				break
			}
		}
		ended <- written
	}()
	key := ageKey(t)
	file := m.backedUp(key)
	stop()
	t.Logf("%d KiB, while %d drafts were written", len(file)>>10, <-ended)

	c := m.elsewhere()
	checked, err := CheckBackup(t.Context(), c, bytes.NewReader(file), m.now, key)
	if err != nil || checked.Authority != qm || !checked.Register {
		t.Fatalf("checking: %+v %v", checked, err)
	}
	if _, err := os.Stat(filepath.Join(c.Data, "agent.db")); !errors.Is(err, os.ErrNotExist) {
		t.Error("checking a backup put something in place")
	}
	restored := m.restoreTo(c, file, key)
	if got := restored.message(qm, first.ID); got.State != store.Delivered || got.JWSSHA256 != first.JWSSHA256 || !bytes.Equal(got.JWS, first.JWS) {
		t.Errorf("after the restore the request is %s, or other bytes", got.State)
	}
	if got := restored.trust.View().TrustList().Version; got != m.trust.View().TrustList().Version {
		t.Errorf("the trust list is version %d", got)
	}
	if up := restored.alarms(); !hasAlarm(up, "restored as of 2026-11-23T10:00:00Z") {
		t.Errorf("alarms of a restored desk: %v", up)
	}
	// What came under protection since the backup is not in it: nobody may be taken for unprotected before the next feed.
	state, err := restored.RegisterState(t.Context())
	if err != nil || !state.Reachable || state.Fresh || state.Entries != 1 {
		t.Errorf("the register is %+v, %v; want one entry, and not fresh", state, err)
	}
	answer, err := restored.register.Look(t.Context(), register.Question{Persons: []schemas.Identity{{Names: []string{"TESTPERSON ZULU-26"}}}})
	if err != nil || answer.Fresh {
		t.Errorf("a stranger is known not to be protected: %+v %v", answer, err)
	}
}

func TestARestoreOverwritesNothing(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	m := w.desks[qm]
	m.send(draft(t, qn, "request", "", "")) // with nothing sealed in it, any key would open the database
	key := ageKey(t)
	file := m.backedUp(key)
	restore := func(c Config, keys ...age.Identity) error {
		_, err := Restore(t.Context(), c, bytes.NewReader(file), m.now, keys...)
		return err
	}
	if err := restore(m.config, key); !errors.Is(err, ErrRestoreOver) {
		t.Errorf("over the database: %v", err)
	}
	registerOnly := m.elsewhere()
	registerOnly.Register.Path = m.config.Register.Path
	if err := restore(registerOnly, key); !errors.Is(err, ErrRestoreOver) {
		t.Errorf("over the register: %v", err)
	}
	other := w.desks[qn].elsewhere()
	if err := restore(other, key); !errors.Is(err, ErrRestoreOther) {
		t.Errorf("at another authority: %v", err)
	}
	otherKey := m.elsewhere()
	otherKey.Keys.Store = w.desks[qn].config.Keys.Store
	if err := restore(otherKey, key); !errors.Is(err, store.ErrColumn) {
		t.Errorf("with another store key: %v", err)
	}
	foreign := m.elsewhere()
	foreign.Register.Key = w.desks[qn].config.Register.Key
	if err := restore(foreign, key); !errors.Is(err, register.ErrForeignKey) {
		t.Errorf("with another register key: %v", err)
	}
	for _, c := range []Config{other, otherKey, foreign} {
		left, err := filepath.Glob(filepath.Join(c.Data, "*"))
		if err != nil || len(left) > 0 {
			t.Errorf("a refused restore left %v, %v", left, err)
		}
		if _, err := os.Stat(c.Register.Path); !errors.Is(err, os.ErrNotExist) {
			t.Error("a refused restore put a register in place")
		}
	}
}

// No private key, and least of all the register's, stands in a backup: not by name, and not by its bytes.
func TestNoKeyIsInABackup(t *testing.T) {
	w := newWorldOf(t, qm)
	m := w.desks[qm]
	key := ageKey(t)
	plain, err := age.Decrypt(bytes.NewReader(m.backedUp(key)), key)
	if err != nil {
		t.Fatal(err)
	}
	var content strings.Builder
	if _, err := io.Copy(&content, plain); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{m.config.Keys.Store, m.config.Register.Key, m.config.Keys.Signing, m.config.Keys.Encryption, m.config.Keys.TLS} {
		secret, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(content.String(), string(secret)) || strings.Contains(content.String(), "PRIVATE KEY") {
			t.Errorf("%s is in the backup", filepath.Base(path))
		}
	}
	if !strings.Contains(content.String(), "CREATE TABLE message") {
		t.Error("the database is not in the backup: the search above proves nothing")
	}
}

func TestABackupNeedsSomebodyWhoCanOpenIt(t *testing.T) {
	w := newWorldOf(t, qm)
	m := w.desks[qm]
	err := m.Backup(t.Context(), api.Backup{}, &bytes.Buffer{})
	wantProblem(t, err, api.ReasonRequest)
	m.config.Backup = []string{ageKey(t).Recipient().String()}
	if err := m.Backup(t.Context(), api.Backup{}, &bytes.Buffer{}); err != nil {
		t.Errorf("for the recipients of the configuration: %v", err)
	}
	m.copying.Store(true)
	wantProblem(t, m.Backup(t.Context(), api.Backup{}, &bytes.Buffer{}), ReasonState)
	m.copying.Store(false)
	if err := os.Rename(m.config.Register.Path, m.config.Register.Path+".away"); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, m.Backup(t.Context(), api.Backup{}, &bytes.Buffer{}), ReasonRegister)
	if err := m.Backup(t.Context(), api.Backup{WithoutRegister: true}, &bytes.Buffer{}); err != nil {
		t.Errorf("without the register: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(m.config.Data, backupDir+"*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Who may log in comes back with a backup; who was logged in does not.
func TestABackupHasLoginsAndNoSessions(t *testing.T) {
	w := newWorldOf(t, qm, qn)
	d, key := w.desks[qm], ageKey(t)
	if err := d.accounts.AddWith(t.Context(), "", "registrar", []people.Role{people.Registrar}, webPassword); err != nil {
		t.Fatal(err)
	}
	token, err := d.accounts.AddClient(t.Context(), "", "case-system", people.Registrar)
	if err != nil {
		t.Fatal(err)
	}
	before, err := d.accounts.Login(t.Context(), "registrar", webPassword)
	if err != nil {
		t.Fatal(err)
	}
	file := d.backedUp(key)
	d.Close()
	restored := d.restoreTo(d.elsewhere(), file, key)
	request := httptest.NewRequest(http.MethodGet, "https://localhost/", nil)
	request.AddCookie(before.Cookie)
	if s, err := restored.accounts.Session(t.Context(), request); s != nil || err != nil {
		t.Errorf("a session came back: %v, %v", s, err)
	}
	if _, err := restored.accounts.Login(t.Context(), "registrar", webPassword); err != nil {
		t.Errorf("logging in: %v", err)
	}
	if machine, err := restored.accounts.Machine(t.Context(), token); machine == nil || err != nil || machine.Name != "case-system" {
		t.Errorf("the token: %v, %v", machine, err)
	}
	wrong := d.elsewhere()
	wrong.Keys.Store = filepath.Join(t.TempDir(), "store.key")
	if err := store.WriteNewKey(wrong.Keys.Store); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), wrong, bytes.NewReader(file), d.now, key); err == nil {
		t.Error("a backup whose only sealed columns are those of accounts was restored with another key")
	}
}
