package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"comity/agent"
	"comity/broker"
)

// newLog writes what happens, for the operator, to standard error. It holds no personal data: nothing that logs does.
func newLog(w io.Writer, form string) (*slog.Logger, error) {
	switch form {
	case "text":
		return slog.New(slog.NewTextHandler(w, nil)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, nil)), nil
	}
	return nil, usagef("--log text, or --log json", "unknown form of log %q", form)
}

func brokerCommand() *cobra.Command {
	path, form := "", ""
	cmd := &cobra.Command{
		Use:   "broker --config FILE",
		Short: "Run a broker until it is interrupted",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLog(cmd.ErrOrStderr(), form)
			if err != nil {
				return err
			}
			config, err := broker.LoadConfig(path)
			if err != nil {
				return err
			}
			b, err := broker.New(config, broker.Options{Log: log})
			if err != nil {
				return err
			}
			thrifty()
			return b.Run(cmd.Context())
		},
	}
	serveFlags(cmd, &path, &form, "broker.toml")
	return cmd
}

func agentCommand() *cobra.Command {
	path, form := "", ""
	cmd := &cobra.Command{
		Use:   "agent --config FILE",
		Short: "Run an authority's agent until it is interrupted",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := newLog(cmd.ErrOrStderr(), form)
			if err != nil {
				return err
			}
			config, err := agent.LoadConfig(path)
			if err != nil {
				return err
			}
			return runAgent(cmd.Context(), config, log)
		},
	}
	serveFlags(cmd, &path, &form, "agent.toml")
	return cmd
}

func serveFlags(cmd *cobra.Command, path, form *string, name string) {
	cmd.Flags().StringVar(path, "config", name, "the configuration file")
	cmd.Flags().StringVar(form, "log", "text", "form of the log on standard error: text or json")
}

// thrifty has the collector begin when half as much as is in use was allocated, not as much: chunks of files of any size go
// through this process, and what is left of them should not be what it is known for. Whoever sets GOGC knows better.
func thrifty() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// agentMemory is what an agent gets along with: some 45 MiB are in use with its lexicon. While a file of gigabytes arrives, freed
// room of half a MiB and more would otherwise gather faster than it is given back.
const agentMemory = 160 << 20

// runAgent opens an agent, says when it is ready, and closes its database when it has ended.
func runAgent(ctx context.Context, config agent.Config, log *slog.Logger) error {
	thrifty()
	if os.Getenv("GOMEMLIMIT") == "" { // soft: beyond it the collector works harder, and gives back what it has freed
		debug.SetMemoryLimit(agentMemory)
	}
	child, err := extractor()
	if err != nil {
		return err
	}
	a, err := agent.New(ctx, config, agent.Options{Log: log, Extractor: child})
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // compiling the lexicon took much that is never needed again
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-a.Ready():
			log.Info("agent ready", "authority", config.Authority, "socket", config.Socket)
		case <-ended:
		}
	}()
	err = a.Run(ctx)
	if closing := a.Close(); closing != nil {
		err = errors.Join(err, fmt.Errorf("closing the agent's store: %w", closing))
	}
	return err
}
