package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"comity/agent/api"
	"comity/agent/casefile"
	"comity/pki"
	"comity/schemas"
)

func caseExportCommand() *cobra.Command {
	d, out, asked := &desk{}, "", api.CaseRequest{}
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Hand out what was exchanged in a case, with what proves it, as one file for one reader (approvers)",
		Long: `Writes a zip that comity verify, and other tools, can check with no network: messages, receipts, the broker's acceptances, proofs
of the journal, and the public documents by which all of it was proved at the time. The rules are asked about every message in
it, for the reader who is named: an authority (QN/justice), or whoever reads in a State (QM, for its own courts). The file is
made for that reader and for no other. Files of evidence are in it as they are, which may be many gigabytes; with
--without-files they are left out, and the file names each with its SHA-256. The rules are asked about them in any case. Where it is under review, give the same command again later: what was released is
handed out for this reader and with these messages alone.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := idPrefix(args[0]); err != nil {
				return err
			}
			client, err := d.open()
			if err != nil {
				return err
			}
			var file api.CaseExport
			_, err = writeWhole(out, func(w io.Writer) (err error) {
				file, err = client.ExportCase(cmd.Context(), args[0], asked, func(said api.CaseExport) (io.Writer, error) { return w, roomFor(out, said.FileBytes) })
				return err
			})
			if err != nil {
				return fmt.Errorf("exporting case %s: %w", args[0], err)
			}
			if d.json {
				return printJSON(cmd, exportedCase{
					Case: file.Case, Reader: asked.Reader, Messages: file.Messages, Files: file.Files, Absent: file.Absent, SHA256: file.SHA256, File: out,
				})
			}
			return printExport(cmd.OutOrStdout(), out, asked, file)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file to write; it must not exist yet")
	cmd.Flags().StringVar(&asked.Reader, "for", "", "who will read it: an authority, or a State")
	cmd.Flags().BoolVar(&asked.WithoutFiles, "without-files", false, "leave files of evidence out; each is named with its SHA-256")
	cmd.MarkFlagRequired("output")
	cmd.MarkFlagRequired("for")
	return cmd
}

// exportedCase is what case export prints with --json.
type exportedCase struct {
	Case     schemas.CaseID `json:"case"`
	Reader   string         `json:"reader"`
	Messages int            `json:"messages"`
	Files    int            `json:"files"`  // of evidence
	Absent   int            `json:"absent"` // files of evidence that are not in it
	SHA256   string         `json:"sha256"`
	File     string         `json:"file"`
}

func printExport(w io.Writer, out string, asked api.CaseRequest, file api.CaseExport) error {
	fmt.Fprintf(w, "%s: case %s for %s, %d messages, %d files of evidence, %d bytes\n", out, file.Case, asked.Reader, file.Messages, file.Files, file.Bytes)
	if file.Absent > 0 {
		why := "they are not here"
		if asked.WithoutFiles {
			why = "as you asked"
		}
		fmt.Fprintf(w, "left out  %d files of evidence, %s; comity verify %s names each with its SHA-256\n", file.Absent, why, out)
	}
	_, err := fmt.Fprintf(w, "sha256  %s\n", file.SHA256)
	return err
}

// roomFor refuses what the disk has no room for, before any of it is written.
func roomFor(path string, bytes int64) error {
	var stat unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &stat); err != nil {
		return err
	}
	if free := int64(stat.Bavail) * stat.Bsize; free < bytes {
		return withHint(fmt.Errorf("it has %d bytes of files of evidence, and the disk has room for %d", bytes, free),
			"free some space, write it to a larger disk, or leave the files out with --without-files")
	}
	return nil
}

// writeNew writes a file for its owner alone. One that is there is left as it is: it may be evidence.
func writeNew(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		file.Close()
		return err
	}
	if err := file.Sync(); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func verifyCommand() *cobra.Command {
	home, pinFile, asJSON := "", "", false
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check the file of a case: every signature, by what was known at the time, with no network and no agent",
		Long: `Prints a line for each thing that was checked. Exit code 1 if anything is wrong, and every defect has its name. Everything rests on
the scheme's signers: name them with --pin (a JSON file with scheme, threshold and signers) or --home (an authority's folder).
Without either, those that the file itself names are taken and shown, and you must compare them.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			pin, err := pinOf(home, pinFile)
			if err != nil {
				return err
			}
			return verifyCase(cmd, args[0], pin, asJSON)
		},
	}
	cmd.Flags().StringVar(&home, "home", "", "the folder of an authority whose pinned scheme signers are to be trusted")
	cmd.Flags().StringVar(&pinFile, "pin", "", "a file that names the scheme signers to trust")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the verdict as JSON")
	cmd.MarkFlagsMutuallyExclusive("home", "pin")
	return cmd
}

// pinOf is whom the reader trusts, nil where nobody was named.
func pinOf(home, path string) (*pki.Pin, error) {
	switch {
	case home != "":
		c, err := loadHome(home)
		return &c.Pin, err
	case path != "":
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the scheme signers: %w", err)
		}
		var pin pki.Pin
		if err := schemas.Decode(content, &pin, schemas.DefaultLimits); err != nil {
			return nil, fmt.Errorf("reading the scheme signers: %w", err)
		}
		return &pin, nil
	}
	return nil, nil
}

func verifyCase(cmd *cobra.Command, path string, pin *pki.Pin, asJSON bool) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the file of a case: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("reading the file of a case: %w", err)
	}
	verdict := casefile.Verify(file, info.Size(), pin)
	if asJSON {
		err = printJSON(cmd, verdict)
	} else {
		err = printVerdict(cmd.OutOrStdout(), verdict)
	}
	if err == nil && verdict.Defects > 0 {
		err = withHint(fmt.Errorf("%s: %d of %d checks failed", path, verdict.Defects, len(verdict.Lines)), "each line that begins with error has the name of what is wrong; do not rely on this file")
	}
	return err
}

func printVerdict(w io.Writer, verdict *casefile.Verdict) error {
	for _, l := range verdict.Lines {
		word, name := "ok    ", ""
		if !l.OK {
			word, name = "error ", string(l.Reason)+": "
		}
		if _, err := fmt.Fprintf(w, "%s %s%s\n", word, name, oneLine(l.Text)); err != nil {
			return err
		}
		if l.File != "" && !l.OK {
			fmt.Fprintf(w, "       in %s\n", printable(l.File))
		}
	}
	if verdict.Defects == 0 {
		_, err := fmt.Fprintf(w, "the file proves what it says: %d checks\n", len(verdict.Lines))
		return err
	}
	return nil
}
