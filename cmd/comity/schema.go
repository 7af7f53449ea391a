package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"comity/agent/letter"
	"comity/schemas"
)

func schemaCommand() *cobra.Command {
	return group("schema", "Message types: what each one says, and an example of it",
		schemaListCommand(), schemaShowCommand(), schemaExampleCommand(), schemaTemplateCommand())
}

// listedType is a message type in the answer of schema list --json.
type listedType struct {
	Type    string          `json:"type"` // without the version
	Version int             `json:"version"`
	Channel schemas.Channel `json:"channel"`
	Opens   bool            `json:"opens"`
	Title   string          `json:"title"`
}

func schemaListCommand() *cobra.Command {
	asJSON, channel := false, ""
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List every message type",
		Args:  arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			types, err := typesOf(channel)
			if err != nil {
				return err
			}
			list := []listedType{}
			for _, t := range types {
				d, err := schemas.Describe(t)
				if err != nil {
					return err
				}
				list = append(list, listedType{
					Type: unversioned(t), Version: t.Version(), Channel: t.Channel(), Opens: d.Opens, Title: d.Title,
				})
			}
			if asJSON {
				return printJSON(cmd, list)
			}
			return printTypes(cmd.OutOrStdout(), list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array, one object a type")
	cmd.Flags().StringVar(&channel, "channel", "", "only this channel, such as mla")
	return cmd
}

func schemaShowCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show TYPE",
		Short: "Show what a message type says: each field with its article",
		Long: `TYPE is a message type such as mla.request; with a version, such as mla.request/1, exactly that one.
Of the members that every message carries only those are shown that the type narrows: the schema as JSON has them all.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := typeNamed(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				text, err := schemas.Schema(t)
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(text)
				return err
			}
			d, err := schemas.Describe(t)
			if err != nil {
				return err
			}
			return printDescription(cmd.OutOrStdout(), d)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the JSON Schema of the whole payload")
	return cmd
}

func schemaExampleCommand() *cobra.Command {
	to := ""
	cmd := &cobra.Command{
		Use:   "example TYPE",
		Short: "Print a valid draft of a message type",
		Long: `The draft is complete but for where it belongs: a type that continues a case names one that does not exist. Draft it with
comity message draft FILE --case ID, or --reply ID for one that answers a message.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := typeNamed(args[0])
			if err != nil {
				return err
			}
			if to == "" {
				to = usualRecipient(t.Channel())
			}
			recipient, err := schemas.ParseAuthorityID(to)
			if err != nil {
				return usagef("STATE/name, such as QN/justice", "--to %q is not an authority", to)
			}
			draft, err := exampleDraft(t, recipient)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", draft)
			return err
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the authority that the draft is for (default: one of QN in the sandbox)")
	return cmd
}

// usualRecipient is an authority of a sandbox that takes part in the channel.
func usualRecipient(ch schemas.Channel) string {
	if ch == schemas.ChannelBorder {
		return "QN/border"
	}
	return "QN/justice"
}

// exampleDraft is the example of a type with its recipient, as a draft file.
func exampleDraft(t schemas.MessageType, to schemas.AuthorityID) ([]byte, error) {
	var members map[string]jsontext.Value
	if err := schemas.Decode(schemas.Example(t), &members, schemas.PayloadLimits); err != nil {
		return nil, fmt.Errorf("reading the example of %s: %w", t, err)
	}
	recipients, err := json.Marshal([]schemas.AuthorityID{to})
	if err != nil {
		return nil, err
	}
	members["to"] = recipients
	return json.Marshal(members, json.Deterministic(true), jsontext.Multiline(true), jsontext.WithIndent("  "))
}

func typesOf(channel string) ([]schemas.MessageType, error) {
	types := schemas.Types()
	if channel == "" {
		return types, nil
	}
	ch, err := schemas.ParseChannel(channel)
	if err != nil {
		return nil, usagef("one of "+join(schemas.Channels()), "no channel %q", channel)
	}
	return slices.DeleteFunc(types, func(t schemas.MessageType) bool { return t.Channel() != ch }), nil
}

// unversioned is a type without its version.
func unversioned(t schemas.MessageType) string {
	name, _, _ := strings.Cut(string(t), "/")
	return name
}

