package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/cmd/comity/clerk"
)

func showCommand() *cobra.Command {
	d, wait, timeout := &desk{}, "", time.Minute
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show a message as a letter, and where it stands",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, m, err := openMessage(cmd, d, args[0])
			if err != nil {
				return err
			}
			if wait != "" {
				if m, err = waitFor(cmd.Context(), client, m, wait, timeout); err != nil {
					return err
				}
			}
			if d.json {
				return printJSON(cmd, m)
			}
			return printLetter(cmd.OutOrStdout(), m)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&wait, "wait", "", "wait until it is in this state, such as delivered")
	cmd.Flags().DurationVar(&timeout, "timeout", timeout, "how long to wait at most")
	return cmd
}

func waitFor(ctx context.Context, client *api.Client, m api.Message, state string, timeout time.Duration) (api.Message, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	after, err := clerk.Await(ctx, client, m.ID, state)
	if stuck, ok := errors.AsType[*clerk.StuckError](err); ok && !stuck.Final {
		return after, withHint(err, waitHint(after.State))
	}
	return after, err
}

func waitHint(state string) string {
	switch state {
	case "under-review":
		return "every kind of review looks like this; it leaves at an ordinary tick, or comes back to its author"
	case "in-review":
		return "it waits for another person to approve it"
	case "approved":
		return "it leaves at the next release tick, once the broker can be reached: run `comity doctor`"
	case "to-print":
		return "its recipient is not connected: somebody prints it with `comity letter print`"
	case "sent":
		return "its recipient has not signed a receipt yet; it is sent again by itself"
	}
	return ""
}
