package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"comity/agent/api"
)

func userAbsentCommand() *cobra.Command {
	d, deputy, from, to := &desk{}, "", "", ""
	cmd := &cobra.Command{
		Use:   "absent NAME --deputy NAME --to DAY",
		Short: "Record that a person is away, and who has their roles meanwhile",
		Long: `From the first day on, and until the last one is over, the deputy has the roles of the person who is away beside their own, but for
those of an auditor and of a key officer. The two count as one where two persons are asked for: the deputy approves no
draft of their own and none of the other's, and both together release nothing. Days are those of UTC, 120 at the most.
` + whoKeepsAccounts,
		Example: "  comity user absent approver --deputy officer-2 --from 2026-12-01 --to 2026-12-14",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			first, last := time.Now().UTC(), time.Time{}
			var err error
			if from != "" {
				if first, err = time.Parse(time.DateOnly, from); err != nil {
					return usagef("write a day as 2026-12-01", "--from: not a day: %q", from)
				}
			}
			if last, err = time.Parse(time.DateOnly, to); err != nil {
				return usagef("write the last day of the absence as 2026-12-14", "--to: not a day: %q", to)
			}
			absence := api.Absence{Person: args[0], Deputy: deputy, From: first.Truncate(time.Second), To: last.AddDate(0, 0, 1)}
			return onAccounts(cmd, d, "recording the absence of "+args[0], func(c *api.Client) (api.Absence, error) {
				return c.PutAbsence(cmd.Context(), absence)
			}, func(w io.Writer, a api.Absence) error {
				_, err := fmt.Fprintf(w, "%s acts for %s from %s until %s\n", a.Deputy, a.Person, moment(a.From), moment(a.To))
				return err
			})
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&deputy, "deputy", "", "who acts for the person")
	cmd.Flags().StringVar(&from, "from", "", "first day (default: now)")
	cmd.Flags().StringVar(&to, "to", "", "last day")
	return cmd
}

func userBackCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "back NAME", Short: "Record that a person is back: the deputy has their own roles again", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onAccounts(cmd, d, "ending the absence of "+args[0], func(c *api.Client) (api.Absence, error) {
				return c.EndAbsence(cmd.Context(), args[0])
			}, func(w io.Writer, a api.Absence) error {
				_, err := fmt.Fprintf(w, "%s is back\n", a.Person)
				return err
			})
		},
	}
	d.flags(cmd)
	return cmd
}

func userAbsencesCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "absences", Short: "List who is away or will be, and who acts for them", Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onAccounts(cmd, d, "listing absences", func(c *api.Client) (api.Absences, error) { return c.Absences(cmd.Context()) },
				func(w io.Writer, found api.Absences) error {
					t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
					fmt.Fprintln(t, "AWAY\tDEPUTY\tFROM\tUNTIL")
					for _, a := range found.Absences {
						fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", a.Person, a.Deputy, moment(a.From), moment(a.To))
					}
					return t.Flush()
				})
		},
	}
	d.flags(cmd)
	return cmd
}
