package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"comity/agent/api"
)

func searchCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "search WORD…",
		Short: "Find exchanged messages by words of their content",
		Long: `Lists the messages that were sent or received and whose content has every one of the words, the last first, 100 at the most. Case,
accents and the script of a name make no difference. Drafts, and what nobody may read yet, are not searched; nor are attachments
and files of evidence. It is for those whose role lets them read content.`,
		Example: "  comity search invoice 4711",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return answer(cmd, d, "searching", func(c *api.Client) (api.Messages, error) {
				found, err := c.Search(cmd.Context(), strings.Join(args, " "))
				return api.Messages{Messages: found}, err
			}, func(w io.Writer, found api.Messages) error { return printMessages(w, found.Messages) })
		},
	}
	d.flags(cmd)
	return cmd
}
