package agent

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"golang.org/x/time/rate"

	"comity/agent/api"
	"comity/agent/policy"
	"comity/agent/store"
	"comity/schemas"
)

// Asking the rules about a draft looks its persons up in the register, so it is counted for each officer and recorded.
// Whoever can ask without end can guess the register.
const (
	checksAtOnce    = 200
	checksPerSecond = 5
)

func (a *Agent) mayLookUp(by string, messages int) bool {
	limiter, _ := a.lookUps.LoadOrStore(by, rate.NewLimiter(checksPerSecond, checksAtOnce))
	return limiter.(*rate.Limiter).AllowN(a.now(), messages)
}

// CheckPolicy tells a protection officer what the rules would say of a draft now. It sends nothing and keeps nothing but
// the fact, in the home log, that somebody asked about these bytes.
func (a *Agent) CheckPolicy(ctx context.Context, by string, draft []byte) (api.PolicyCheck, error) {
	if !a.mayLookUp(by, 1) {
		return api.PolicyCheck{}, problem(api.ReasonTooOften, "too many drafts were checked in a short time", "wait a few seconds; look-ups in the register are counted for each officer")
	}
	err := a.store.Update(ctx, func(tx *store.Tx) error { return a.recordHome(tx, eventChecked, "", sha256.Sum256(draft), by) })
	if err != nil {
		return api.PolicyCheck{}, err
	}
	check := api.PolicyCheck{Outcome: string(policy.Allow), Rules: []string{}, Errors: []schemas.Defect{}, Recipients: []api.RecipientCheck{}}
	copies, err := a.copiesToCheck(ctx, draft)
	if err != nil {
		invalid, ok := errors.AsType[*schemas.InvalidError](err)
		if !ok {
			return check, err
		}
		check.Errors = append(check.Errors, invalid.Defects...)
		check.Outcome = string(policy.Invalid)
	}
	if len(copies) == 0 { // what cannot be taken apart cannot be judged, and does not leave
		check.Outcome, check.Rules, check.Why = string(policy.Block), []string{string(policy.RuleForm)}, "The draft cannot be read at all."
		return check, nil
	}
	view, at := a.trust.View(), a.now()
	for _, d := range copies {
		if _, err := policy.ParseHome(d.Home); err != nil {
			return check, homeProblem(err)
		}
		for _, to := range d.To {
			decision, _, err := a.decide(ctx, outgoing{to: to, payload: d.Payload, home: d.Home}, view, at, nil)
			if err != nil {
				return check, err
			}
			addCheck(&check, to, decision)
			if err := a.store.Update(ctx, func(tx *store.Tx) error { return a.audit(tx, draft, store.DecisionAsked, decision) }); err != nil {
				return check, err
			}
		}
	}
	return check, nil
}

// copiesToCheck takes a draft apart as far as that is possible: what breaks its schema is judged all the same.
func (a *Agent) copiesToCheck(ctx context.Context, draft []byte) ([]*schemas.Draft, error) {
	draft, err := a.nameFiles(ctx, draft)
	if err != nil {
		return nil, err
	}
	if copies, err := a.parseCopies(ctx, draft); err == nil {
		return copies, nil
	}
	d, err := schemas.ParseDraft(draft, a.reads())
	if d == nil {
		return nil, err
	}
	return []*schemas.Draft{d}, err
}

// severity orders outcomes: the worst is told first.
var severity = []policy.Outcome{policy.Allow, policy.Hold, policy.Invalid, policy.Block}

func worse(a, b string) string {
	if slices.Index(severity, policy.Outcome(b)) > slices.Index(severity, policy.Outcome(a)) {
		return b
	}
	return a
}

func addCheck(check *api.PolicyCheck, to schemas.AuthorityID, d policy.Decision) {
	outcome := string(d.Outcome)
	if d.Invalid() {
		outcome = worse(outcome, string(policy.Invalid))
	}
	check.Outcome = worse(check.Outcome, outcome)
	check.Recipients = append(check.Recipients, api.RecipientCheck{To: string(to), Outcome: outcome, Rules: ruleNames(d.Rules), Proposals: d.Proposals})
	for _, rule := range ruleNames(d.Rules) {
		if !slices.Contains(check.Rules, rule) {
			check.Rules = append(check.Rules, rule)
		}
	}
	slices.Sort(check.Rules)
	for _, defect := range d.Defects {
		if !slices.Contains(check.Errors, defect) {
			check.Errors = append(check.Errors, defect)
		}
	}
	if d.Why != "" && !strings.Contains(check.Why, d.Why) {
		check.Why = strings.TrimSpace(check.Why + " " + d.Why)
	}
}
