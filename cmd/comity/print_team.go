package main

import (
	"fmt"
	"io"

	"comity/agent/api"
)

// printTeam shows how the joint investigation team of a case stands, nothing where there is none. An item goes by its
// author and the number under which its recipient knows it.
func printTeam(w io.Writer, t *api.Team) {
	if t == nil {
		return
	}
	fmt.Fprintf(w, "\nTeam        %s of %s\n", t.ID, t.Proposer)
	fmt.Fprintf(w, "State       %s\n", t.State)
	if len(t.Members) > 0 {
		fmt.Fprintf(w, "Members     %s, until %s\n", join(t.Members), t.To)
		fmt.Fprintf(w, "Agreement   %s\n", t.Agreement)
	}
	if len(t.Left) > 0 {
		fmt.Fprintf(w, "Left        %s\n", join(t.Left))
	}
	for _, i := range t.Items {
		fmt.Fprintf(w, "Item        %s %d: %s %s, for %s\n", i.Author, i.Number, i.Type.Name(), i.Item, join(i.Audience))
	}
}
