package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/agent/evidence"
	"comity/schemas"
)

func evidenceCommand() *cobra.Command {
	return group("evidence", "Files of any size that travel beside a message: add, follow, open", evidenceAddCommand(), evidenceListCommand(),
		evidenceShowCommand(), evidenceStatusCommand(), evidenceOpenCommand())
}

func evidenceAddCommand() *cobra.Command {
	var d desk
	certified, custody := false, ""
	cmd := &cobra.Command{
		Use:   "add CASE FILE…",
		Short: "Seal files for the other side of a case, to be named in a message",
		Long: `Reads each file twice: once for its SHA-256, which your proof covers, and once into the agent, which scans what can be scanned,
takes out metadata, and encrypts it for the other side of the case. Nothing of it leaves before a message that names it was
approved, passed by the rules and sealed. Name files in a draft by the identifiers that are printed:

    "evidence": ["IDENTIFIER", …]

A certified original keeps every byte. A file that is too large to be scanned waits, with its message, for two protection
officers.`,
		Args: arguments(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := idPrefix(args[0]); err != nil {
				return err
			}
			held, err := readCustody(custody)
			if err != nil {
				return err
			}
			client, err := d.open()
			if err != nil {
				return err
			}
			defer client.Close()
			var added []api.Evidence
			for _, path := range args[1:] {
				e, err := addEvidence(cmd, client, args[0], path, api.Announcement{Certified: certified, Custody: held})
				if err != nil {
					return fmt.Errorf("adding %s: %w", path, err)
				}
				added = append(added, e)
			}
			if d.json {
				return printJSON(cmd, api.EvidenceFiles{Evidence: added})
			}
			if d.ids {
				for _, e := range added {
					fmt.Fprintln(cmd.OutOrStdout(), e.ID)
				}
				return nil
			}
			return printEvidence(cmd.OutOrStdout(), added)
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	cmd.Flags().BoolVar(&certified, "certified", false, "the files are certified originals or copies: no byte is changed")
	cmd.Flags().StringVar(&custody, "custody", "", "a JSON file with who held the item before: [{\"at\", \"holder\", \"action\"}]")
	return cmd
}

func readCustody(path string) (held []schemas.CustodyEntry, err error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := schemas.Decode(content, &held, schemas.DefaultLimits); err != nil {
		return nil, withHint(fmt.Errorf("reading the chain of custody %s: %w", path, err), `write [{"at": "2026-11-02T10:00:00Z", "holder": "regional court, registry", "action": "seized"}]`)
	}
	return held, nil
}

// addEvidence hashes a file, announces it, and streams it.
func addEvidence(cmd *cobra.Command, client *api.Client, in, path string, a api.Announcement) (e api.Evidence, err error) {
	file, err := os.Open(path)
	if err != nil {
		return e, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return e, err
	case !info.Mode().IsRegular():
		return e, withHint(errors.New("not a regular file"), "name a file; of a folder, make an archive first")
	case info.Size() == 0:
		return e, withHint(errors.New("the file is empty"), "there is nothing to send")
	case info.Size() > evidence.MaxBytes:
		return e, withHint(fmt.Errorf("the file is larger than %d GiB", evidence.MaxBytes>>30), "split it, and say in the message how it is put together")
	}
	progress := newProgress(cmd.ErrOrStderr(), filepath.Base(path), 2*info.Size())
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(progress.reader(cmd.Context(), file), info.Size())); err != nil {
		return e, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return e, err
	}
	a.Name, a.Bytes, a.SHA256 = filepath.Base(path), info.Size(), hex.EncodeToString(sum.Sum(nil))
	e, err = client.AddEvidence(cmd.Context(), in, a, progress.reader(cmd.Context(), file))
	progress.end()
	return e, err
}

// progress tells on a terminal how far a file is.
type progress struct {
	out        io.Writer
	name       string
	done, all  int64
	told       int64
	onTerminal bool
}

func newProgress(out io.Writer, name string, all int64) *progress {
	p := &progress{out: out, name: name, all: all}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.onTerminal = err == nil && info.Mode()&fs.ModeCharDevice != 0
	}
	return p
}

func (p *progress) reader(ctx context.Context, from io.Reader) io.Reader {
	return &counted{ctx: ctx, from: from, to: p}
}

func (p *progress) add(n int) {
	p.done += int64(n)
	if percent := p.done * 100 / p.all; p.onTerminal && percent != p.told {
		p.told = percent
		fmt.Fprintf(p.out, "\r%s: %d %%", p.name, percent)
	}
}

