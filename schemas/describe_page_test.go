package schemas

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var updatePage = flag.Bool("update", false, "write REFERENCE.md anew")

const pagePath = "REFERENCE.md"

// The reference page is made of the schemas and says what they say today.
func TestReferencePage(t *testing.T) {
	want := page(t)
	if *updatePage {
		if err := os.WriteFile(pagePath, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(pagePath)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the schemas say; run: go test ./schemas -run TestReferencePage -update", pagePath)
	}
}

// sameBody are the types of which one text describes the body.
type sameBody struct {
	first *Description
	types []MessageType
}

// page writes every type: by channel what only that channel has, and once what channels share.
func page(t *testing.T) []byte {
	var b bytes.Buffer
	bodies, order := map[string]*sameBody{}, []string{}
	for _, typ := range Types() {
		d := describe(t, typ)
		if bodies[d.Body] == nil {
			bodies[d.Body] = &sameBody{first: d}
			order = append(order, d.Body)
		}
		bodies[d.Body].types = append(bodies[d.Body].types, typ)
	}
	b.WriteString("# Message types\n\n")
	b.WriteString("Made from the schemas by `go test ./schemas -run TestReferencePage -update`; do not edit.\n\n")
	b.WriteString("Every message is a payload of the members below, and a body of its type. A field that is needed only sometimes\n" +
		"is marked `may`, and the conditions say when. UNTOC is the Convention against Transnational Organized Crime,\n" +
		"Protocol the Trafficking in Persons Protocol, ETS 112 the Convention on the Transfer of Sentenced Persons.\n" +
		"Fields marked *origin-safe* may be told to a State from which their subject may have to be protected.\n\n")
	pageContents(&b)
	b.WriteString("## What every message carries\n\n")
	pagePayload(t, &b)
	for _, ch := range Channels() {
		pageChannel(t, &b, ch, bodies)
	}
	b.WriteString("## Bodies that channels share\n\n")
	for _, path := range order {
		if body := bodies[path]; len(body.types) > 1 || strings.HasPrefix(path, "shared/") {
			fmt.Fprintf(&b, "### %s\n\n%s (%s)\n\n", anchorName(path), body.first.Description, body.first.Article)
			fmt.Fprintf(&b, "Body of %s.\n\n", code(body.types))
			pageBody(&b, body.first.BodyField())
		}
	}
	return b.Bytes()
}

func pageContents(b *bytes.Buffer) {
	b.WriteString("| channel | types |\n|---|---|\n")
	for _, ch := range Channels() {
		var names []string
		for _, typ := range Types() {
			if typ.Channel() == ch {
				names = append(names, typ.Name())
			}
		}
		if len(names) > 0 {
			fmt.Fprintf(b, "| [%s](#%s) | %s |\n", ch, ch, strings.Join(names, ", "))
		}
	}
	b.WriteString("\n")
}

// pagePayload describes the envelope as it is before a type narrows it.
func pagePayload(t *testing.T, b *bytes.Buffer) {
	envelope, err := DescribeEnvelope()
	if err != nil {
		t.Fatal(err)
	}
	pageFields(b, envelope, "")
}

func pageChannel(t *testing.T, b *bytes.Buffer, ch Channel, bodies map[string]*sameBody) {
	var types []MessageType
	for _, typ := range Types() {
		if typ.Channel() == ch {
			types = append(types, typ)
		}
	}
	if len(types) == 0 {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", ch)
	for _, typ := range types {
		d := describe(t, typ)
		fmt.Fprintf(b, "### %s\n\n%s. %s (%s)\n\n", typ, d.Title, d.Description, d.Article)
		fmt.Fprintf(b, "%s.\n\n", standing(d))
		if narrowed := d.Narrowed(); len(narrowed.Fields) > 0 {
			b.WriteString("Of the members that every message carries, this type narrows:\n\n")
			pageFields(b, narrowed, "")
		}
		if len(bodies[d.Body].types) > 1 || strings.HasPrefix(d.Body, "shared/") {
			fmt.Fprintf(b, "Body: [%s](#%s).\n\n", anchorName(d.Body), strings.ReplaceAll(anchorName(d.Body), " ", "-"))
			continue
		}
		pageBody(b, d.BodyField())
	}
}

func standing(d *Description) string {
	s := "Belongs to a case"
	switch {
	case d.Opens && d.Continues:
		s = "Opens a case, or belongs to one"
	case d.Opens:
		s = "Opens a case"
	}
	switch {
	case d.MustAnswer:
		s += "; answers " + code(d.Answers)
	case len(d.Answers) > 0:
		s += "; may answer " + code(d.Answers)
	}
	return s
}

func anchorName(path string) string {
	return strings.TrimSuffix(strings.ReplaceAll(path, "/", " "), ".json")
}

func code(types []MessageType) string {
	texts := make([]string, len(types))
	for i, typ := range types {
		texts[i] = "`" + string(typ) + "`"
	}
	return strings.Join(texts, ", ")
}

func pageBody(b *bytes.Buffer, body Field) {
	if len(body.Fields) == 0 {
		b.WriteString("The body is empty.\n\n")
		return
	}
	pageFields(b, body, "/body")
}

func pageFields(b *bytes.Buffer, top Field, root string) {
	b.WriteString("| field | needed | form | article | meaning |\n|---|---|---|---|---|\n")
	var conditions []string
	note := func(f Field) {
		at := strings.TrimPrefix(strings.TrimPrefix(f.Pointer, root), "/")
		for _, c := range f.Conditions {
			if at != "" {
				c = "In `" + at + "`: " + c
			}
			conditions = append(conditions, c)
		}
	}
	note(top)
	top.Each(func(f Field, _ int) {
		name := strings.TrimPrefix(strings.TrimPrefix(f.Pointer, root), "/")
		item := strings.HasSuffix(name, "-") && !slices.Contains([]Kind{KindObject, KindChoice}, f.Kind)
		if item && f.Description == "" && len(f.Fields) == 0 && strings.HasPrefix(f.Form, "one line") {
			return // a list of lines says so
		}
		meaning := f.Description
		if meaning == "" {
			meaning = f.Title
		}
		if f.OriginSafe {
			meaning += " *origin-safe*"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s | %s |\n", name, need(f), cell(f.Form), cell(f.Article), cell(meaning))
		note(f)
	})
	b.WriteString("\n")
	for _, c := range conditions {
		fmt.Fprintf(b, "- %s\n", c)
	}
	if len(conditions) > 0 {
		b.WriteString("\n")
	}
}

func need(f Field) string {
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

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
