package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
)

func retentionCommand() *cobra.Command {
	return group("retention", "List, confirm and stop the erasure of cases whose time is over",
		retentionListCommand(), retentionRunCommand(), retentionHoldCommand(), retentionUnholdCommand())
}

func retentionListCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "list", Short: "List the cases whose content is due to go, and those that are kept beyond their time", Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing what is due", func(c *api.Client) (api.Retention, error) { return c.Retention(cmd.Context()) }, printRetention)
		},
	}
	d.flags(cmd)
	return cmd
}

func printRetention(w io.Writer, r api.Retention) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CASE\tCHANNEL\tPEER\tCLOSED\tDUE\tMESSAGES\tFILES\tSTANDING")
	for _, c := range append(r.Due, r.Kept...) {
		due, standing := "never", "due"
		if !c.DueAt.IsZero() {
			due = moment(c.DueAt)
		}
		switch {
		case c.Kept != "":
			standing = "kept: " + c.Kept + ", by " + c.KeptBy
		case c.Waits != "":
			standing = "waits: " + c.Waits
		case len(c.ConfirmedBy) > 0:
			standing = "confirmed by " + strings.Join(c.ConfirmedBy, ", ")
		}
		closed := "-"
		if !c.ClosedAt.IsZero() {
			closed = moment(c.ClosedAt)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", c.Case, c.Channel, c.Peer, closed, due, c.Messages, c.Files, standing)
	}
	return t.Flush()
}

func retentionRunCommand() *cobra.Command {
	d, all := &desk{}, false
	cmd := &cobra.Command{
		Use:   "run [CASE…]",
		Short: "Confirm that the content of cases goes (registrars, auditors)",
		Long: `Confirms what "comity retention list" shows as due: the cases that are named, or with --all every one. After the second
person's word the content is erased: messages, their sealed forms, drafts, attachments, files of evidence, what reviews found.
Hashes, numbers, receipts and the journal stay. Within minutes nothing of it is on the disk of the agent; a backup that
was made before still holds it, until you delete that backup.`,
		Example: "  comity retention run --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usagef("name the cases, or write --all", "which cases?")
			}
			return runRetention(cmd, d, args)
		},
	}
	d.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "every case that is due")
	return cmd
}

func runRetention(cmd *cobra.Command, d *desk, named []string) error {
	client, err := d.open()
	if err != nil {
		return err
	}
	found, err := client.Retention(cmd.Context())
	if err != nil {
		return fmt.Errorf("listing what is due: %w", err)
	}
	var chosen []api.RetentionCase
	for _, c := range found.Due {
		if len(named) == 0 && c.Waits == "" {
			chosen = append(chosen, c)
		}
	}
	for _, name := range named {
		if err := idPrefix(name); err != nil {
			return err
		}
		before := len(chosen)
		for _, c := range found.Due {
			if strings.HasPrefix(string(c.Case), name) {
				chosen = append(chosen, c)
			}
		}
		if len(chosen) != before+1 {
			return withHint(fmt.Errorf("%d cases that are due begin with %q", len(chosen)-before, name), "comity retention list shows them")
		}
	}
	if len(chosen) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "nothing is due")
	}
	done := []api.RetentionCase{}
	for _, c := range chosen {
		one, err := client.EraseCase(cmd.Context(), c.Case, api.Erasure{Digest: c.Digest})
		if err != nil {
			return fmt.Errorf("confirming the erasure of case %s: %w", c.Case, err)
		}
		done = append(done, one)
		if d.json {
			continue
		}
		says := "confirmed; a second person's word is needed"
		if !one.ErasedAt.IsZero() {
			says = "erased"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", one.Case, says)
	}
	if d.json {
		return printJSON(cmd, api.Retention{Confirm: found.Confirm, Terms: found.Terms, Due: done, Kept: []api.RetentionCase{}})
	}
	return nil
}

func retentionHoldCommand() *cobra.Command {
	d, reason := &desk{}, ""
	cmd := &cobra.Command{
		Use:     "hold CASE --reason REASON",
		Short:   "Keep the content of a case beyond its time (registrars, approvers, auditors)",
		Long:    "REASON is litigation, appeal, inquiry, audit, data-subject-request or archive. Whoever may read the case is shown it.",
		Example: "  comity retention hold 4k7q --reason litigation",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onKept(cmd, d, args[0], "keeping case "+args[0], func(client *api.Client, c api.Case) (api.RetentionCase, error) {
				return client.KeepCase(cmd.Context(), c.ID, api.Keeping{Reason: reason})
			}, "is kept: "+reason)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&reason, "reason", "", "why it is kept")
	return cmd
}

func retentionUnholdCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "unhold CASE", Short: "Keep a case no longer than its time", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onKept(cmd, d, args[0], "ending the keeping of case "+args[0], func(client *api.Client, c api.Case) (api.RetentionCase, error) {
				return client.EndKeeping(cmd.Context(), c.ID)
			}, "is kept for its time and no longer")
		},
	}
	d.flags(cmd)
	return cmd
}

func onKept(cmd *cobra.Command, d *desk, typed, what string, act func(*api.Client, api.Case) (api.RetentionCase, error), says string) error {
	return answer(cmd, d, what, func(client *api.Client) (one api.RetentionCase, err error) {
		c, err := findCase(cmd, client, typed)
		if err != nil {
			return one, err
		}
		return act(client, c)
	}, func(w io.Writer, one api.RetentionCase) error {
		_, err := fmt.Fprintf(w, "%s %s\n", one.Case, says)
		return err
	})
}
