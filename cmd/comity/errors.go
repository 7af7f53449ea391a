package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"comity/agent/api"
	"comity/agent/store"
)

// usageError says that the command line itself was wrong.
type usageError struct {
	err  error
	hint string
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }
func (e *usageError) Hint() string  { return e.hint }

// usagef makes a usage error with the hint that mends it.
func usagef(hint, format string, args ...any) error {
	return &usageError{err: fmt.Errorf(format, args...), hint: hint}
}

// hinted is a failure together with what the person can do about it.
type hinted struct {
	err  error
	hint string
}

func (e *hinted) Error() string { return e.err.Error() }
func (e *hinted) Unwrap() error { return e.err }
func (e *hinted) Hint() string  { return e.hint }

func withHint(err error, hint string) error { return &hinted{err: err, hint: hint} }

// printError writes "error: …", every defect of a draft, and then "hint: …".
func printError(w io.Writer, err error) {
	fmt.Fprintf(w, "error: %v\n", err)
	problem, fromAgent := errors.AsType[*api.Problem](err)
	if fromAgent {
		for _, d := range problem.Defects {
			fmt.Fprintf(w, "  at %s: %s", pointer(d.Pointer), d.Rule)
			if d.Hint != "" {
				fmt.Fprintf(w, " (%s)", d.Hint)
			}
			fmt.Fprintln(w)
		}
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
}

// pointer shows the JSON pointer of the whole document, which is empty, as something that can be seen.
func pointer(p string) string {
	if p == "" {
		return "the whole draft"
	}
	return p
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) && h.Hint() != "" {
		return h.Hint()
	}
	if problem, ok := errors.AsType[*api.Problem](err); ok {
		return problem.Hint
	}
	switch {
	case errors.Is(err, api.ErrNoAgent):
		return "the agent is not running: start it with `comity agent --config HOME/agent.toml` or `comity sandbox up DIR`"
	case errors.Is(err, store.ErrInUse):
		return "another process runs this agent: stop it first, there is one agent for each authority"
	case errors.Is(err, fs.ErrPermission):
		return "this file belongs to somebody else: agents and credentials open to their owner only"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "the other side did not answer in time: run `comity doctor`"
	}
	return ""
}
