package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/api"
	"comity/schemas"
)

func translationCommand() *cobra.Command {
	return group("translation", "Order translations and attach them",
		translationOrderCommand(), translationListCommand(), translationAttachCommand(), translationShowCommand())
}

func translationOrderCommand() *cobra.Command {
	d, into, by, certified := &desk{}, "", "", false
	cmd := &cobra.Command{
		Use:     "order ID --into LANGUAGE --by DAY",
		Short:   "Order a translation of a message that was received, or of a draft; prints the order with the text",
		Example: "  comity translation order 4h7m --into fr --by 2026-12-15 --certified",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, m, err := openMessage(cmd, d, args[0])
			if err != nil {
				return err
			}
			asked := api.TranslationOrder{Language: into, DueOn: schemas.Date(by), Certified: certified}
			o, err := client.OrderTranslation(cmd.Context(), m.ID, asked)
			if err != nil {
				return fmt.Errorf("ordering a translation of %s: %w", m.ID, err)
			}
			if d.json {
				return printJSON(cmd, o)
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "Order      %s\nMessage    %s\nInto       %s\nBy         %s\nCertified  %t\n\n", o.Order, o.Message, o.Language, o.DueOn, o.Certified)
			_, err = io.WriteString(w, o.Text)
			return err
		},
	}
	d.flags(cmd)
	cmd.Flags().StringVar(&into, "into", "", "language, two letters such as fr")
	cmd.Flags().StringVar(&by, "by", "", "day by which it is needed, such as 2026-12-15")
	cmd.Flags().BoolVar(&certified, "certified", false, "by a sworn translator")
	return cmd
}

func translationListCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the orders that are open, the next one due first",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return answer(cmd, d, "listing orders of translations", func(c *api.Client) (api.Translations, error) {
				open, err := c.OpenTranslations(cmd.Context())
				return api.Translations{Translations: open}, err
			}, printTranslations)
		},
	}
	d.flags(cmd)
	return cmd
}

func printTranslations(w io.Writer, found api.Translations) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ORDER\tMESSAGE\tINTO\tBY\tORDERED BY\tDONE")
	for _, o := range found.Translations {
		done := ""
		if !o.DoneAt.IsZero() {
			done = moment(o.DoneAt)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", o.Order, o.Message, o.Language, o.DueOn, o.OrderedBy, done)
	}
	return t.Flush()
}

func translationAttachCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "attach ORDER FILE",
		Short: "Attach the translation that was ordered (.txt or .pdf); of a draft this undoes its approval",
		Args:  arguments(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := map[string]string{".txt": "text/plain", ".pdf": "application/pdf"}[filepath.Ext(args[1])]
			info, err := os.Stat(args[1])
			if err != nil {
				return fmt.Errorf("reading the translation: %w", err)
			}
			if kind == "" || info.Size() > schemas.MaxAttachmentBytes {
				return usagef("a translation is a .txt or .pdf file of at most 512 KiB", "%s cannot be attached", args[1])
			}
			content, err := os.ReadFile(args[1])
			if err != nil {
				return fmt.Errorf("reading the translation: %w", err)
			}
			return answer(cmd, d, "attaching the translation", func(c *api.Client) (api.Translation, error) {
				return c.AttachTranslation(cmd.Context(), args[0], api.TranslationText{MediaType: kind, Content: content})
			}, func(w io.Writer, t api.Translation) error {
				_, err := fmt.Fprintf(w, "%s attached to %s; SHA-256 %s\n", t.Order, t.Message, t.SHA256)
				return err
			})
		},
	}
	d.flags(cmd)
	return cmd
}

func translationShowCommand() *cobra.Command {
	d := &desk{}
	cmd := &cobra.Command{
		Use:   "show MESSAGE",
		Short: "List the translations of a message; --json has those of what was received",
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, m, err := openMessage(cmd, d, args[0])
			if err != nil {
				return err
			}
			found, err := client.Translations(cmd.Context(), m.ID)
			if err != nil {
				return fmt.Errorf("reading the translations of %s: %w", m.ID, err)
			}
			if d.json {
				return printJSON(cmd, api.Translations{Translations: found})
			}
			return printTranslations(cmd.OutOrStdout(), api.Translations{Translations: found})
		},
	}
	d.flags(cmd)
	return cmd
}