func (p *progress) end() {
	if p.onTerminal {
		fmt.Fprint(p.out, "\r\033[K")
	}
}

type counted struct {
	ctx  context.Context
	from io.Reader
	to   *progress
}

func (c *counted) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.from.Read(b)
	c.to.add(n)
	return n, err
}

func evidenceListCommand() *cobra.Command {
	var d desk
	cmd := &cobra.Command{
		Use:   "list CASE",
		Short: "List the files of evidence of a case",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := idPrefix(args[0]); err != nil {
				return err
			}
			return answer(cmd, &d, "listing evidence", func(c *api.Client) ([]api.Evidence, error) { return c.EvidenceList(cmd.Context(), args[0]) }, printEvidence)
		},
	}
	d.flags(cmd)
	return cmd
}

func evidenceStatusCommand() *cobra.Command {
	var d desk
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the files of evidence that are on their way, and how far they are",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, &d, "listing evidence", func(c *api.Client) ([]api.Evidence, error) { return c.EvidenceList(cmd.Context(), "") }, printEvidence)
		},
	}
	d.flags(cmd)
	return cmd
}

func evidenceShowCommand() *cobra.Command {
	var d desk
	cmd := &cobra.Command{
		Use:   "show FILE-ID",
		Short: "Show a file of evidence, its chain of custody, and what was done with it here",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := idPrefix(args[0]); err != nil {
				return err
			}
			return answer(cmd, &d, "showing evidence", func(c *api.Client) (api.Evidence, error) { return c.EvidenceFile(cmd.Context(), args[0]) }, printEvidenceFile)
		},
	}
	d.flags(cmd)
	return cmd
}

func evidenceOpenCommand() *cobra.Command {
	var d desk
	out := ""
	cmd := &cobra.Command{
		Use:   "open FILE-ID -o FILE",
		Short: "Write the content of a whole file of evidence to a new file",
		Long: `Decrypts a file that has arrived whole, holds it against the manifest that its sender signed, and writes it to a new file. Who
opened it and when becomes part of its custody at this desk.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := idPrefix(args[0]); err != nil {
				return err
			}
			if out == "" {
				return usagef("comity evidence open FILE-ID -o FILE", "no file is named that the content is written to")
			}
			client, err := d.open()
			if err != nil {
				return err
			}
			defer client.Close()
			file, err := client.EvidenceFile(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("opening evidence: %w", err)
			}
			sum := sha256.New()
			size, err := writeWhole(out, func(w io.Writer) error {
				if err := client.OpenEvidence(cmd.Context(), string(file.ID), io.MultiWriter(w, sum)); err != nil {
					return err
				}
				if hex.EncodeToString(sum.Sum(nil)) != file.SHA256 {
					return errors.New("what came is not what the manifest says")
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("opening evidence: %w", err)
			}
			if d.json {
				return printJSON(cmd, file)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "wrote %s, %d bytes, SHA-256 %s as signed by %s\n", out, size, file.SHA256, file.Owner)
			return err
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file to write; it must not exist")
	return cmd
}

func printEvidence(w io.Writer, files []api.Evidence) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "FILE\tOWNER\tSTATE\tBYTES\tARRIVED\tNAME\tREADING")
	for _, e := range files {
		arrived := "-"
		if e.State == "fetching" {
			arrived = fmt.Sprintf("%d %%", e.Have*100/e.Chunks)
		} else if e.State != "ready" {
			arrived = "whole"
		}
		name := e.Name
		if e.Certified {
			name += " (certified)"
		}
		fmt.Fprintln(t, strings.Join([]string{string(e.ID), string(e.Owner), e.State, fmt.Sprint(e.Bytes), arrived, name, e.Reading}, "\t"))
	}
	return t.Flush()
}

func printEvidenceFile(w io.Writer, e api.Evidence) error {
	if err := printEvidence(w, []api.Evidence{e}); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nSHA-256  %s\ncase     %s with %s\n", e.SHA256, e.Case, e.Peer)
	if e.Message != "" {
		fmt.Fprintf(w, "message  %s\n", e.Message)
	}
	fmt.Fprintln(w, "\nchain of custody, signed by", e.Owner)
	for _, c := range e.ChainOfCustody {
		fmt.Fprintf(w, "  %s  %-12s %s\n", c.At, c.Action, c.Holder)
	}
	fmt.Fprintln(w, "here")
	for _, c := range e.Custody {
		fmt.Fprintf(w, "  %s  %-12s %s\n", moment(c.At), c.What, c.Person)
	}
	return nil
}
