// Command comity is the one program of Comity: broker, agent, the people's commands, sandbox, demo and doctor.
//
// This package turns words on a command line into calls: it holds no rule of the domain. It trusts the person at the
// terminal with what their own credential allows and with nothing more; the agent decides. It must never open an agent's
// database, and must never print a private key or put what a draft says into an error.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// collectAt lets the heap grow to three times what lives on it before it is collected, where GOGC does not say otherwise: most of
// what an agent holds are tables that live for ever, and each collection goes through all of them.
const collectAt = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}
