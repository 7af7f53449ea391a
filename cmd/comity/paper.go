package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"comity/agent/api"
)

// letterCommand is what goes to authorities that are not connected.
func letterCommand() *cobra.Command {
	return group("letter", "Print what goes on paper to authorities that are not connected", letterListCommand(), letterPrintCommand(), letterCopyCommand())
}

func letterListCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the letters that wait to be printed, newest first",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd, d, &api.Query{State: "to-print", Limit: 50}, "")
		},
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	return cmd
}

func letterPrintCommand() *cobra.Command {
	d, by, out := &desk{}, "", ""
	cmd := &cobra.Command{
		Use:   "print ID --by MEANS",
		Short: "Make the letter of a cleared message and record how it is given away",
		Long: `The rules are asked once more, the letter is made, and the journal gets its hash, who gave it away, when and by which means. From
then on the message counts as sent, and its deadlines run. A letter is made once: comity letter copy shows it again.
MEANS is one of ` + strings.Join(api.Means(), ", ") + `.`,
		Example: "  comity letter print 4h7m --by diplomatic-bag --out letter.txt",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, m, err := openMessage(cmd, d, args[0])
			if err != nil {
				return err
			}
			l, err := client.PrintLetter(cmd.Context(), m.ID, api.Printing{SHA256: m.SHA256, Means: by})
			if err != nil {
				return fmt.Errorf("printing the letter of %s: %w", m.ID, err)
			}
			return writeLetter(cmd, d, l, out)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&by, "by", "", "how it is given away: "+strings.Join(api.Means(), ", "))
	cmd.Flags().StringVar(&out, "out", "", "write the letter to this new file (default: standard output)")
	return cmd
}

func letterCopyCommand() *cobra.Command {
	d, out := &desk{}, ""
	cmd := &cobra.Command{
		Use:   "copy ID",
		Short: "Show a letter again, exactly as it was printed",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, m, err := openMessage(cmd, d, args[0])
			if err != nil {
				return err
			}
			l, err := client.Letter(cmd.Context(), m.ID)
			if err != nil {
				return fmt.Errorf("showing the letter of %s: %w", m.ID, err)
			}
			return writeLetter(cmd, d, l, out)
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&out, "out", "", "write the letter to this new file (default: standard output)")
	return cmd
}

// writeLetter writes the text of a letter alone to where it is asked for, and what is recorded of it beside.
func writeLetter(cmd *cobra.Command, d *desk, l api.Letter, path string) error {
	if d.json {
		return printJSON(cmd, l)
	}
	if l.Text == "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "the text was erased, as the case demands; its hash is what is left")
	}
	var err error
	if path == "" {
		_, err = io.WriteString(cmd.OutOrStdout(), l.Text)
	} else {
		err = writeNew(path, []byte(l.Text))
	}
	if err != nil {
		return fmt.Errorf("writing the letter: %w", err)
	}
	_, err = fmt.Fprintf(cmd.ErrOrStderr(), "given away by %s, %s, %s; SHA-256 %s\n", l.Means, l.Person, moment(l.At), l.SHA256)
	return err
}

// paperCommand is what comes from authorities that are not connected.
func paperCommand() *cobra.Command {
	return group("paper", "Register what comes on paper from authorities that are not connected", paperRegisterCommand())
}

func paperRegisterCommand() *cobra.Command {
	d, f := &desk{}, &draftFlags{}
	cmd := &cobra.Command{
		Use:   "register FILE",
		Short: "Register a letter as a message of a case (- reads standard input)",
		Long: `FILE is a draft as JSON that says whose letter it is and how it came:
  {"from": "QN/records", "to": ["QM/justice"],
   "paper": {"dated": "2026-11-20", "received_on": "2026-11-27", "means": "post", "national_ref": "II-204/26"},
   "channel": "mla", "type": "mla.request/1", ...}
It is checked against the schema of its type, and against the case that it belongs to. Deadlines run from the day on which it came. Nobody
registers a letter of an authority that is connected, nor of their own State. Scans of the letter are attachments.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := d.open()
			if err != nil {
				return err
			}
			place, _, err := f.resolve(cmd, client)
			if err != nil {
				return err
			}
			text, err := readDraft(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			if text, err = place.Put(text); err != nil {
				return fmt.Errorf("paper %s: %w", args[0], err)
			}
			m, err := client.RegisterPaper(cmd.Context(), text)
			if err != nil {
				return fmt.Errorf("paper %s: %w", args[0], err)
			}
			if d.json {
				return printJSON(cmd, m)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s %s from %s: registered, case %s\n", m.ID, m.Type, m.From, m.Case)
			return err
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&f.caseID, "case", "", "the case it belongs to: an id, or its beginning")
	cmd.Flags().StringVar(&f.reply, "reply", "", "the message it answers: an id, or its beginning")
	return cmd
}
