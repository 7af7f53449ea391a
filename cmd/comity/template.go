package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"comity/agent/letter"
	"comity/schemas"
	"comity/schemas/template"
)

// listedTemplate is a text in the answer of schema template --json.
type listedTemplate struct {
	ID    template.ID                 `json:"id"`
	Types []string                    `json:"types"` // without the version
	Texts map[schemas.Language]string `json:"texts"`
}

func schemaTemplateCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "template [TYPE]",
		Short: "Print the neutral texts that a message names by their ids",
		Long: `Refusals, postponements, withdrawals and the answer that neither confirms nor denies name a text in place of words, so
that nobody can conclude anything from how it was phrased. With TYPE, such as mla.decision, only those that it may name.`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			list := []listedTemplate{}
			for _, t := range template.All() {
				list = append(list, listedTemplate{ID: t.ID, Types: namingTypes(t), Texts: t.Texts})
			}
			if len(args) == 1 {
				kind, err := typeNamed(args[0])
				if err != nil {
					return err
				}
				list = slices.DeleteFunc(list, func(t listedTemplate) bool { return !slices.Contains(t.Types, unversioned(kind)) })
			}
			if asJSON {
				return printJSON(cmd, list)
			}
			return printTemplates(cmd.OutOrStdout(), list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array, with the texts in every language")
	return cmd
}

// namingTypes are the message types that may name a text.
func namingTypes(t template.Template) (types []string) {
	for _, kind := range schemas.Types() {
		if name := unversioned(kind); t.MayStandIn(kind) && !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	return types
}

func printTemplates(w io.Writer, list []listedTemplate) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tMAY STAND IN\tTEXT")
	for _, t := range list {
		id, text := string(t.ID), letter.Wrap(t.Texts["en"], 70)
		for i := range max(len(text), len(t.Types)) {
			fmt.Fprintf(table, "%s\t%s\t%s\n", id, lineOf(t.Types, i), lineOf(text, i))
			id = ""
		}
	}
	return table.Flush()
}

func lineOf(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}
