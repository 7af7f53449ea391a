package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent"
	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/people"
)

const whoKeepsAccounts = `
A change needs two things: to reach the authority's folder, which is its owner's, and a key officer's credential (--as). Where
agent.toml lists no key officer, the owner alone does it, who could list one. Every change stands in the home log.`

func userCommand() *cobra.Command {
	return group("user", "Keep the logins of people for the console (key officers)",
		userAddCommand(), userRolesCommand(), userListCommand(), userAbsentCommand(), userBackCommand(), userAbsencesCommand(), userActCommand("password", "Give a one-time password, forget passkeys, unlock", func(ctx context.Context, c *api.Client, name string) (api.Password, error) {
			return c.ResetPassword(ctx, name)
		}),
		userActCommand("lock", "Lock an account: its sessions end", func(ctx context.Context, c *api.Client, name string) (api.Password, error) {
			return c.SetLocked(ctx, name, true)
		}),
		userActCommand("unlock", "Unlock an account", func(ctx context.Context, c *api.Client, name string) (api.Password, error) {
			return c.SetLocked(ctx, name, false)
		}))
}

func userAddCommand() *cobra.Command {
	d, roles, stdin := &desk{}, []string{}, false
	cmd := &cobra.Command{
		Use:   "add NAME --role ROLE",
		Short: "Make an account and print its one-time password",
		Long: `Makes an account. Its one-time password is printed once and must be changed at the first login, so that nobody else knows the
next one. A person whom agent.toml lists has the roles written there: leave --role out. Who has no credential file needs roles
here: ` + strings.Join(roleNames(), ", ") + `.
` + whoKeepsAccounts,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			asked := api.NewAccount{Name: args[0], Roles: rolesOf(roles)}
			if stdin {
				line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), account.MaxPassword+2)).ReadString('\n')
				if err != nil && !errors.Is(err, io.EOF) {
					return err
				}
				if asked.Password = strings.TrimRight(line, "\r\n"); asked.Password == "" {
					return usagef("write it on one line", "standard input holds no password")
				}
			}
			return onAccounts(cmd, d, "adding the account of "+args[0], func(c *api.Client) (api.Password, error) {
				return c.AddAccount(cmd.Context(), asked)
			}, showPassword)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringSliceVar(&roles, "role", nil, "a role of DOMAIN section 6; several with commas")
	cmd.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input: one that its owner chose and types")
	return cmd
}

func userRolesCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "roles NAME ROLE...",
		Short: "Give an account these roles and no others: its sessions end",
		Long:  "The roles are " + strings.Join(roleNames(), ", ") + ".\n" + whoKeepsAccounts,
		Args:  arguments(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onAccounts(cmd, d, "changing the roles of "+args[0], func(c *api.Client) (api.Password, error) {
				return c.SetRoles(cmd.Context(), args[0], rolesOf(strings.FieldsFunc(strings.Join(args[1:], ","), func(r rune) bool { return r == ',' })))
			}, showPassword)
		},
	}
	d.flags(cmd)
	return cmd
}

func userActCommand(verb, short string, act func(context.Context, *api.Client, string) (api.Password, error)) *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: verb + " NAME", Short: short, Long: short + ".\n" + whoKeepsAccounts,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onAccounts(cmd, d, verb+" "+args[0], func(c *api.Client) (api.Password, error) { return act(cmd.Context(), c, args[0]) }, showPassword)
		},
	}
	d.flags(cmd)
	return cmd
}

func userListCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "list", Short: "List the accounts", Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onAccounts(cmd, d, "listing the accounts", func(c *api.Client) (api.Accounts, error) { return c.Accounts(cmd.Context()) }, showAccounts)
		},
	}
	d.flags(cmd)
	return cmd
}

func clientCommand() *cobra.Command {
	return group("client", "Keep the tokens of national case systems for the API (key officers)", clientAddCommand(), clientListCommand(), clientEndCommand())
}

