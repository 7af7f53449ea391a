package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/schemas"
)

func messageCommand() *cobra.Command {
	return group("message", "Draft, approve and read messages",
		draftCommand(), approveCommand(), signCommand(), secondLookCommand(), listCommand(), showCommand(), discardCommand())
}

// findMessage fetches the one message whose id begins with what was typed.
func findMessage(cmd *cobra.Command, client *api.Client, typed string) (api.Message, error) {
	if err := idPrefix(typed); err != nil {
		return api.Message{}, err
	}
	return client.Message(cmd.Context(), typed)
}

// openMessage is findMessage by a client that it opens.
func openMessage(cmd *cobra.Command, d *desk, typed string) (*api.Client, api.Message, error) {
	client, err := d.open()
	if err != nil {
		return nil, api.Message{}, err
	}
	m, err := findMessage(cmd, client, typed)
	return client, m, err
}

func discardCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "discard ID",
		Short: "Give up a draft that has not left",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return act(cmd, d, args[0], func(c *api.Client, id schemas.MessageID) (api.Message, error) { return c.Discard(cmd.Context(), id) })
		},
	}
	d.flags(cmd)
	return cmd
}

// act finds a message, does one thing with it and prints where it stands then.
func act(cmd *cobra.Command, d *desk, typed string, do func(*api.Client, schemas.MessageID) (api.Message, error)) error {
	client, err := d.open()
	if err != nil {
		return err
	}
	m, err := findMessage(cmd, client, typed)
	if err != nil {
		return err
	}
	after, err := do(client, m.ID)
	if err != nil {
		return fmt.Errorf("%s %s: %w", cmd.Name(), m.ID, err)
	}
	return printStanding(cmd, d, after)
}

// printStanding prints one line: where the message stands now.
func printStanding(cmd *cobra.Command, d *desk, m api.Message) error {
	if d.json {
		return printJSON(cmd, m)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s %s to %s: %s\n", m.ID, m.Type, m.To, m.State)
	return err
}

func listCommand() *cobra.Command {
	d, q, peer, inCase := &desk{}, &api.Query{}, "", ""
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List messages, newest first",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if peer != "" {
				if q.Peer, err = schemas.ParseAuthorityID(peer); err != nil {
					return usagef("write it as QN/justice", "--peer: %w", err)
				}
			}
			return list(cmd, d, q, inCase)
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	cmd.Flags().StringVar(&q.State, "state", "", "only those in this state, such as in-review, approved, delivered, received")
	cmd.Flags().StringVar(&inCase, "case", "", "only those of this case: an id, or its beginning")
	cmd.Flags().StringVar(&peer, "peer", "", "only those with this authority, such as QN/justice")
	cmd.Flags().IntVar(&q.Limit, "limit", 50, "how many at most")
	return cmd
}

func list(cmd *cobra.Command, d *desk, q *api.Query, inCase string) error {
	client, err := d.open()
	if err != nil {
		return err
	}
	if inCase != "" {
		c, err := findCase(cmd, client, inCase)
		if err != nil {
			return fmt.Errorf("--case: %w", err)
		}
		q.Case = c.ID
	}
	messages, err := client.Messages(cmd.Context(), *q)
	if err != nil {
		return fmt.Errorf("listing messages: %w", err)
	}
	if d.json {
		return printJSON(cmd, api.Messages{Messages: messages})
	}
	if d.ids {
		return printIDs(cmd.OutOrStdout(), messages, func(m api.Message) schemas.MessageID { return m.ID })
	}
	return printMessages(cmd.OutOrStdout(), messages)
}
