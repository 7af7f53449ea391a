package policy_test

import (
	"slices"
	"testing"

	"comity/agent/policy"
	"comity/agent/policy/policytest"
	"comity/agent/scan"
	"comity/deploy/samples"
	"comity/schemas"
)

// played is one case as the two agents keep it, as far as decisions need it.
type played struct {
	opened   schemas.CaseID
	subjects []schemas.Subject
	sent     map[schemas.AuthorityID][][]byte
	home     map[schemas.AuthorityID]policy.Home
}

// play decides on a draft as its sender would.
func (p *played) play(t *testing.T, e *policy.Engine, draft []byte, from, to schemas.AuthorityID, answers bool) policy.Decision {
	t.Helper()
	var tree map[string]any
	if err := schemas.Decode(draft, &tree, schemas.PayloadLimits); err != nil {
		t.Fatal(err)
	}
	if p.opened != "" {
		tree["case"] = string(p.opened)
	}
	if answers {
		tree["in_reply_to"] = "00000000000000000000000000"
	}
	raw, err := schemas.Canonical(tree)
	if err != nil {
		t.Fatal(err)
	}
	d, err := schemas.ParseDraft(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	home, err := policy.ParseHome(d.Home)
	if err != nil {
		t.Fatal(err)
	}
	if home.Gate == nil {
		home.Gate = p.home[from].Gate
	}
	if home.Persons == nil {
		home.Persons = p.home[from].Persons
	}
	p.home[from] = home
	decision, _ := e.Decide(t.Context(), policy.Facts{
		From: from, To: to, Payload: d.Payload, Directory: newDirectory(), At: noon, Home: home, Case: slices.Clone(p.subjects), Asked: p.sent[to],
	})
	p.opened = "00000000000000000000000000"
	p.subjects = append(p.subjects, d.Parsed.Subjects...)
	p.sent[from] = append(p.sent[from], d.Payload)
	return decision
}

func newPlayed() *played {
	return &played{sent: map[schemas.AuthorityID][][]byte{}, home: map[schemas.AuthorityID]policy.Home{}}
}

// TestTheSampleStoriesGo: with a register that holds nobody and records that are complete, what the samples tell leaves.
func TestTheSampleStoriesGo(t *testing.T) {
	scanner, err := scan.New(scan.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := policy.New(policy.Config{Register: &policytest.Register{Fresh: true}, Scanner: scanner})
	if err != nil {
		t.Fatal(err)
	}
	for _, story := range samples.Stories() {
		t.Run(story.Name, func(t *testing.T) {
			p := newPlayed()
			for _, step := range story.Steps {
				draft, err := samples.Draft(step.File, noon)
				if err != nil {
					t.Fatal(err)
				}
				var addressed struct{ To []schemas.AuthorityID }
				if err := readJSON(draft, &addressed); err != nil {
					t.Fatal(err)
				}
				to := addressed.To[0]
				other := map[schemas.StateCode]string{"QM": "QN", "QN": "QM"}[to.State()]
				if d := p.play(t, e, draft, schemas.AuthorityID(other+"/"+to.Name()), to, step.Answers != ""); d.Outcome != policy.Allow {
					t.Errorf("%s: %s by %+v\n%s", step.File, d.Outcome, d.Grounds, d.Why)
				}
			}
		})
	}
}
