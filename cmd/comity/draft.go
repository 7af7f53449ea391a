package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/cmd/comity/clerk"
	"comity/schemas"
)

// draftFlags are where a draft belongs: the samples name no case, because ids are known only once a case is open.
type draftFlags struct {
	caseID string
	reply  string
	edit   string
}

func draftCommand() *cobra.Command {
	d, f := &desk{}, &draftFlags{}
	cmd := &cobra.Command{
		Use:   "draft FILE...",
		Short: "Put drafts into review: each FILE is a payload as JSON plus \"to\" (- reads standard input)",
		Long: `Each FILE is a payload as JSON plus "to": the authorities it is for. A draft for several becomes one message each.
The agent checks it at once against its schema, the directory and the state of its case, and names every defect. It then
waits in review for a second person to approve exactly these bytes.`,
		Args: arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error { return draft(cmd, d, f, args) },
	}
	d.flags(cmd)
	d.idsFlag(cmd)
	cmd.Flags().StringVar(&f.caseID, "case", "", "the case it belongs to: an id, or its beginning")
	cmd.Flags().StringVar(&f.reply, "reply", "", "the message it answers: an id, or its beginning")
	cmd.Flags().StringVar(&f.edit, "edit", "", "replace the draft of this message; an approval of it is undone")
	return cmd
}

func draft(cmd *cobra.Command, d *desk, f *draftFlags, files []string) error {
	if f.edit != "" && len(files) != 1 {
		return usagef("give the one file that replaces the draft", "--edit takes one FILE, not %d", len(files))
	}
	client, err := d.open()
	if err != nil {
		return err
	}
	place, edit, err := f.resolve(cmd, client)
	if err != nil {
		return err
	}
	answer := api.Messages{}
	for _, name := range files {
		text, err := readDraft(cmd.InOrStdin(), name)
		if err != nil {
			return err
		}
		if text, err = place.Put(text); err != nil {
			return fmt.Errorf("draft %s: %w", name, err)
		}
		messages, err := submitDraft(cmd, client, edit, text)
		if err != nil {
			return fmt.Errorf("draft %s: %w", name, err)
		}
		answer.Messages = append(answer.Messages, messages...)
	}
	return printDrafted(cmd, d, answer)
}

func submitDraft(cmd *cobra.Command, client *api.Client, edit schemas.MessageID, text []byte) ([]api.Message, error) {
	if edit == "" {
		return client.Draft(cmd.Context(), text)
	}
	message, err := client.Edit(cmd.Context(), edit, text)
	return []api.Message{message}, err
}

func printDrafted(cmd *cobra.Command, d *desk, answer api.Messages) error {
	if d.json {
		return printJSON(cmd, answer)
	}
	if d.ids {
		return printIDs(cmd.OutOrStdout(), answer.Messages, func(m api.Message) schemas.MessageID { return m.ID })
	}
	for _, m := range answer.Messages {
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s to %s: %s\n", m.ID, m.Type, m.To, m.State)
		printFiles(cmd.ErrOrStderr(), m.Files)
	}
	_, err := fmt.Fprintln(cmd.ErrOrStderr(), "next: another person approves it: comity message approve ID --as CREDENTIAL")
	return err
}

// resolve turns what was typed into whole ids. The case of --reply is that message's, where --case is not given.
func (f *draftFlags) resolve(cmd *cobra.Command, client *api.Client) (place clerk.Place, edit schemas.MessageID, err error) {
	if f.reply != "" {
		m, err := findMessage(cmd, client, f.reply)
		if err != nil {
			return place, "", fmt.Errorf("--reply: %w", err)
		}
		place.Answers, place.Case = m.ID, m.Case
	}
	if f.caseID != "" {
		c, err := findCase(cmd, client, f.caseID)
		if err != nil {
			return place, "", fmt.Errorf("--case: %w", err)
		}
		place.Case = c.ID
	}
	if f.edit != "" {
		m, err := findMessage(cmd, client, f.edit)
		if err != nil {
			return place, "", fmt.Errorf("--edit: %w", err)
		}
		edit = m.ID
	}
	return place, edit, nil
}

func readDraft(stdin io.Reader, name string) ([]byte, error) {
	source := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("reading draft: %w", err)
		}
		defer file.Close()
		source = file
	}
	text, err := io.ReadAll(io.LimitReader(source, int64(schemas.PayloadLimits.Bytes)+1))
	if err != nil {
		return nil, fmt.Errorf("reading draft %s: %w", name, err)
	}
	if len(text) > schemas.PayloadLimits.Bytes {
		return nil, withHint(fmt.Errorf("draft %s is larger than %d bytes", name, schemas.PayloadLimits.Bytes),
			"attachments may hold 512 KiB in all; split what is larger over several messages")
	}
	return text, nil
}
