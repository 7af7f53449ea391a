package policy_test

import (
	"testing"
	"time"

	"comity/agent/policy"
	"comity/agent/register"
	"comity/schemas"
)

// TestRelease: two officers release exactly what they decided on, only a hold, and an asylum datum only under its conditions.
func TestRelease(t *testing.T) {
	held := func() *story { return bankRecords(t).registered("D-ALPHA", protectedFromQN) }
	datum := func() *story {
		return letterAbout(t, schemas.RoleVictim, victimOfQN, "She asked for asylum.").to("QP/justice").set("/protect_from", []any{"QN", "QR"})
	}
	by := [2]string{"guardian-1", "guardian-2"}
	tests := []struct {
		name   string
		story  *story
		by     [2]string
		note   string
		change func(*story, *policy.Release)
		want   policy.Outcome
	}{
		{"two officers", held(), by, "", nil, policy.Allow},
		{"nobody", held(), [2]string{}, "", nil, policy.Hold},
		{"one of two", held(), [2]string{"guardian-1", ""}, "", nil, policy.Hold},
		{"one twice", held(), [2]string{"guardian-1", "guardian-1"}, "", nil, policy.Hold},
		{"nothing decided", held(), by, "", func(_ *story, r *policy.Release) { r.Digest = [32]byte{} }, policy.Hold},
		{"other bytes", held(), by, "", func(s *story, _ *policy.Release) { s.set("/body/purpose", "More evidence.") }, policy.Hold},
		{"another recipient", held(), by, "", func(s *story, _ *policy.Release) {
			s.facts.Home.Forwarding = []schemas.StateCode{"QN"}
			s.to("QP/justice")
		}, policy.Hold},
		{"another status", held(), by, "", func(s *story, _ *policy.Release) { s.register.ByDocument["D-ALPHA"][0].Status = register.Granted }, policy.Hold},
		{"another entry", held(), by, "", func(s *story, _ *policy.Release) { s.register.ByDocument["D-ALPHA"][0].Entry = "e-other" }, policy.Hold},
		{"one more ground", held(), by, "", func(s *story, _ *policy.Release) { s.scanner.Err = errNoAgreement }, policy.Hold},
		{"the same at another time", held(), by, "", func(s *story, _ *policy.Release) { s.facts.At = noon.Add(time.Hour) }, policy.Allow},
		{"a block", letterAbout(t, schemas.RoleVictim, victimOfQN, "asylum"), by, "needed", nil, policy.Block},
		{"an invalid message", held().set("/body/purpose", nil), by, "needed", nil, policy.Invalid},
		{"ASY-07 with all that it needs", datum(), by, "needed to find her", nil, policy.Allow},
		{"ASY-07 without the necessity", datum(), by, "", nil, policy.Hold},
		{"ASY-07 with blanks for the necessity", datum(), by, "  ", nil, policy.Hold},
		{"ASY-07 with half an origin set", datum().set("/protect_from", []any{"QR"}), by, "needed", nil, policy.Hold},
		{"ASY-07 without protect_from", datum().set("/protect_from", nil), by, "needed", nil, policy.Hold},
		{"ASY-07 about nobody known", datum().set("/subjects", nil).set("/protect_from", nil), by, "needed", nil, policy.Hold},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			first, _ := test.story.decide()
			r := &policy.Release{Digest: first.Digest(), By: test.by, Necessity: test.note}
			if test.change != nil {
				test.change(test.story, r)
			}
			test.story.facts.Release = r
			d, c := test.story.decide()
			if d.Outcome != test.want || d.Released != (test.want == policy.Allow) {
				t.Fatalf("%s by %v, want %s", d.Outcome, d.Rules, test.want)
			}
			if test.want == policy.Allow && (len(d.Grounds) == 0 || !c.Covers(test.story.facts.Payload, test.story.facts.To)) {
				t.Errorf("what was released is not on record: %+v", d)
			}
		})
	}
}

// TestASY07NeedsNoOnward: the schema demands it as well, so the message is invalid before anybody could release it.
func TestASY07NeedsNoOnward(t *testing.T) {
	s := letterAbout(t, schemas.RoleVictim, victimOfQN, "asylum").to("QP/justice").set("/protect_from", []any{"QN"}).set("/onward", "with-consent")
	s.expect(policy.Invalid, "ASY-07")
}

// TestOriginSetIsWhatALabelMustHold: of everybody in P, from message and register.
func TestOriginSetIsWhatALabelMustHold(t *testing.T) {
	s := letterAbout(t, schemas.RoleVictim, victimOfQN, "asylum").to("QP/justice").
		registered("D-BRAVO", register.Match{Status: register.Pending, Origins: []schemas.StateCode{"QN", "QR"}, Feared: []schemas.StateCode{"QR"}})
	d, _ := s.decide()
	if len(d.OriginSet) != 2 || d.OriginSet[0] != "QN" || d.OriginSet[1] != "QR" {
		t.Errorf("origin set = %v", d.OriginSet)
	}
}
