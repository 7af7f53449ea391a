package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
			thrifty(cmd.Context(), brokerRoom)
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

// runAgent opens an agent, says when it is ready, and closes its database when it has ended.
func runAgent(ctx context.Context, config agent.Config, log *slog.Logger) error {
	child, err := extractor()
	if err != nil {
		return err
	}
	a, err := agent.New(ctx, config, agent.Options{Log: log, Extractor: child})
	if err != nil {
		return err
	}
	debug.FreeOSMemory() // compiling the lexicon took much that is never needed again
	forgetStart()
	thrifty(ctx, agentRoom)
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
