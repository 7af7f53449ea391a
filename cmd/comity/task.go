package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
)

func taskCommand() *cobra.Command {
	return group("task", "See what is due, and acknowledge what came in", taskListCommand(), taskAcknowledgeCommand())
}

func taskListCommand() *cobra.Command {
	d, q := &desk{}, api.TaskQuery{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List what is due in the open cases, the next one first",
		Long: `Deadlines are counted by the calendar, time zone and duty desk of the authority that performs, as its State's directory
entry has them, so both sides see the same ones. None of them changes a case: they remind.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing tasks", func(c *api.Client) (api.Tasks, error) {
				found, err := c.TasksOf(cmd.Context(), q)
				return api.Tasks{Tasks: found}, err
			}, func(w io.Writer, found api.Tasks) error { return printTasks(w, found.Tasks) })
		},
	}
	d.flags(cmd)
	whoseFlags(cmd, &q.Whose)
	cmd.Flags().BoolVar(&q.Everybody, "all", false, "also what the peers owe")
	return cmd
}

func printTasks(w io.Writer, tasks []api.Task) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "DUE\tSTAGE\tWHAT\tBY\tFOR\tCASE\tOFFICER")
	for _, k := range tasks {
		due := "paused"
		if !k.DueAt.IsZero() {
			due = moment(k.DueAt)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", due, k.Stage, k.Kind, k.Who, k.For, short(string(k.Case)), officerOf(k.Officer, k.Deputy))
	}
	return table.Flush()
}
