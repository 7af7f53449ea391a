package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"comity/agent/indicator"
)

func indicatorsCommand() *cobra.Command {
	d, asCSV, from, to := &desk{}, false, "", ""
	cmd := &cobra.Command{
		Use:   "indicators",
		Short: "Compute the indicators of a period, as they may be published",
		Long: `The tables are fixed, and the rules of publication are in them: whole quarters that are over, counts under 10 suppressed (shown
as "-") and so many more with them that none can be reckoned back, everything else rounded to 5, so totals need not add
up. They count what was exchanged with peers. Publish the same periods every time: a year laid beside three of its
quarters is protected by the rounding alone.`,
		Example: "  comity indicators --from 2026-07-01 --to 2026-09-30 --csv > indicators.csv",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asCSV && d.json {
				return usagef("choose one of them", "--csv and --json exclude each other")
			}
			if from == "" && to == "" {
				from, to = indicator.LastQuarter(time.Now())
			}
			client, err := d.open()
			if err != nil {
				return err
			}
			report, err := client.Indicators(cmd.Context(), from, to)
			switch {
			case err != nil:
				return fmt.Errorf("computing indicators: %w", err)
			case d.json:
				return printJSON(cmd, report)
			case asCSV:
				return report.WriteCSV(cmd.OutOrStdout())
			}
			return printIndicators(cmd.OutOrStdout(), report)
		},
	}
	d.flags(cmd)
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV, one cell a line")
	cmd.Flags().StringVar(&from, "from", "", "first day of the first quarter, such as 2026-07-01 (default: of the last quarter that is over)")
	cmd.Flags().StringVar(&to, "to", "", "last day of the last quarter, such as 2026-09-30")
	return cmd
}

func printIndicators(w io.Writer, r indicator.Report) error {
	fmt.Fprintf(w, "%s, %s to %s. Counts under %d and what would give them away: -. The rest is rounded to %d.\n", r.Authority, r.From, r.To, r.Least, r.RoundedTo)
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s (%s; Framework for Action, %s)\n", t.Title, t.Unit, t.Source)
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(table, "%s\t%s\n", strings.ToUpper(t.Row), strings.ToUpper(strings.Join(t.Columns, "\t")))
		for _, row := range t.Rows {
			cells := []string{row.Label}
			for _, cell := range row.Cells {
				text := "-"
				if cell != nil {
					text = strconv.Itoa(*cell)
				}
				cells = append(cells, text)
			}
			fmt.Fprintln(table, strings.Join(cells, "\t"))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return nil
}