// typeNamed finds the type that was typed; without a version it is the highest.
func typeNamed(typed string) (schemas.MessageType, error) {
	var best schemas.MessageType
	var versions, near []string
	name, version, given := strings.Cut(typed, "/")
	for _, t := range schemas.Types() {
		switch {
		case string(t) == typed:
			return t, nil
		case unversioned(t) == name:
			versions = append(versions, string(t))
			if t.Version() > best.Version() {
				best = t
			}
		case t.Name() == name || strings.HasPrefix(string(t), name+".") || strings.HasPrefix(unversioned(t), name):
			near = append(near, unversioned(t))
		}
	}
	switch {
	case best != "" && !given:
		return best, nil
	case best != "":
		return "", withHint(fmt.Errorf("no version %q of message type %q", version, name), "there is "+strings.Join(versions, ", "))
	case len(near) > 0 && len(near) <= 12:
		return "", withHint(fmt.Errorf("no message type %q", typed), "did you mean: "+strings.Join(near, " | "))
	}
	return "", withHint(fmt.Errorf("no message type %q", typed), "comity schema list names every one")
}

func printTypes(w io.Writer, list []listedType) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TYPE\tVERSION\tOPENS A CASE\tTITLE")
	for _, t := range list {
		opens := ""
		if t.Opens {
			opens = "yes"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", t.Type, t.Version, opens, t.Title)
	}
	return table.Flush()
}

func printDescription(w io.Writer, d *schemas.Description) error {
	fmt.Fprintf(w, "%s\n\n%s\n%s\n\n", d.Type, d.Title, d.Description)
	fmt.Fprintf(w, "Law      %s\n", d.Article)
	fmt.Fprintf(w, "Case     %s\n", placeOf(d))
	fmt.Fprintln(w)
	if narrowed := d.Narrowed(); len(narrowed.Fields)+len(narrowed.Conditions) > 0 {
		fmt.Fprintln(w, "Of the members that every message carries, this type narrows:")
		if err := printFields(w, narrowed); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	body := d.BodyField()
	if len(body.Fields) == 0 {
		_, err := fmt.Fprintln(w, "The body is empty.")
		return err
	}
	return printFields(w, body)
}

func printFields(w io.Writer, top schemas.Field) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FIELD\tNEEDED\tARTICLE\tFORM\tMEANING")
	top.Each(func(f schemas.Field, depth int) {
		name := f.Pointer[strings.LastIndexByte(f.Pointer, '/')+1:]
		if name == "-" {
			name = "each"
		}
		printRow(table, strings.Repeat("  ", depth)+name, needed(f), letter.Wrap(f.Article, 22), letter.Wrap(f.Form, 44), letter.Wrap(meaning(f), 60))
	})
	if err := table.Flush(); err != nil {
		return err
	}
	return printConditions(w, top)
}

// printRow writes a field in as many lines as its longest cell needs.
func printRow(w io.Writer, name, needed string, cells ...[]string) {
	lines := 1
	for _, cell := range cells {
		lines = max(lines, len(cell))
	}
	for i := range lines {
		fmt.Fprintf(w, "%s\t%s", name, needed)
		for _, cell := range cells {
			text := ""
			if i < len(cell) {
				text = cell[i]
			}
			fmt.Fprintf(w, "\t%s", text)
		}
		fmt.Fprintln(w)
		name, needed = "", ""
	}
}

func placeOf(d *schemas.Description) string {
	place := "belongs to a case"
	switch {
	case d.Opens && d.Continues:
		place = "opens a case, or belongs to one"
	case d.Opens:
		place = "opens a case"
	}
	if len(d.Answers) == 0 {
		return place
	}
	if d.MustAnswer {
		return place + "; answers " + join(d.Answers)
	}
	return place + "; may answer " + join(d.Answers)
}

func needed(f schemas.Field) string {
	switch {
	case f.Absent:
		return "never"
	case f.Required:
		return "yes"
	case strings.HasSuffix(f.Pointer, "/-"):
		return ""
	}
	return "may"
}

func meaning(f schemas.Field) string {
	text := f.Description
	if text == "" {
		text = f.Title
	}
	if f.OriginSafe {
		text += " [origin-safe]"
	}
	return text
}

// printConditions lists what is demanded beyond each field's own form, with the place that it is about.
func printConditions(w io.Writer, body schemas.Field) error {
	var lines []string
	add := func(f schemas.Field) {
		at := strings.TrimPrefix(strings.TrimPrefix(f.Pointer, "/body"), "/")
		for _, c := range f.Conditions {
			if at != "" {
				c = "in " + strings.ReplaceAll(at, "/-", " (each)") + ": " + c
			}
			lines = append(lines, c)
		}
	}
	add(body)
	body.Each(func(f schemas.Field, _ int) { add(f) })
	if len(lines) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nConditions\n- %s\n", strings.Join(lines, "\n- "))
	return err
}
