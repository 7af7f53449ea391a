package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/schemas"
)

func reviewExportCommand() *cobra.Command {
	return group("export", "Decide on files of cases under review (protection officers)",
		exportListCommand(), exportShowCommand(), exportReleaseCommand(),
		exportEndCommand("return ID", "Close a review without a release; who asked is told that it stays, and no reason", (*api.Client).ReturnHandout),
		exportEndCommand("block ID", "Close the review of a file that must not be handed out; others see it as under review all the same", (*api.Client).BlockHandout))
}

func exportListCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the files of cases that wait for a decision, the oldest first",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing reviews of case files", func(c *api.Client) (api.Handouts, error) {
				found, err := c.Handouts(cmd.Context())
				return api.Handouts{Handouts: found}, err
			}, func(w io.Writer, found api.Handouts) error { return printHandouts(w, found.Handouts, d.ids) })
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	return cmd
}

func printHandouts(w io.Writer, handouts []api.Handout, idsOnly bool) error {
	if idsOnly {
		return printIDs(w, handouts, func(h api.Handout) schemas.MessageID { return h.ID })
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tOUTCOME\tCASE\tFOR\tMESSAGES\tHELD\tSINCE\tRELEASED BY")
	for _, h := range handouts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", h.ID, h.Outcome, h.Case, h.Reader, h.Messages, len(h.Held), moment(h.OpenedAt), strings.Join(h.ReleasedBy, ", "))
	}
	return table.Flush()
}

func exportShowCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show the file of a case under review: for whom, and which messages stand in the way",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := handoutID(args[0])
			if err != nil {
				return err
			}
			return answer(cmd, d, "showing the review of a case file", func(c *api.Client) (api.Handout, error) { return c.Handout(cmd.Context(), id) }, printHandout)
		},
	}
	d.flags(cmd)
	return cmd
}

// handoutID is the whole id: "comity review alerts" and "comity review export list" show it.
func handoutID(typed string) (schemas.MessageID, error) {
	id, err := schemas.ParseMessageID(typed)
	if err != nil {
		return "", withHint(fmt.Errorf("%q is no id of a review: %w", typed, err), "comity review export list shows the ids")
	}
	return id, nil
}

func printHandout(w io.Writer, h api.Handout) error {
	fmt.Fprintf(w, "Case      %s with %s\n", h.Case, h.Peer)
	fmt.Fprintf(w, "For       %s, asked by %s\n", h.Reader, h.AskedBy)
	fmt.Fprintf(w, "Outcome   %s\n", h.Outcome)
	fmt.Fprintf(w, "Messages  %d, of which %d stand in the way\n", h.Messages, len(h.Held))
	for _, m := range h.Held {
		fmt.Fprintf(w, "\nMessage   %s from %s: %s by %s\n", m.ID, m.From, m.Outcome, strings.Join(m.Rules, ", "))
		fmt.Fprintf(w, "Why       %s\n", m.Why)
		for _, g := range m.Grounds {
			if g.Person != "" {
				fmt.Fprintf(w, "Ground    %s %s: %s\n", g.Rule, g.Verdict, g.Person)
			}
		}
		if len(m.ProtectFrom) > 0 {
			fmt.Fprintf(w, "Protect   from %s\n", join(m.ProtectFrom))
		}
		fmt.Fprintf(w, "Read      comity message show %s\n", m.ID)
	}
	fmt.Fprintln(w)
	if len(h.ReleasedBy) > 0 {
		fmt.Fprintf(w, "Released  by %s; it takes two\n", strings.Join(h.ReleasedBy, ", "))
	}
	standing := "open"
	if h.Closing != "" {
		standing = h.Closing
	}
	_, err := fmt.Fprintf(w, "Since     %s, %s\n", moment(h.OpenedAt), standing)
	return err
}

func exportReleaseCommand() *cobra.Command {
	d, necessity := &desk{}, ""
	cmd := &cobra.Command{
		Use:   "release ID",
		Short: "Put your name to handing out the file of a case; it takes two protection officers",
		Long: `Shows the decision, and releases exactly this: this reader, these messages, and what the rules say of each. After the second
officer's word the approver who asked gives the same command again. A block cannot be released.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := handoutID(args[0])
			if err != nil {
				return err
			}
			client, err := d.open()
			if err != nil {
				return err
			}
			h, err := client.Handout(cmd.Context(), id)
			if err != nil {
				return fmt.Errorf("releasing %s: %w", id, err)
			}
			if !d.json {
				if err := printHandout(cmd.ErrOrStderr(), h); err != nil {
					return err
				}
			}
			if h, err = client.ReleaseHandout(cmd.Context(), id, api.HandoutRelease{Digest: h.Digest, Necessity: necessity}); err != nil {
				return fmt.Errorf("releasing %s: %w", id, err)
			}
			return printEnded(cmd, d, h)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&necessity, "necessity", "", "why the reader needs it, where a rule asks for that (ASY-07)")
	return cmd
}

func exportEndCommand(use, short string, end func(*api.Client, context.Context, schemas.MessageID) (api.Handout, error)) *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := handoutID(args[0])
			if err != nil {
				return err
			}
			client, err := d.open()
			if err != nil {
				return err
			}
			h, err := end(client, cmd.Context(), id)
			if err != nil {
				return fmt.Errorf("%s %s: %w", cmd.Name(), id, err)
			}
			return printEnded(cmd, d, h)
		},
	}
	d.flags(cmd)
	return cmd
}

// printEnded prints one line: where the review stands now.
func printEnded(cmd *cobra.Command, d *desk, h api.Handout) error {
	if d.json {
		return printJSON(cmd, h)
	}
	standing := h.Closing
	if standing == "" {
		standing = fmt.Sprintf("released by %s; it takes two", strings.Join(h.ReleasedBy, ", "))
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s case %s for %s: %s\n", h.ID, h.Case, h.Reader, standing)
	return err
}
