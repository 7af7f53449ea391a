package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

func sandboxCommand() *cobra.Command {
	return group("sandbox", "A whole scheme on this machine, with the codes QM to QZ",
		sandboxInitCommand(), sandboxUpCommand(), sandboxRevokeCommand(), sandboxRenewCommand())
}

func sandboxInitCommand() *cobra.Command {
	states, port, tick, logins, metrics := "", 0, time.Second, true, false
	cmd := &cobra.Command{
		Use:   "init DIR --states qm,qn,qp",
		Short: "Make a sandbox in a new folder: States, authorities, people, keys, a broker",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan := sandbox.Plan{Dir: args[0], Port: port, Routine: tick, Urgent: tick, Logins: logins, Metrics: metrics, Now: time.Now}
			var err error
			if plan.States, err = parseStates(states); err != nil {
				return err
			}
			s, err := sandbox.Init(plan)
			if errors.Is(err, sandbox.ErrNotEmpty) {
				return withHint(err, "name a folder that does not exist yet")
			}
			if err != nil {
				return err
			}
			describe(cmd.OutOrStdout(), s, args[0])
			if metrics {
				fmt.Fprintf(cmd.OutOrStdout(), "\nPrometheus finds the metrics by %s: see deploy/README.md\n", args[0]+"/targets.json")
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&states, "states", "qm,qn,qp", "two States or more, of the user-assigned codes QM to QZ")
	cmd.Flags().IntVar(&port, "port", 4222, "the broker's port on the loopback interface; 0 takes a free one")
	cmd.Flags().BoolVar(&logins, "logins", logins, "give every role a login for the console, all with one password")
	cmd.Flags().BoolVar(&metrics, "metrics", false, "give the broker and each agent a listener for Prometheus")
	cmd.Flags().DurationVar(&tick, "tick", tick, "how often approved messages leave; a real authority has 15m")
	return cmd
}

func parseStates(text string) ([]schemas.StateCode, error) {
	var states []schemas.StateCode
	for part := range strings.SplitSeq(text, ",") {
		state, err := schemas.ParseStateCode(strings.ToUpper(strings.TrimSpace(part)))
		if err != nil {
			return nil, usagef("write them as qm,qn,qp", "--states: %w", err)
		}
		states = append(states, state)
	}
	return states, nil
}

// describe says what was made, what to do next, and how to be rid of it.
func describe(w io.Writer, s *sandbox.Sandbox, dir string) {
	fmt.Fprintf(w, "made a sandbox in %s\n\n", dir)
	fmt.Fprintf(w, "  %-24s what the scheme publishes: trust list, directory, revocation lists\n", dir+"/trust")
	fmt.Fprintf(w, "  %-24s the broker, which can read no message\n", dir+"/broker")
	for _, id := range s.Authorities() {
		fmt.Fprintf(w, "  %-24s %s; its people's credentials are in people/*.pem\n", dir+"/"+id.State().Lower()+"/"+id.Name(), id)
	}
	fmt.Fprintf(w, "  %-24s the private keys of the CAs: nobody reads them but `comity sandbox`\n", dir+"/ca")
	fmt.Fprintf(w, "\nnext: %s sandbox up %s\nto be rid of it, keys and all: rm -r %s\n", self(), dir, dir)
}

// openSandbox finds a sandbox, or says what to do.
func openSandbox(dir string) (*sandbox.Sandbox, error) {
	s, err := sandbox.Open(dir)
	if errors.Is(err, sandbox.ErrNotSandbox) {
		return nil, withHint(err, "make one: comity sandbox init "+dir+" --states qm,qn,qp")
	}
	return s, err
}

func sandboxUpCommand() *cobra.Command {
	only, form, verbose := []string{}, "text", false
	cmd := &cobra.Command{
		Use:   "up DIR",
		Short: "Run the broker and all agents of a sandbox until interrupted",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openSandbox(args[0])
			if err != nil {
				return err
			}
			if s.Extractor, err = extractor(); err != nil {
				return err
			}
			parts := s.AllParts()
			if len(only) > 0 {
				if parts, err = s.ParseParts(only); err != nil {
					return usagef("parts are `broker` and authorities, such as qm/justice", "--only: %w", err)
				}
			}
			log := slog.New(slog.DiscardHandler)
			if verbose {
				if log, err = newLog(cmd.ErrOrStderr(), form); err != nil {
					return err
				}
			}
			return up(cmd, s, parts, log, args[0])
		},
	}
	cmd.Flags().StringSliceVar(&only, "only", nil, "run these parts only: broker,qm/justice,...")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log what happens to standard error")
	cmd.Flags().StringVar(&form, "log", "text", "form of the log: text or json")
	return cmd
}

func up(cmd *cobra.Command, s *sandbox.Sandbox, parts sandbox.Parts, log *slog.Logger, dir string) error {
	due, err := s.Due(time.Now())
	if err != nil {
		return err
	}
	if due {
		if err := s.Renew(time.Now); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "renewed what the scheme publishes: it was about to go stale")
	}
	err = s.Run(cmd.Context(), parts, log, func() {
		w := cmd.OutOrStdout()
		if parts.Broker {
			fmt.Fprintln(w, "ready: broker")
		}
		for _, id := range parts.Authorities {
			fmt.Fprintf(w, "ready: %s\n", id)
		}
		if err := sayLogins(w, s, parts.Authorities); err != nil {
			log.Error("reading the password of the logins", slog.Any("error", err))
		}
		fmt.Fprintf(w, "\ntry in a second terminal:\n%s\nCtrl-C stops\n", tryNext(dir))
	})
	if err == nil {
		fmt.Fprintln(cmd.OutOrStdout(), "stopped")
	}
	return err
}

// sayLogins prints where the consoles are and with what one logs in there.
func sayLogins(w io.Writer, s *sandbox.Sandbox, authorities []schemas.AuthorityID) error {
	password, err := s.Password()
	if err != nil || password == "" {
		return err
	}
	fmt.Fprintln(w, "\nin a browser, which has to be told to trust the agents' own certificates:")
	for _, id := range authorities {
		fmt.Fprintf(w, "  %-12s %s\n", id, s.ConsoleURL(id))
	}
	fmt.Fprintf(w, "\nlogins, all with the password %s\n", password)
	for _, l := range s.Logins(authorities[0]) {
		fmt.Fprintf(w, "  %-12s %s\n", l.Name, strings.Join(textsOf(l.Roles), ", "))
	}
	return nil
}

// tryNext are the first commands of a tour. The README has the whole.
func tryNext(dir string) string {
	return fmt.Sprintf(`  export %[1]s=%[3]s/qm/justice %[2]s=%[3]s/qm/justice/people/officer-1.pem
  %[4]s doctor
  %[4]s message draft deploy/samples/mla-request-bank-records.json
  %[4]s message list
`, homeVariable, asVariable, dir, self())
}

func sandboxRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke DIR AUTHORITY",
		Short: "Put an authority's certificates on its State's revocation list: it is cut off within a second",
		Args:  arguments(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openSandbox(args[0])
			if err != nil {
				return err
			}
			id, err := s.ParseAuthority(args[1])
			if err != nil {
				return usagef("authorities are named as in qm/justice", "%w", err)
			}
			if err := s.Revoke(id, time.Now); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "revoked every certificate of %s; there is no way back\n", id)
			return nil
		},
	}
}

func sandboxRenewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "renew DIR",
		Short: "Publish trust list, directory and revocation lists anew, under the next versions",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openSandbox(args[0])
			if err != nil {
				return err
			}
			if err := s.Renew(time.Now); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "renewed")
			return nil
		},
	}
}
