package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/schemas"
)

func caseCommand() *cobra.Command {
	return group("case", "List, show and hand out cases", caseListCommand(), caseShowCommand(), caseExportCommand(),
		caseAssignCommand(), caseOfficersCommand())
}

// findCase fetches the one case whose id begins with what was typed.
func findCase(cmd *cobra.Command, client *api.Client, typed string) (api.Case, error) {
	if err := idPrefix(typed); err != nil {
		return api.Case{}, err
	}
	return client.Case(cmd.Context(), typed)
}

func caseListCommand() *cobra.Command {
	d, limit, whose := &desk{}, 50, api.Whose{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List cases, last changed first",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := d.open()
			if err != nil {
				return err
			}
			cases, err := client.CasesOf(cmd.Context(), api.CaseQuery{Whose: whose, Limit: limit})
			if err != nil {
				return fmt.Errorf("listing cases: %w", err)
			}
			if d.json {
				return printJSON(cmd, api.Cases{Cases: cases})
			}
			if d.ids {
				return printIDs(cmd.OutOrStdout(), cases, func(c api.Case) schemas.CaseID { return c.ID })
			}
			return printCases(cmd.OutOrStdout(), cases)
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	whoseFlags(cmd, &whose)
	cmd.Flags().IntVar(&limit, "limit", limit, "how many at most")
	return cmd
}

func caseShowCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a case: where it stands, whose turn it is, its messages",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := d.open()
			if err != nil {
				return err
			}
			c, err := findCase(cmd, client, args[0])
			if err != nil {
				return err
			}
			if d.json {
				return printJSON(cmd, c)
			}
			return printCase(cmd.OutOrStdout(), c)
		},
	}
	d.flags(cmd)
	return cmd
}
