package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/schemas"
)

func taskAcknowledgeCommand() *cobra.Command {
	d, said, incomplete := &desk{}, api.Acknowledging{}, false
	cmd := &cobra.Command{
		Use:   "acknowledge CASE[=REF]… --desk DESK",
		Short: "Draft acknowledgements of requests that came in, one in each case",
		Long: `Writes the national reference and the desk once, and drafts one acknowledgement in each of the cases; where it cannot in one, it
drafts none and names every defect. Each draft waits for a second person, who approves it like any other. A case that has an
acknowledgement of ours gets no second one.`,
		Example: "  comity task acknowledge 4fzk 9q2m=QM-2026-0418 --ref QM-2026-0417 --desk \"Incoming requests\"",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := d.open()
			if err != nil {
				return err
			}
			defer client.Close()
			said.Complete = !incomplete
			for _, arg := range args {
				typed, ref, _ := strings.Cut(arg, "=")
				c, err := findCase(cmd, client, typed)
				if err != nil {
					return fmt.Errorf("case %s: %w", typed, err)
				}
				said.Cases = append(said.Cases, api.Acknowledge{Case: c.ID, NationalRef: ref})
			}
			made, err := client.Acknowledge(cmd.Context(), said)
			if err != nil {
				return fmt.Errorf("acknowledging requests: %w", err)
			}
			if d.json {
				return printJSON(cmd, made)
			}
			if d.ids {
				return printIDs(cmd.OutOrStdout(), made.Acknowledgements, func(a api.Acknowledgement) schemas.MessageID { return a.Message.ID })
			}
			for _, a := range made.Acknowledgements {
				what := "drafted"
				if !a.Made {
					what = "was there already"
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s in case %s: %s, %s\n", a.Message.ID, a.Case, what, a.Message.State)
			}
			return nil
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	cmd.Flags().StringVar(&said.NationalRef, "ref", "", "national reference, of every case that is given none of its own")
	cmd.Flags().StringVar(&said.Desk, "desk", "", "the function that handles the requests, never a person")
	cmd.Flags().BoolVar(&incomplete, "incomplete", false, "they cannot be examined as they are: ask for what is missing afterwards")
	return cmd
}
