package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/agent/policy"
)

func policyExplainCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "explain [RULE...]",
		Short: "Print rules with verdict, legal source and example",
		Long:  "Prints the rules named, such as ASY-05, or a list of all. They are compiled in; nobody can switch one off.",
		RunE: func(cmd *cobra.Command, ids []string) error {
			engine, err := policy.New(policy.Config{})
			if err != nil {
				return err
			}
			rules := engine.Rules()
			if len(ids) > 0 {
				rules = nil
			}
			for _, id := range ids {
				rule, ok := engine.Explain(policy.RuleID(strings.ToUpper(id)))
				if !ok {
					return withHint(fmt.Errorf("there is no rule %s", id), "comity policy explain lists them all")
				}
				rules = append(rules, rule)
			}
			switch {
			case asJSON:
				return printJSON(cmd, rules)
			case len(ids) == 0:
				return listRules(cmd.OutOrStdout(), rules)
			}
			for i, rule := range rules {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				explainRule(cmd.OutOrStdout(), rule)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the rules as JSON")
	return cmd
}

func listRules(w io.Writer, rules []policy.Rule) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rules {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.ID, r.Verdict, r.Text)
	}
	return table.Flush()
}

func explainRule(w io.Writer, r policy.Rule) {
	fmt.Fprintf(w, "%s  %s\n%s\n", r.ID, r.Verdict, r.Text)
	fmt.Fprintf(w, "source   %s\n", r.Source)
	for _, line := range [][2]string{{"example", r.Example}, {"instead", r.Propose}, {"kept by", r.Elsewhere}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%-8s %s\n", line[0], line[1])
		}
	}
	for _, v := range r.Variants {
		fmt.Fprintf(w, "also     %s (%s): %s\n", v.Verdict, v.Name, v.Text)
	}
}

func policyDecisionsCommand() *cobra.Command {
	d, limit := &desk{}, 50
	cmd := &cobra.Command{
		Use:   "decisions",
		Short: "List which rules decided, the newest first (auditors, protection officers)",
		Long:  "A keyed hash stands for each message: one can be followed through its decisions, and none be found by it.",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing decisions", func(c *api.Client) (api.Decisions, error) {
				found, err := c.Decisions(cmd.Context(), limit)
				return api.Decisions{Decisions: found}, err
			}, printDecisions)
		},
	}
	d.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", limit, "how many at most")
	return cmd
}

func printDecisions(w io.Writer, found api.Decisions) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "AT\tMESSAGE\tWHAT\tOUTCOME\tRULES")
	for _, d := range found.Decisions {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", moment(d.At), short(d.Message), d.What, d.Outcome, cmp.Or(strings.Join(d.Rules, " "), "-"))
	}
	return table.Flush()
}
