package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"comity/agent/casefile"
	"comity/pki"
	"comity/schemas"
)

func caseExportCommand() *cobra.Command {
	d, out, reader := &desk{}, "", ""
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Hand out what was exchanged in a case, with what proves it, as one file for one reader (approvers)",
		Long: `Writes a zip that comity verify, and other tools, can check with no network: messages, receipts, the broker's acceptances, proofs
of the journal, and the public documents by which all of it was proved at the time. The rules are asked about every message in
it, for the reader who is named: an authority (QN/justice), or whoever reads in a State (QM, for its own courts). The file is
made for that reader and for no other. Where it is under review, give the same command again later: what was released is
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
			file, err := client.ExportCase(cmd.Context(), args[0], reader)
			if err != nil {
				return fmt.Errorf("exporting case %s: %w", args[0], err)
			}
			if err := writeNew(out, file.Content); err != nil {
				return fmt.Errorf("writing the file of a case: %w", err)
			}
			if d.json {
				return printJSON(cmd, exportedCase{Case: file.Case, Reader: reader, Messages: file.Messages, SHA256: file.SHA256, File: out})
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: case %s for %s, %d messages, %d bytes\nsha256  %s\n", out, file.Case, reader, file.Messages, len(file.Content), file.SHA256)
			return err
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "the file to write; it must not exist yet")
	cmd.Flags().StringVar(&reader, "for", "", "who will read it: an authority, or a State")
	cmd.MarkFlagRequired("output")
	cmd.MarkFlagRequired("for")
	return cmd
}

// exportedCase is what case export prints with --json.
type exportedCase struct {
	Case     schemas.CaseID `json:"case"`
	Reader   string         `json:"reader"`
	Messages int            `json:"messages"`
	SHA256   string         `json:"sha256"`
	File     string         `json:"file"`
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
