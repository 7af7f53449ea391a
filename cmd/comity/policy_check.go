package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"comity/agent/api"
)

func policyCheckCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Ask the rules about drafts, without sending or keeping anything (protection officers)",
		Long: `Reads draft messages and says for each what the rules would decide now, the worst first: block, invalid, hold or allow,
for each recipient. With --json it prints one object a line:
{"file":…,"outcome":"allow|hold|block|invalid","rules":["ASY-02",…],"errors":[…],"recipients":[{"to":"QP/justice","outcome":…,"rules":[…]}],"why":…}.

This looks persons up in the protection register, so it needs a protection officer's credential, is counted, and is recorded
in the home log. It asks the running agent, and works without one too. Exit code 0 whatever the outcome is.`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error { return checkPolicy(cmd, d, files) },
	}
	d.flags(cmd)
	return cmd
}

func checkPolicy(cmd *cobra.Command, d *desk, files []string) error {
	client, stop, err := d.openAnyway(cmd.Context())
	if err != nil {
		return err
	}
	defer stop()
	for i, name := range files {
		text, err := readDraft(cmd.InOrStdin(), name)
		if err != nil {
			return err
		}
		check, err := checkPatiently(cmd, client, text)
		if err != nil {
			return fmt.Errorf("checking %s: %w", name, err)
		}
		check.File = name
		if err := printCheck(cmd, d, check); err != nil {
			return err
		}
		if len(files) > 20 && (i+1)%20 == 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d checked\n", i+1, len(files))
		}
	}
	return nil
}

// checkPatiently waits where the agent counts too many look-ups.
func checkPatiently(cmd *cobra.Command, client *api.Client, text []byte) (api.PolicyCheck, error) {
	for {
		check, err := client.CheckPolicy(cmd.Context(), text)
		problem, ok := errors.AsType[*api.Problem](err)
		if !ok || problem.Reason != api.ReasonTooOften {
			return check, err
		}
		select {
		case <-cmd.Context().Done():
			return check, cmd.Context().Err()
		case <-time.After(time.Second):
		}
	}
}

func printCheck(cmd *cobra.Command, d *desk, c api.PolicyCheck) error {
	w := cmd.OutOrStdout()
	if d.json {
		line, err := json.Marshal(c, json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("encoding the answer: %w", err)
		}
		_, err = fmt.Fprintf(w, "%s\n", line)
		return err
	}
	fmt.Fprintf(w, "%-7s  %s  %s\n", c.Outcome, c.File, strings.Join(c.Rules, " "))
	for _, r := range c.Recipients {
		fmt.Fprintf(w, "  %-7s  to %s  %s\n", r.Outcome, r.To, strings.Join(r.Rules, " "))
		for _, p := range r.Proposals {
			fmt.Fprintf(w, "           instead: %s\n", p)
		}
	}
	for _, defect := range c.Errors {
		fmt.Fprintf(w, "  at %s: %s", pointer(defect.Pointer), defect.Rule)
		if defect.Hint != "" {
			fmt.Fprintf(w, " (%s)", defect.Hint)
		}
		fmt.Fprintln(w)
	}
	if c.Why != "" {
		fmt.Fprintf(w, "  why: %s\n", c.Why)
	}
	return nil
}
