package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/cmd/comity/clerk"
	"comity/schemas"
)

// signing is a command by which a person puts their name to exact bytes.
type signing struct {
	use, verb, short, long string
	sign                   func(*api.Client) func(context.Context, schemas.MessageID, string) (api.Message, error)
}

func approveCommand() *cobra.Command {
	return signing{
		use: "approve ID", verb: "approving", short: "Approve exactly the bytes of a message that another person drafted",
		long: `Fetches the message, shows what it is, checks that the hash is that of the content shown, and approves this hash. If
somebody edits the draft meanwhile, the approval fails. With --sha256 only the bytes that you name are approved: those
that you read before with "comity message show".`,
		sign: func(c *api.Client) func(context.Context, schemas.MessageID, string) (api.Message, error) {
			return c.Approve
		},
	}.command()
}

func signCommand() *cobra.Command {
	return signing{
		use: "sign ID", verb: "signing", short: "Let a live border alert of your own go with one signature (border duty desk)",
		long: `For the types of message that may leave before a second person has read them, which is the live border alert alone. It
leaves at once. A colleague owes it a second look within twelve hours: comity message second-look.`,
		sign: func(c *api.Client) func(context.Context, schemas.MessageID, string) (api.Message, error) {
			return c.SignAlone
		},
	}.command()
}

func secondLookCommand() *cobra.Command {
	return signing{
		use: "second-look ID", verb: "looking again at", short: "Be the second pair of eyes on a message that left with one signature (approvers)",
		long: `Records that you have read exactly these bytes. It undoes nothing: the message has left. If something is wrong with it,
withdraw it or close its case.`,
		sign: func(c *api.Client) func(context.Context, schemas.MessageID, string) (api.Message, error) {
			return c.LookAgain
		},
	}.command()
}

func (s signing) command() *cobra.Command {
	d, pinned := &desk{}, ""
	cmd := &cobra.Command{
		Use: s.use, Short: s.short, Long: s.long,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, d, args[0], pinned) },
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&pinned, "sha256", "", "only if the payload has this SHA-256")
	return cmd
}

func (s signing) run(cmd *cobra.Command, d *desk, typed, pinned string) error {
	client, err := d.open()
	if err != nil {
		return err
	}
	m, err := findMessage(cmd, client, typed)
	if err != nil {
		return err
	}
	switch err := clerk.CheckShown(m); {
	case errors.Is(err, clerk.ErrNotShown):
		return withHint(err, "your role may not read content, so it cannot sign for it")
	case err != nil:
		return withHint(err, "do not sign; tell the key officer")
	}
	if pinned != "" && pinned != m.SHA256 {
		return withHint(fmt.Errorf("message %s: its bytes are not those of --sha256; it stands at %s", m.ID, m.SHA256),
			"somebody edited it since you read it: read it again with `comity message show "+string(m.ID)+"`")
	}
	if !d.json {
		printSummary(cmd.ErrOrStderr(), m)
	}
	signed, err := s.sign(client)(cmd.Context(), m.ID, m.SHA256)
	if err != nil {
		return fmt.Errorf("%s %s: %w", s.verb, m.ID, err)
	}
	return printStanding(cmd, d, signed)
}
