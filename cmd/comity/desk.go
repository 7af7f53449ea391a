package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"comity/agent"
	"comity/agent/api"
	"comity/agent/people"
)

// The environment variables that stand for --home and --as, so that a person types them once a day.
const (
	homeVariable = "COMITY_HOME"
	asVariable   = "COMITY_AS"
)

// desk is what a person's command needs: whose agent, who acts, and how the answer is printed.
type desk struct {
	home string
	as   string
	json bool
	ids  bool
}

func (d *desk) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.home, "home", "", "the authority's folder, which holds agent.toml (default: $"+homeVariable+", or the folder you are in)")
	cmd.Flags().StringVar(&d.as, "as", "", "your credential file, which proves who acts (default: $"+asVariable+")")
	cmd.Flags().BoolVar(&d.json, "json", false, "print the agent's answer as JSON")
}

// idsFlag adds -q to commands whose answer a script would otherwise have to take apart.
func (d *desk) idsFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&d.ids, "quiet", "q", false, "print ids only, one on each line")
}

// config reads the authority's agent.toml.
func (d *desk) config() (agent.Config, error) {
	return loadHome(d.home)
}

// loadHome reads agent.toml of a home: the one named, or $COMITY_HOME, or the folder we are in.
func loadHome(home string) (agent.Config, error) {
	if home == "" {
		home = os.Getenv(homeVariable)
	}
	path := filepath.Join(home, "agent.toml")
	c, err := agent.LoadConfig(path)
	if errors.Is(err, fs.ErrNotExist) && !exists(path) {
		return c, withHint(err, "name the authority's folder with --home; in a sandbox it is DIR/<state>/<authority>, such as DIR/qm/justice")
	}
	return c, err
}

// open connects to the agent as the person whose credential was named.
func (d *desk) open() (*api.Client, error) {
	c, credential, err := d.identify()
	if err != nil {
		return nil, err
	}
	if !exists(c.Socket) {
		return nil, withHint(fmt.Errorf("agent of %s does not run: no socket %s", c.Authority, c.Socket),
			"start it with `comity agent --config HOME/agent.toml`, or a whole sandbox with `comity sandbox up DIR`")
	}
	return api.Dial(c.Socket, c.Authority, credential), nil
}

// identify reads whose home it is and who acts.
func (d *desk) identify() (agent.Config, *people.Credential, error) {
	c, err := d.config()
	if err != nil {
		return c, nil, err
	}
	as := d.as
	if as == "" {
		as = os.Getenv(asVariable)
	}
	if as == "" {
		return c, nil, usagef("name your credential file with --as; in a sandbox it is HOME/people/<name>.pem",
			"no credential: the agent must know who acts")
	}
	credential, err := people.ReadCredential(as)
	return c, credential, err
}

// openAnyway is open, and where no agent runs opens the authority's own home in this process: for commands that need its
// register and rules, and no broker. stop must be called.
func (d *desk) openAnyway(ctx context.Context) (client *api.Client, stop func(), err error) {
	c, credential, err := d.identify()
	if err != nil {
		return nil, nil, err
	}
	return openHere(ctx, c, credential)
}

// openHere reaches an authority's agent on its socket or, where none answers, in this process. Without a credential only
// that can be asked which needs none.
func openHere(ctx context.Context, c agent.Config, credential *people.Credential) (client *api.Client, stop func(), err error) {
	client = api.Dial(c.Socket, c.Authority, credential)
	if _, err := client.Health(ctx); err == nil {
		return client, client.Close, nil
	}
	client.Close()
	child, err := extractor()
	if err != nil {
		return nil, nil, err
	}
	a, err := agent.New(ctx, c, agent.Options{Extractor: child})
	if err != nil {
		return nil, nil, err
	}
	return api.Local(a.Handler(), c.Authority, credential), func() { a.Close() }, nil
}

// answer asks the running agent and prints what it says: as JSON, or as people read it.
func answer[T any](cmd *cobra.Command, d *desk, what string, ask func(*api.Client) (T, error), show func(io.Writer, T) error) error {
	client, err := d.open()
	if err != nil {
		return err
	}
	said, err := ask(client)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if d.json {
		return printJSON(cmd, said)
	}
	return show(cmd.OutOrStdout(), said)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// printJSON writes v as indented JSON with a line end: for scripts, so its form changes only with a version.
func printJSON(cmd *cobra.Command, v any) error {
	text, err := json.Marshal(v, json.Deterministic(true), jsontext.Multiline(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return err
}

// idPrefix accepts an id or the beginning of one; the agent refuses a beginning that several ids have.
func idPrefix(text string) error {
	for _, r := range text {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return usagef("ids are 26 lower-case letters and digits; their beginning is enough where it is unique", "not an id: %q", text)
		}
	}
	if len(text) < 4 || len(text) > 26 {
		return usagef("give 4 characters of the id at least, as `list` shows it", "not an id: %q", text)
	}
	return nil
}
