package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/agent/letter"
	"comity/schemas"
)

func reviewCommand() *cobra.Command {
	return group("review", "Decide on messages under review (protection officers)",
		reviewListCommand(), reviewShowCommand(), reviewReleaseCommand(), reviewReturnCommand(), reviewBlockCommand(), reviewClearCommand(),
		reviewDistinctCommand(), reviewAlertsCommand(), reviewDoneCommand(), reviewExportCommand())
}

func reviewListCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the messages that wait for a decision, the oldest first",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing reviews", func(c *api.Client) (api.Reviews, error) {
				found, err := c.Reviews(cmd.Context())
				return api.Reviews{Reviews: found}, err
			}, func(w io.Writer, found api.Reviews) error { return printReviews(w, found.Reviews, d.ids) })
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	return cmd
}

func printReviews(w io.Writer, reviews []api.Review, idsOnly bool) error {
	if idsOnly {
		return printIDs(w, reviews, func(r api.Review) schemas.MessageID { return r.Message.ID })
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tOUTCOME\tRULES\tTYPE\tTO\tSINCE\tRELEASED BY")
	for _, r := range reviews {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Message.ID, r.Outcome, strings.Join(r.Rules, " "), r.Message.Type, r.Message.To,
			moment(r.OpenedAt), strings.Join(r.ReleasedBy, ", "))
	}
	return table.Flush()
}

func reviewShowCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a message under review: why, for whom, what could be sent instead, and its content",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, r, err := findReview(cmd, d, args[0])
			if err != nil {
				return err
			}
			if d.json {
				return printJSON(cmd, r)
			}
			return printReview(cmd.OutOrStdout(), r)
		},
	}
	d.flags(cmd)
	return cmd
}

func findReview(cmd *cobra.Command, d *desk, typed string) (*api.Client, api.Review, error) {
	if err := idPrefix(typed); err != nil {
		return nil, api.Review{}, err
	}
	client, err := d.open()
	if err != nil {
		return nil, api.Review{}, err
	}
	r, err := client.Review(cmd.Context(), typed)
	return client, r, err
}

func printReview(w io.Writer, r api.Review) error {
	fmt.Fprintf(w, "Outcome   %s by %s\n", r.Outcome, strings.Join(r.Rules, ", "))
	fmt.Fprintf(w, "Why       %s\n", r.Why)
	for _, g := range r.Grounds {
		person := g.Person
		if person == "" {
			person = "the message"
		}
		fmt.Fprintf(w, "Ground    %s %s: %s\n", g.Rule, g.Verdict, person)
	}
	for _, m := range r.Matches {
		likeness := "likeness"
		if m.Certain {
			likeness = "certain"
		}
		fmt.Fprintf(w, "Register  %s: entry %s (%s), %s\n", m.Person, m.Entry, likeness, m.Status)
	}
	for _, p := range r.Proposals {
		fmt.Fprintf(w, "Instead   %s\n", p)
	}
	if len(r.ProtectFrom) > 0 {
		fmt.Fprintf(w, "Protect   from %s\n", join(r.ProtectFrom))
	}
	if len(r.ReleasedBy) > 0 {
		fmt.Fprintf(w, "Released  by %s; it takes two\n", strings.Join(r.ReleasedBy, ", "))
	}
	fmt.Fprintf(w, "Since     %s\n\n", moment(r.OpenedAt))
	if err := printLetter(w, r.Message); err != nil {
		return err
	}
	if len(r.Home) > 0 {
		fmt.Fprintf(w, "\nRecorded at home, never sent:\n")
		lines, err := letter.Member("home", r.Home)
		letter.WriteLines(w, lines, bytesInJSON)
		return err
	}
	return nil
}

