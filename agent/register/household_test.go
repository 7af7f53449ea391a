package register

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"comity/schemas"
)

// TestHousehold is ASY-13: who is linked inherits, over others as well, unless cleared one by one.
func TestHousehold(t *testing.T) {
	const (
		mother = `{"ref":"mother","status":"%s","names":["TESTPERSON MIKE-01"],"nationalities":["QP"],"feared_states":["QP"]%s}`
		child  = `{"ref":"child","status":"%s","names":["TESTPERSON MIKE-02"],"nationalities":["QR"]%s}`
		cousin = `{"ref":"cousin","status":"none","names":["TESTPERSON MIKE-03"]%s}`
	)
	tests := []struct {
		name          string
		mother, child string // status
		links         [3]string
		want          map[string][]Status // by the last digit; an inherited one follows the own
	}{
		{"nobody linked", "pending", "none", [3]string{}, map[string][]Status{"1": {Pending}, "2": {None}, "3": {None}}},
		{"linked by her record", "pending", "none", [3]string{`,"linked":["child"]`}, map[string][]Status{"1": {Pending}, "2": {Pending}, "3": {None}}},
		{"linked by the child's", "pending", "none", [3]string{"", `,"linked":["mother"]`}, map[string][]Status{"1": {Pending}, "2": {Pending}, "3": {None}}},
		{"over the child", "pending", "none", [3]string{`,"linked":["child"]`, `,"linked":["cousin"]`}, map[string][]Status{"1": {Pending}, "2": {Pending}, "3": {Pending}}},
		{"cleared by her record", "pending", "none", [3]string{`,"linked":["child"],"cleared":["child"]`, `,"linked":["cousin"]`},
			map[string][]Status{"1": {Pending}, "2": {None}, "3": {None}}},
		{"cleared by the child's", "pending", "none", [3]string{`,"linked":["child","cousin"]`, `,"linked":["mother","cousin"],"cleared":["mother"]`},
			map[string][]Status{"1": {Pending}, "2": {None}, "3": {Pending}}},
		{"both of their own", "rejected-final", "granted", [3]string{`,"linked":["child"]`},
			map[string][]Status{"1": {RejectedFinal, Granted}, "2": {Granted, RejectedFinal}, "3": {None}}},
		{"nobody protected", "none", "none", [3]string{`,"linked":["child","cousin"]`}, map[string][]Status{"1": {None}, "2": {None}, "3": {None}}},
		{"linked with nobody who is there", "pending", "none", [3]string{`,"linked":["uncle"]`}, map[string][]Status{"1": {Pending}, "2": {None}, "3": {None}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, _, _ := newRegister(t)
			feed(t, r, fmt.Sprintf(mother+"\n"+child+"\n"+cousin, test.mother, test.links[0], test.child, test.links[1], test.links[2]))
			for digit, want := range test.want {
				var got []Status
				for _, m := range ask(t, r, named("TESTPERSON MIKE-0"+digit)) {
					got = append(got, m.Status)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s: got %v, want %v", digit, got, want)
				}
			}
		})
	}
}

// TestInherited: what is inherited is the linked person's, with the States of both; the consents are one's own.
func TestInherited(t *testing.T) {
	r, _, _ := newRegister(t)
	feed(t, r, `{"ref":"m","status":"rejected-final","names":["TESTPERSON MIKE-01"],"nationalities":["QP"],"feared_states":["QS"],"suspensive_remedy":true,"linked":["c"]}
{"ref":"f","status":"withdrawn","names":["TESTPERSON MIKE-03"],"informed_of_sharing":true,"linked":["c"]}
{"ref":"c","status":"none","names":["TESTPERSON MIKE-02"],"nationalities":["QR"],"informed_of_sharing":true}
`)
	got := ask(t, r, named("TESTPERSON MIKE-02"))
	if len(got) != 1 || !got[0].Inherited || got[0].Status != Withdrawn || !got[0].SuspensiveRemedy || got[0].Informed || got[0].Withdrawal ||
		!slices.Equal(got[0].Origins, []schemas.StateCode{"QP", "QR", "QS"}) || !slices.Equal(got[0].Feared, []schemas.StateCode{"QS"}) {
		t.Fatalf("%+v", got)
	}
}

// TestCrowd: where a household is too large to be followed, nobody in it counts as unprotected.
func TestCrowd(t *testing.T) {
	r, _, _ := newRegister(t)
	var rows strings.Builder
	for i := range 2 * maxHousehold {
		fmt.Fprintf(&rows, `{"ref":"p%d","status":"none","names":["TESTPERSON OSCAR-%d"],"linked":["p%d"]}`+"\n", i, i, i+1)
	}
	feed(t, r, rows.String())
	if got := ask(t, r, named("TESTPERSON OSCAR-0")); len(got) != 1 || got[0].Status != Unknown || !got[0].Inherited {
		t.Fatalf("%+v", got)
	}
}