func clientAddCommand() *cobra.Command {
	d, role := &desk{}, ""
	cmd := &cobra.Command{
		Use:   "add NAME --role ROLE",
		Short: "Make a client of the API and print its token",
		Long: `Makes a client and prints its bearer token, once: the agent keeps a hash of it alone. A client may draft and read what its role
allows; it never approves, signs, releases or exports, whatever the role: a machine is not a person. Its role is case-officer,
border-duty-desk, registrar, liaison-officer or auditor.
` + whoKeepsAccounts,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onAccounts(cmd, d, "adding client "+args[0], func(c *api.Client) (api.Machine, error) {
				return c.AddMachine(cmd.Context(), args[0], people.Role(role))
			}, func(w io.Writer, m api.Machine) error {
				_, err := fmt.Fprintf(w, "client %s, role %s\ntoken: %s\n", m.Name, m.Role, m.Token)
				return err
			})
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&role, "role", "", "what the client may do")
	return cmd
}

func clientListCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "list", Short: "List the clients of the API", Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return onAccounts(cmd, d, "listing the clients", func(c *api.Client) (api.Machines, error) { return c.Machines(cmd.Context()) }, func(w io.Writer, m api.Machines) error {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "NAME\tROLE\tSINCE\tENDED")
				for _, c := range m.Clients {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.Name, c.Role, moment(c.CreatedAt), moment(c.EndedAt))
				}
				return t.Flush()
			})
		},
	}
	d.flags(cmd)
	return cmd
}

func clientEndCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use: "end NAME", Short: "Make the token of a client good for nothing", Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onAccounts(cmd, d, "ending client "+args[0], func(c *api.Client) (api.Machine, error) { return c.EndMachine(cmd.Context(), args[0]) },
				func(w io.Writer, m api.Machine) error {
					_, err := fmt.Fprintf(w, "ended %s; its name stays taken\n", m.Name)
					return err
				})
		},
	}
	d.flags(cmd)
	return cmd
}

// onAccounts asks the running agent, or opens the home in this process where none runs. A credential is read where one is named.
func onAccounts[T any](cmd *cobra.Command, d *desk, what string, ask func(*api.Client) (T, error), show func(io.Writer, T) error) error {
	c, credential, err := d.ownerOr()
	if err != nil {
		return err
	}
	client, stop, err := openHere(cmd.Context(), c, credential)
	if err != nil {
		return err
	}
	defer stop()
	said, err := ask(client)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if d.json {
		return printJSON(cmd, said)
	}
	return show(cmd.OutOrStdout(), said)
}

// ownerOr reads whose home it is, and the credential of whoever acts beside its owner, if one is named.
func (d *desk) ownerOr() (agent.Config, *people.Credential, error) {
	if d.as != "" || os.Getenv(asVariable) != "" {
		return d.identify()
	}
	c, err := d.config()
	return c, nil, err
}

func showPassword(w io.Writer, p api.Password) error {
	if p.Password == "" {
		_, err := fmt.Fprintf(w, "done: %s\n", p.Name)
		return err
	}
	_, err := fmt.Fprintf(w, "%s logs in with this password once, and then chooses another:\n%s\n", p.Name, p.Password)
	return err
}

func showAccounts(w io.Writer, a api.Accounts) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tROLES\tPASSKEYS\tSINCE\tNOTE")
	for _, one := range a.Accounts {
		var notes []string
		for note, yes := range map[string]bool{"locked": one.Locked, "one-time password": one.OneTime, "roles from agent.toml": one.Listed} {
			if yes {
				notes = append(notes, note)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\n", one.Name, strings.Join(textsOf(one.Roles), ", "), one.Passkeys, moment(one.CreatedAt), strings.Join(slices.Sorted(slices.Values(notes)), ", "))
	}
	return t.Flush()
}

func rolesOf(names []string) (roles []people.Role) {
	for _, name := range names {
		roles = append(roles, people.Role(name))
	}
	return roles
}

func roleNames() []string { return textsOf(people.Roles()) }

func textsOf(roles []people.Role) (names []string) {
	for _, r := range roles {
		names = append(names, string(r))
	}
	return names
}
