package main

import (
	"strings"
	"testing"

	"comity/agent/api"
	"comity/schemas"
)

func TestPrintTeam(t *testing.T) {
	var out strings.Builder
	printTeam(&out, nil)
	if out.Len() > 0 {
		t.Errorf("a case without a team shows one: %s", &out)
	}
	all := []schemas.AuthorityID{"QM/justice", "QN/justice"}
	printTeam(&out, &api.Team{
		Proposer: "QM/justice", ID: "team000000000000000000000a", State: "active", Members: all, Left: []schemas.AuthorityID{"QP/justice"}, To: "2027-10-31",
		Items: []api.TeamItem{{Type: "jit.evidence-item/1", Author: "QM/justice", Number: 3, Item: "1tem0000000000000000000001", Audience: all}},
	})
	for _, line := range []string{
		"State       active\n", "Members     QM/justice, QN/justice, until 2027-10-31\n", "Left        QP/justice\n",
		"Item        QM/justice 3: evidence-item 1tem0000000000000000000001, for QM/justice, QN/justice\n",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("no line %q in:\n%s", line, &out)
		}
	}
}
