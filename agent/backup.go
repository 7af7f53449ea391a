package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"comity/agent/api"
	"comity/agent/backup"
	"comity/agent/store"
)

const eventBackedUp = "backed-up"

// backupDir is where copies stand while a backup is made. What a crash leaves of it is cleared at the next start.
const backupDir = ".backup-"

// parseRecipients reads age keys, one in each string.
func parseRecipients(keys []string) ([]age.Recipient, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	return age.ParseRecipients(strings.NewReader(strings.Join(keys, "\n")))
}

// Backup writes an encrypted copy of agent and register database and of the accepted trust documents to w, while the agent
// works. No key is in it.
func (a *Agent) Backup(ctx context.Context, b api.Backup, w io.Writer) error {
	keys := b.Recipients
	if len(keys) == 0 {
		keys = a.config.Backup
	}
	recipients, err := parseRecipients(keys)
	if err != nil || len(recipients) == 0 {
		return problem(api.ReasonRequest, "nobody is named whose key opens the backup", "name an age key: comity backup --to age1…, or recipients under [backup] in agent.toml; comity backup key FILE makes one")
	}
	if !a.copying.CompareAndSwap(false, true) {
		return problem(ReasonState, "a backup is being made already", "wait until it has ended")
	}
	defer a.copying.Store(false)

	dir, err := os.MkdirTemp(a.config.Data, backupDir+"*")
	if err != nil {
		return fmt.Errorf("making room for a backup: %w", err)
	}
	defer os.RemoveAll(dir)
	now := a.now()
	if err := a.copyParts(ctx, b, dir); err != nil {
		return err
	}
	if err := a.store.Update(ctx, func(tx *store.Tx) error {
		return a.recordHome(tx, eventBackedUp, "", sha256.Sum256([]byte(strings.Join(keys, "\n"))), "")
	}); err != nil {
		return err
	}
	return backup.Write(w, dir, a.me, now, recipients)
}

func (a *Agent) copyParts(ctx context.Context, b api.Backup, dir string) error {
	if err := a.store.Copy(ctx, filepath.Join(dir, backup.AgentPart), a.now()); err != nil {
		return err
	}
	if err := copyTrust(filepath.Join(a.config.Data, "trust"), filepath.Join(dir, "trust")); err != nil {
		return fmt.Errorf("copying the accepted trust documents: %w", err)
	}
	if b.WithoutRegister || a.config.Register.Path == "" {
		return nil
	}
	r, err := a.register.get(ctx)
	if err == nil {
		err = r.Copy(ctx, filepath.Join(dir, backup.RegisterPart))
	}
	if err != nil {
		return problem(ReasonRegister, "the protection register cannot be copied: "+err.Error(), "mend it, or leave it out with --without-register")
	}
	return nil
}

// copyTrust copies what is public anyway: so a restored agent accepts nothing older than it had. Each file is replaced as
// a whole by whoever writes it, so each is read whole.
func copyTrust(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), ".") { // a file on its way to its name
			return os.Remove(path)
		}
		return err
	})
}

// clearBackups removes what a crash left of a backup that was being made.
func clearBackups(data string) error {
	left, err := filepath.Glob(filepath.Join(data, backupDir+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}
