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

	"github.com/spf13/cobra"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/register"
)

func registerCommand() *cobra.Command {
	return group("register", "Keep the protection register (protection officers)",
		registerInitCommand(), registerPutCommand("add"), registerPutCommand("update"), registerImportCommand(), registerStatusCommand())
}

func registerInitCommand() *cobra.Command {
	home := ""
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make an empty register where agent.toml says, and its key unless there is one",
		Long: `Makes the database and the key that [register] in agent.toml names. Until a feed has been imported everybody's status is
unknown, and every message about an identifiable person is held. Keep the key apart from the database and from backups of
it: whoever has both can guess names one by one.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadHome(home)
			if err != nil {
				return err
			}
			if c.Register.Path == "" {
				return withHint(errors.New("agent.toml names no register"), "add [register] with path and key, each relative to the file")
			}
			made, err := register.Create(cmd.Context(), agent.RegisterConfig(c, time.Now))
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "made %s\n", c.Register.Path)
			return made.Close()
		},
	}
	cmd.Flags().StringVar(&home, "home", "", "the authority's folder, which holds agent.toml (default: $"+homeVariable+", or the folder you are in)")
	return cmd
}

// registerPutCommand is add or update: both say the whole record, and the answer says which of the two it was.
func registerPutCommand(verb string) *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   verb + " FILE",
		Short: map[string]string{"add": "Add one person: FILE is a record as JSON (- reads standard input)", "update": "Change one person: FILE is the whole record as it is to be"}[verb],
		Long:  "A record is an identity with ref, status, feared_states, linked, consent and updated; agent/register/README.md has each member.",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			record, err := readAll(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return withRegister(cmd, d, func(ctx context.Context, c *api.Client) (api.RegisterReport, error) {
				return c.PutRegister(ctx, record)
			})
		},
	}
	d.flags(cmd)
	return cmd
}

func registerImportCommand() *cobra.Command {
	d, format := &desk{}, ""
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Import a feed of the asylum authority: JSON Lines or CSV (- reads standard input)",
		Long: `Takes the whole feed or nothing of it: every row that cannot be taken is named by its line and a reason, never by a value. A
feed keeps the register fresh for 26 hours, an empty one too; with an old one everybody's status is unknown, which holds.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format == "" {
				format = "jsonl"
				if strings.EqualFold(filepath.Ext(args[0]), ".csv") {
					format = "csv"
				}
			}
			feed, err := readAll(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return withRegister(cmd, d, func(ctx context.Context, c *api.Client) (api.RegisterReport, error) {
				return c.ImportRegister(ctx, format, feed)
			})
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "", "jsonl or csv (default: by the file's ending)")
	return cmd
}

func readAll(stdin io.Reader, name string) ([]byte, error) {
	source := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		source = file
	}
	content, err := io.ReadAll(io.LimitReader(source, api.MaxFeed+1))
	if err == nil && len(content) > api.MaxFeed {
		err = withHint(fmt.Errorf("%s is larger than %d bytes", name, api.MaxFeed), "split the feed")
	}
	return content, err
}

// withRegister does one thing with the register and prints what became of it.
func withRegister(cmd *cobra.Command, d *desk, do func(context.Context, *api.Client) (api.RegisterReport, error)) error {
	client, stop, err := d.openAnyway(cmd.Context())
	if err != nil {
		return err
	}
	defer stop()
	report, err := do(cmd.Context(), client)
	if err != nil {
		return fmt.Errorf("changing the register: %w", err)
	}
	if d.json {
		if err := printJSON(cmd, report); err != nil {
			return err
		}
	} else {
		printReport(cmd.OutOrStdout(), report)
	}
	if len(report.Bad) > 0 {
		return withHint(fmt.Errorf("nothing was taken: rows that cannot be: %d", len(report.Bad)), "mend the rows named and hand the whole feed in again")
	}
	return nil
}

func printReport(w io.Writer, r api.RegisterReport) {
	for _, bad := range r.Bad {
		fmt.Fprintf(w, "line %d: %s %s\n", bad.Line, bad.Reason, bad.Member)
	}
	if len(r.Bad) == 0 {
		fmt.Fprintf(w, "%d added, %d updated, %d deleted, %d unchanged\n", r.Added, r.Updated, r.Deleted, r.Unchanged)
	}
}

func registerStatusCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell whether the register can be asked, and how old its feed is",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, stop, err := d.openAnyway(cmd.Context())
			if err != nil {
				return err
			}
			defer stop()
			state, err := client.RegisterState(cmd.Context())
			if err != nil {
				return fmt.Errorf("asking the register: %w", err)
			}
			if d.json {
				return printJSON(cmd, state)
			}
			return printRegisterState(cmd.OutOrStdout(), state)
		},
	}
	d.flags(cmd)
	return cmd
}

func printRegisterState(w io.Writer, s api.RegisterState) error {
	if !s.Reachable {
		return withHint(fmt.Errorf("the register cannot be asked: %s", s.Detail), "while this lasts, every message about an identifiable person is held")
	}
	feed := "no feed yet"
	if !s.Feed.IsZero() {
		feed = "feed of " + moment(s.Feed)
	}
	word := "fresh"
	if !s.Fresh {
		word = "stale: everybody's status is unknown, which holds; import a feed"
	}
	_, err := fmt.Fprintf(w, "%d entries, %s, %s\n", s.Entries, feed, word)
	return err
}
