package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/schemas"
)

func caseAssignCommand() *cobra.Command {
	d, to, nobody := &desk{}, "", false
	cmd := &cobra.Command{
		Use:   "assign CASE… --to NAME",
		Short: "Say which officer works on cases",
		Long: `Gives all of the cases to an officer, or where one of them cannot be given, none. It gives nobody a right and takes none, no
peer is told, and each change is in the journal. Registrars and case officers assign.`,
		Example: "  comity case assign 4fzk 9q2m --to officer-2",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (to == "") == !nobody {
				return usagef("write --to NAME, or --nobody to take the cases from whoever has them", "it is not said who works on the cases")
			}
			client, err := d.open()
			if err != nil {
				return err
			}
			defer client.Close()
			asked := api.Assigning{Officer: to}
			for _, typed := range args {
				c, err := findCase(cmd, client, typed)
				if err != nil {
					return fmt.Errorf("case %s: %w", typed, err)
				}
				asked.Cases = append(asked.Cases, c.ID)
			}
			given, err := client.Assign(cmd.Context(), asked)
			if err != nil {
				return fmt.Errorf("assigning cases: %w", err)
			}
			if d.json {
				return printJSON(cmd, api.Cases{Cases: given})
			}
			if d.ids {
				return printIDs(cmd.OutOrStdout(), given, func(c api.Case) schemas.CaseID { return c.ID })
			}
			for _, c := range given {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", c.ID, officerOf(c.Officer, c.Deputy))
			}
			return nil
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	cmd.Flags().StringVar(&to, "to", "", "the officer who works on them from now on")
	cmd.Flags().BoolVar(&nobody, "nobody", false, "leave them to nobody")
	return cmd
}

func caseOfficersCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "officers", Short: "List who can be given a case, how many open ones they have, and who is away", Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing officers", func(c *api.Client) (api.Officers, error) { return c.Officers(cmd.Context()) },
				func(w io.Writer, found api.Officers) error {
					t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
					fmt.Fprintln(t, "OFFICER\tOPEN CASES\tAWAY UNTIL\tDEPUTY")
					for _, o := range found.Officers {
						until := ""
						if !o.AwayUntil.IsZero() {
							until = moment(o.AwayUntil)
						}
						fmt.Fprintf(t, "%s\t%d\t%s\t%s\n", o.Name, o.Cases, until, o.Deputy)
					}
					fmt.Fprintf(t, "(nobody)\t%d\t\t\n", found.Unassigned)
					return t.Flush()
				})
		},
	}
	d.flags(cmd)
	return cmd
}

// whoseFlags narrow a list to one desk.
func whoseFlags(cmd *cobra.Command, w *api.Whose) {
	cmd.Flags().BoolVar(&w.Mine, "mine", false, "only of your cases, and of those for whom you stand in")
	cmd.Flags().BoolVar(&w.Unassigned, "unassigned", false, "only of cases that nobody works on")
	cmd.Flags().StringVar(&w.Officer, "officer", "", "only of the cases of this officer")
	cmd.MarkFlagsMutuallyExclusive("mine", "unassigned", "officer")
}

// officerOf is who works on a case as a list shows it.
func officerOf(officer, deputy string) string {
	switch {
	case officer == "":
		return "-"
	case deputy != "":
		return officer + " (away: " + deputy + ")"
	}
	return officer
}
