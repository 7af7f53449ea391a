package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// streams are what a command reads and writes: data goes to out, everything said about it to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// The exit codes. They are an interface: scripts branch on them.
const (
	exitOK      = 0
	exitFailure = 1 // the command was understood and did not succeed
	exitUsage   = 2 // the command was not understood
)

// run executes one command line and returns the exit code of the process.
func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	printError(s.err, err)
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailure
}

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "comity",
		Short: "Messages between the competent authorities of States: signed, sealed end to end, receipted",
		Long: `Comity carries requests for mutual legal assistance between the competent authorities of States. Each authority runs an
agent; agents exchange signed, end-to-end encrypted messages through a broker that can read none of them.

Start with:  comity demo`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          chooseSubcommand,
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{err: err, hint: "run: " + cmd.CommandPath() + " --help"}
	})
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(subcommands()...)
	return root
}

// group is a command that only holds others.
func group(use, short string, subcommands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, RunE: chooseSubcommand}
	cmd.AddCommand(subcommands...)
	return cmd
}

func chooseSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := "run: " + cmd.CommandPath() + " --help"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean: " + cmd.CommandPath() + " " + strings.Join(near, " | ")
	}
	return &usageError{err: fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()), hint: hint}
}

// arguments makes a check of cobra's a usage error.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{err: err, hint: "usage: " + cmd.UseLine()}
		}
		return nil
	}
}

// self is how the person who reads our hints can start this program: go run leaves nothing behind to start again.
func self() string {
	path, err := os.Executable()
	if err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/comity"
	}
	return os.Args[0]
}
