package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"comity/cmd/comity/demo"
	"comity/cmd/comity/sandbox"
)

func demoCommand() *cobra.Command {
	once, dir, verbose := false, "", false
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Bring up a broker and three States from nothing and play cases between two of them",
		Long: `Makes a sandbox in a temporary folder, runs its broker and agents in this process, and plays the cases of deploy/samples
between QM and QN: one executed and closed, one refused, one withdrawn, and more. Each step is drafted by one person, approved
by another, sealed, sent, and receipted; the state of the case is read from both sides.`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := demo.Options{Dir: dir, Stay: !once, Out: cmd.OutOrStdout(), Log: slog.New(slog.DiscardHandler)}
			o.Next = func(s *sandbox.Sandbox) { sayNext(cmd, s) }
			var err error
			if o.Extractor, err = extractor(); err != nil {
				return err
			}
			if verbose {
				o.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			}
			tally, err := demo.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if tally.Failed > 0 {
				return fmt.Errorf("demo: %d of %d checks failed", tally.Failed, tally.Passed+tally.Failed)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the stories, with exit code 1 if anything failed")
	cmd.Flags().StringVar(&dir, "dir", "", "keep the sandbox in this new folder (default: a temporary one, removed at the end)")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log what happens to standard error")
	return cmd
}

// sayNext tells what can be done while everything is up.
func sayNext(cmd *cobra.Command, s *sandbox.Sandbox) {
	if err := sayLogins(cmd.OutOrStdout(), s, s.Authorities()); err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "the logins cannot be read:", err)
	}
	qm, qn := s.Home("QM/justice"), s.Home("QN/justice")
	fmt.Fprintf(cmd.OutOrStdout(), `
Everything stays up. In a second terminal, in this folder:

  %[1]s case list    --home %[2]s --as %[4]s
  %[1]s message list --home %[3]s --as %[5]s
  %[1]s doctor       --home %[2]s
  %[1]s message draft deploy/samples/mla-request-hearing.json --home %[2]s --as %[4]s

Ctrl-C ends it%[6]s.
`, self(), qm, qn, s.Credential("QM/justice", sandbox.Officer1), s.Credential("QN/justice", sandbox.Officer1), removal(cmd))
}

func removal(cmd *cobra.Command) string {
	if cmd.Flags().Changed("dir") {
		return ""
	}
	return " and removes the folder"
}
