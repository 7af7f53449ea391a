package main

import (
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
)

func journalCommand() *cobra.Command {
	return group("journal", "Verify an authority's evidence, and keep what it is now", journalVerifyCommand(), journalCheckpointCommand())
}

func journalVerifyCommand() *cobra.Command {
	home, asJSON := "", false
	var kept []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Hold every log of evidence against itself, the messages, what peers have signed, and what you have kept",
		Long: `Computes each log again from its leaves, and compares it with the messages and their numbers, with every receipt that a peer or
this authority has signed, and with checkpoints that you kept elsewhere (comity journal checkpoint). Asks the running agent;
where none runs, reads the authority's database itself. Exit code 1 if anything does not fit.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return verifyJournal(cmd, home, kept, asJSON) },
	}
	cmd.Flags().StringVar(&home, "home", "", "the authority's folder, which holds agent.toml (default: $"+homeVariable+", or the folder you are in)")
	cmd.Flags().StringArrayVar(&kept, "kept", nil, "a checkpoint that you kept; may be given several times")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

func verifyJournal(cmd *cobra.Command, home string, kept []string, asJSON bool) error {
	c, err := loadHome(home)
	if err != nil {
		return err
	}
	var notes []byte
	for _, path := range kept {
		note, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a kept checkpoint: %w", err)
		}
		notes = append(notes, note...)
	}
	client, stop, err := openHere(cmd.Context(), c, nil)
	if err != nil {
		return err
	}
	defer stop()
	report, err := client.VerifyJournal(cmd.Context(), notes)
	if err != nil {
		return fmt.Errorf("verifying the journal: %w", err)
	}
	if asJSON {
		err = printJSON(cmd, report)
	} else {
		err = printJournal(cmd.OutOrStdout(), report)
	}
	if bad := len(report.Defects) + report.More; err == nil && bad > 0 {
		err = withHint(fmt.Errorf("the journal of %s has %d defects", report.Authority, bad), "keep the disk as it is, and the peers' receipts: they say what was before")
	}
	return err
}

func printJournal(w io.Writer, report api.JournalReport) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, log := range report.Logs {
		seen := ""
		if log.SeenBy > 0 {
			seen = fmt.Sprintf("the peer has signed for %d of them", log.SeenBy)
		}
		fmt.Fprintf(table, "%s\t%d leaves\t%s\t%s\n", log.Origin, log.Leaves, log.Root, seen)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, d := range report.Defects {
		fmt.Fprintf(w, "error  %s  %s %d: %s\n", d.Name, d.Log, d.Number, d.Detail)
	}
	if report.More > 0 {
		fmt.Fprintf(w, "error  and %d more\n", report.More)
	}
	if len(report.Defects) == 0 {
		fmt.Fprintf(w, "ok     %d logs, %d signed documents and %d kept checkpoints agree\n", len(report.Logs), report.Documents, report.Kept)
	}
	fmt.Fprintf(w, "       %d approvals and second looks proved, %d of them by a key of the person's own\n", report.Approvals, report.OwnKey)
	if report.Unlisted > 0 {
		fmt.Fprintf(w, "       %d by people who are not listed any more, which nothing here can prove\n", report.Unlisted)
	}
	return nil
}

func journalCheckpointCommand() *cobra.Command {
	d, origin := &desk{}, ""
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Have the agent sign what a log is now, to keep it where no operator can change it (auditors)",
		Long: `Prints a signed note (c2sp.org/tlog-checkpoint). Keep it elsewhere: comity journal verify --kept tells later whether the log still
goes on from it. The checkpoint of the home log counts what this authority does by itself. It is for its own auditors, and
must never be shown to a peer.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, stop, err := d.openAnyway(cmd.Context())
			if err != nil {
				return err
			}
			defer stop()
			c, err := client.Checkpoint(cmd.Context(), origin)
			if err != nil {
				return fmt.Errorf("signing a checkpoint: %w", err)
			}
			if d.json {
				return printJSON(cmd, c)
			}
			_, err = io.WriteString(cmd.OutOrStdout(), c.Note)
			return err
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&origin, "log", "", "the log's origin, as verify lists it (default: the home log)")
	return cmd
}
