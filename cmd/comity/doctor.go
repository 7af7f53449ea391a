package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/scan"
)

func doctorCommand() *cobra.Command {
	home, asJSON := "", false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check clock, certificates, trust, store, broker and inbox of an authority",
		Long: `Asks the running agent. Where it does not run, checks from its files what can be checked without it, and tries the
broker with the agent's own certificate. Each line is ok, or an error with a hint. Exit code 1 if there is any error.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return doctor(cmd, home, asJSON) },
	}
	cmd.Flags().StringVar(&home, "home", "", "the authority's folder, which holds agent.toml (default: $"+homeVariable+", or the folder you are in)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the checks as JSON")
	return cmd
}

// diagnosis is what doctor prints with --json.
type diagnosis struct {
	Checks []api.Check `json:"checks"`
}

func doctor(cmd *cobra.Command, home string, asJSON bool) error {
	c, err := loadHome(home)
	var d diagnosis
	if err != nil {
		d.Checks = []api.Check{wrong("configuration", err.Error(), hintOf(err))}
	} else {
		d = examine(cmd.Context(), c, time.Now())
		d.Checks = append(d.Checks, checkReaders(scan.Tools())...)
	}
	if asJSON {
		if err := printJSON(cmd, d); err != nil {
			return err
		}
	} else {
		printDiagnosis(cmd.OutOrStdout(), d)
	}
	bad := 0
	for _, check := range d.Checks {
		if !check.OK {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("doctor: %d of %d checks failed", bad, len(d.Checks))
	}
	return nil
}

// healthTimeout bounds the question to a running agent: one that hangs is not healthy.
const healthTimeout = 10 * time.Second

// examine asks the agent, and where there is none looks at its files.
func examine(ctx context.Context, c agent.Config, now time.Time) diagnosis {
	d := diagnosis{Checks: []api.Check{right("configuration", string(c.Authority))}}
	asking, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	health, err := api.Dial(c.Socket, c.Authority, nil).Health(asking)
	if err == nil {
		d.Checks = append(d.Checks, right("agent", "running"))
		if health.Console != "" {
			d.Checks = append(d.Checks, right("console", health.Console))
		}
		d.Checks = append(d.Checks, health.Checks...)
		for _, alarm := range health.Alarms {
			d.Checks = append(d.Checks, ofAlarm(alarm))
		}
		for _, n := range health.Noticed {
			d.Checks = append(d.Checks, right("noticed "+n.Kind, fmt.Sprintf("%s: %d since the start, last %s", n.Peer, n.Count, moment(n.LastAt))))
		}
		return d
	}
	detail := "does not run"
	if !errors.Is(err, api.ErrNoAgent) {
		detail = "does not answer as it should: " + err.Error()
	}
	d.Checks = append(d.Checks, wrong("agent", detail, "start it: comity agent --config HOME/agent.toml, or a whole sandbox: comity sandbox up DIR"))
	d.Checks = append(d.Checks, checkFiles(ctx, c, now)...)
	return d
}

// checkReaders tells which programs of the system are there to read attachments. Without one the agent works, and holds what
// it would have read.
func checkReaders(tools []scan.Tool) []api.Check {
	var checks []api.Check
	for _, t := range tools {
		check := right("reader "+t.Name, "reads "+t.Reads)
		if t.Path == "" {
			check = right("reader "+t.Name, "not installed: "+t.Reads+" are held")
			check.Hint = "install " + t.Name + " where the agent runs"
		}
		checks = append(checks, check)
	}
	return checks
}

// ofAlarm shows an alarm as what it is: an error, until somebody has looked at it.
func ofAlarm(a api.Alarm) api.Check {
	return wrong("alarm "+a.Kind, strings.TrimSpace(fmt.Sprintf("%s %s", a.Peer, a.Subject))+", since "+moment(a.RaisedAt), "the agent's log tells what led to it")
}

func right(name, detail string) api.Check { return api.Check{Name: name, OK: true, Detail: detail} }

func wrong(name, detail, hint string) api.Check {
	return api.Check{Name: name, Detail: detail, Hint: hint}
}

func printDiagnosis(w io.Writer, d diagnosis) {
	width := 0
	for _, c := range d.Checks {
		width = max(width, len(c.Name))
	}
	for _, c := range d.Checks {
		word := "ok   "
		if !c.OK {
			word = "error"
		}
		fmt.Fprintf(w, "%s  %-*s  %s\n", word, width, c.Name, oneLine(c.Detail))
		if c.Hint != "" {
			fmt.Fprintf(w, "hint:  %s\n", oneLine(c.Hint))
		}
	}
}

// oneLine keeps a check to its line: joined errors stand on several.
func oneLine(text string) string { return printable(strings.ReplaceAll(text, "\n", "; ")) }
