package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/backup"
)

func backupCommand() *cobra.Command {
	home, out, asked := "", "", api.Backup{}
	cmd := &cobra.Command{
		Use:   "backup -o FILE",
		Short: "Copy an authority's databases into one encrypted file, while its agent runs or not",
		Long: `Writes the agent's database, the protection register and the accepted trust documents as they are at this moment, encrypted
with age for the keys named by --to or under [backup] in agent.toml. No key is in the file: keep keys.store, register.key and
the keys of the authority somewhere else, and the register's key apart from all of it. Files of evidence are not in it, only what
is known of them: their folder, evidence/ in the agent's data, is sealed as it is and needs a copy of its own. "comity restore --check" proves that
a backup can be used; do so each time.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadHome(home)
			if err != nil {
				return err
			}
			if out == "" {
				return usagef("comity backup -o FILE", "no file is named that the backup is written to")
			}
			size, err := writeWhole(out, func(w io.Writer) error { return makeBackup(cmd.Context(), c, asked, w) })
			if err != nil {
				return fmt.Errorf("making a backup of %s: %w", c.Authority, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s, %d KiB; files of evidence are not in it\n", out, size>>10)
			return nil
		},
	}
	homeFlag(cmd, &home)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file to write; it must not exist")
	cmd.Flags().StringSliceVar(&asked.Recipients, "to", nil, "age keys (age1…) that open it (default: recipients under [backup] in agent.toml)")
	cmd.Flags().BoolVar(&asked.WithoutRegister, "without-register", false, "leave the protection register out")
	cmd.AddCommand(backupKeyCommand())
	return cmd
}

func homeFlag(cmd *cobra.Command, home *string) {
	cmd.Flags().StringVar(home, "home", "", "the authority's folder, which holds agent.toml (default: $"+homeVariable+", or the folder you are in)")
}

// makeBackup asks the running agent, and where there is none opens the databases itself.
func makeBackup(ctx context.Context, c agent.Config, asked api.Backup, w io.Writer) error {
	client := api.Dial(c.Socket, c.Authority, nil)
	defer client.Close()
	if _, err := client.Health(ctx); err == nil {
		return client.Backup(ctx, asked, w)
	}
	a, err := agent.New(ctx, c, agent.Options{})
	if err != nil {
		return err
	}
	return errors.Join(a.Backup(ctx, asked, w), a.Close())
}

// writeWhole writes a new file that is there whole or not at all.
func writeWhole(path string, write func(io.Writer) error) (size int64, err error) {
	if exists(path) {
		return 0, withHint(fmt.Errorf("%s exists already", path), "name another file: none that may be needed is replaced")
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".backup-*") // mode 0600
	if err != nil {
		return 0, err
	}
	defer os.Remove(file.Name())
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	info, failed := file.Stat()
	if err := errors.Join(err, failed, file.Close()); err != nil {
		return 0, err
	}
	return info.Size(), os.Rename(file.Name(), path)
}

func backupKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "key FILE",
		Short: "Make an age key: FILE opens backups, and what is printed encrypts them",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			identity, err := age.GenerateX25519Identity()
			if err != nil {
				return err
			}
			if _, err := writeWhole(args[0], func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "# opens backups made for %s\n%s\n", identity.Recipient(), identity)
				return err
			}); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), identity.Recipient())
			return nil
		},
	}
}

func restoreCommand() *cobra.Command {
	home, key, check, here := "", "", false, false
	cmd := &cobra.Command{
		Use:   "restore FILE --key AGE-KEY | restore --here",
		Short: "Put the databases of a backup in place, or prove that it can be done",
		Long: `Opens a backup with an age key, proves every part of it with the keys of this authority, and puts it in place. It overwrites
nothing: where there is a database already it is refused. When the agent starts it asks each peer what it has lost since the
backup was made, and seals nothing for a peer that has not answered; "comity doctor" says how far that is. The protection
register counts as not fed until the next feed is imported, so messages about identifiable persons wait.

A database that came back by other means, such as from a copy of the disk, does not know that it is an old one: tell it
with --here before the agent starts.`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := loadHome(home)
			if err != nil {
				return err
			}
			if here != (len(args) == 0) {
				return usagef("usage: "+cmd.UseLine(), "name a backup, or --here without one")
			}
			if here {
				if err := agent.MarkRestored(cmd.Context(), c, time.Now); err != nil {
					return fmt.Errorf("marking the database of %s as an old one: %w", c.Authority, err)
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "start the agent: it asks its peers for what came after")
				return err
			}
			identities, err := readAgeKey(key)
			if err != nil {
				return err
			}
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			if check {
				r, err := agent.CheckBackup(cmd.Context(), c, file, time.Now, identities...)
				return tellRestored(cmd.OutOrStdout(), r, err, true)
			}
			r, err := agent.Restore(cmd.Context(), c, file, time.Now, identities...)
			return tellRestored(cmd.OutOrStdout(), r, err, false)
		},
	}
	homeFlag(cmd, &home)
	cmd.Flags().StringVar(&key, "key", "", "the file with the age key that opens the backup")
	cmd.Flags().BoolVar(&check, "check", false, "prove that the backup is whole and that the keys here open it, and change nothing")
	cmd.Flags().BoolVar(&here, "here", false, "the database that stands here is an old one, which came back by other means")
	return cmd
}

func readAgeKey(path string) ([]age.Identity, error) {
	if path == "" {
		return nil, usagef("comity restore FILE --key AGE-KEY", "no key is named that opens the backup")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	identities, err := age.ParseIdentities(strings.NewReader(string(content)))
	if err != nil {
		return nil, withHint(fmt.Errorf("%s holds no age key", path), "comity backup key FILE makes one")
	}
	return identities, nil
}

func tellRestored(w io.Writer, r agent.Restored, err error, check bool) error {
	switch {
	case errors.Is(err, agent.ErrRestoreOver):
		return withHint(err, "stop the agent and move its databases away; keep them until you know what they lack")
	case errors.Is(err, agent.ErrRestoreOther):
		return withHint(err, "name the authority's own folder with --home")
	case backup.ReasonOf(err) == backup.ReasonKey:
		return withHint(err, "the backup was made for another age key")
	case err != nil:
		return err
	}
	what := "the agent's database"
	if r.Register {
		what += " and the protection register"
	}
	if check {
		_, err := fmt.Fprintf(w, "ok: %s of %s, as of %s\n", what, r.Authority, moment(r.MadeAt))
		return err
	}
	_, err = fmt.Fprintf(w, "restored %s of %s, as of %s\nstart the agent: it asks its peers for what came after; drafts and approvals since then are lost\nlogins and tokens are those of that time: end again what was ended since (comity user, comity client)\n", what, r.Authority, moment(r.MadeAt))
	if r.Register && err == nil {
		_, err = fmt.Fprintln(w, "then import the asylum authority's newest feed: until then messages about identifiable persons wait")
	}
	return err
}