func reviewReleaseCommand() *cobra.Command {
	d, necessity := &desk{}, ""
	cmd := &cobra.Command{
		Use:   "release ID",
		Short: "Put your name to letting a held message go; it takes two protection officers",
		Long: `Shows the message and the decision, and releases exactly these. The second officer's word lets the message leave at the next
ordinary tick, if the rules then still come to this decision. A block cannot be released.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, r, err := findReview(cmd, d, args[0])
			if err != nil {
				return err
			}
			if !d.json {
				if err := printReview(cmd.ErrOrStderr(), r); err != nil {
					return err
				}
			}
			m, err := client.Release(cmd.Context(), r.Message.ID, api.Release{SHA256: r.Message.SHA256, Digest: r.Digest, Necessity: necessity})
			if err != nil {
				return fmt.Errorf("releasing %s: %w", r.Message.ID, err)
			}
			return printStanding(cmd, d, m)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&necessity, "necessity", "", "why the recipient needs it, where a rule asks for that (ASY-07)")
	return cmd
}

func reviewReturnCommand() *cobra.Command {
	return reviewAct("return ID", "Give a message under review back to its author, who is told no reason", func(cmd *cobra.Command, c *api.Client, id schemas.MessageID) (api.Message, error) {
		return c.Return(cmd.Context(), id)
	})
}

func reviewBlockCommand() *cobra.Command {
	return reviewAct("block ID", "Close the review of a message that must not leave; others see it as under review all the same", func(cmd *cobra.Command, c *api.Client, id schemas.MessageID) (api.Message, error) {
		return c.Block(cmd.Context(), id)
	})
}

func reviewClearCommand() *cobra.Command {
	return reviewAct("clear ID", "Put your name to letting people read a received message that was withheld; it takes two protection officers", func(cmd *cobra.Command, c *api.Client, id schemas.MessageID) (api.Message, error) {
		return c.ClearWithheld(cmd.Context(), id)
	})
}

func reviewAct(use, short string, do func(*cobra.Command, *api.Client, schemas.MessageID) (api.Message, error)) *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return act(cmd, d, args[0], func(c *api.Client, id schemas.MessageID) (api.Message, error) { return do(cmd, c, id) })
		},
	}
	d.flags(cmd)
	return cmd
}

func reviewDistinctCommand() *cobra.Command {
	d, said := &desk{}, api.Distinction{}
	cmd := &cobra.Command{
		Use:   "not-same-person ID",
		Short: "Put your name to it that a person of a message is not the one of a register entry; it takes two protection officers",
		Long: `A likeness holds until two officers have decided. The decision is kept for this person and this entry alone, and any change of
the entry undoes it. "comity review show" names person and entry.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, r, err := findReview(cmd, d, args[0])
			if err != nil {
				return err
			}
			done, err := client.NotSamePerson(cmd.Context(), r.Message.ID, said)
			if err != nil {
				return fmt.Errorf("deciding about a person of %s: %w", r.Message.ID, err)
			}
			if d.json {
				return printJSON(cmd, done)
			}
			text := "it takes another officer"
			if done.Done {
				text = "decided; the message is judged again at the next tick"
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "not the same person, by %s: %s\n", strings.Join(done.By, ", "), text)
			return err
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&said.Person, "person", "", "the person's reference, as review show has it")
	cmd.Flags().StringVar(&said.Entry, "entry", "", "the entry, as review show has it")
	cmd.MarkFlagRequired("person")
	cmd.MarkFlagRequired("entry")
	return cmd
}

func reviewAlertsCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "alerts",
		Short: "List what a protection officer must look at, the newest first",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing alerts", func(c *api.Client) (api.ProtectionAlerts, error) {
				found, err := c.ProtectionAlerts(cmd.Context())
				return api.ProtectionAlerts{Alerts: found}, err
			}, printAlerts)
		},
	}
	d.flags(cmd)
	return cmd
}

func printAlerts(w io.Writer, found api.ProtectionAlerts) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SINCE\tKIND\tSUBJECT\tPEER")
	for _, a := range found.Alerts {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", moment(a.RaisedAt), a.Kind, a.Subject, a.Peer)
	}
	return table.Flush()
}

func reviewDoneCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "done KIND SUBJECT",
		Short: "Say that you are done with an alert, such as a referral",
		Args:  arguments(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := d.open()
			if err != nil {
				return err
			}
			if err := client.EndProtectionAlert(cmd.Context(), args[0], args[1]); err != nil {
				return fmt.Errorf("ending alert %s: %w", args[0], err)
			}
			return nil
		},
	}
	d.flags(cmd)
	return cmd
}
