package register

import (
	"slices"
	"testing"

	"comity/schemas"
)

func TestLook(t *testing.T) {
	r, _, _ := newRegister(t)
	feed(t, r, `{"ref":"r1","status":"pending","names":["TESTPERSON ECHO-05"],"birth_date":"2000-02-03","nationalities":["QP"],"documents":[{"kind":"passport","number":"X 0000-055","issuer":"QP"}],"feared_states":["QS"]}
{"ref":"r2","status":"none","names":["TESTPERSON DELTA-04"],"birth_date":"2001-02-03"}
`)
	passport := schemas.Identity{Documents: []schemas.IdentityDocument{{Kind: "passport", Number: "x0000055", Issuer: "QP"}}}
	got := ask(t, r, passport)
	if len(got) != 1 || !got[0].Certain || got[0].Status != Pending || !slices.Equal(got[0].Origins, []schemas.StateCode{"QP", "QS"}) {
		t.Fatalf("by passport: %+v", got)
	}
	if got := ask(t, r, named("Echo-05 Testperson")); len(got) != 1 || got[0].Certain {
		t.Fatalf("by name: %+v", got)
	}
	if got := ask(t, r, named("TESTPERSON FOXTROT-06")); len(got) != 0 {
		t.Fatalf("somebody else: %+v", got)
	}
}
