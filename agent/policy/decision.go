package policy

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"comity/schemas"
)

// Decision is the outcome and what led to it. It holds no value of the payload. Only protection officers may read more
// than the outcome, and everybody else not even that: see DESIGN section 7.
type Decision struct {
	Outcome Outcome
	// Rules are the ids of all grounds, sorted; empty on a plain allow.
	Rules   []RuleID
	Grounds []Ground
	// Defects are set where the payload breaks its schema: whatever the rules say, it cannot be sent.
	Defects []schemas.Defect
	// Route is why the directory does not open the route, as pki says it, nil where it does. It rests on shared public
	// state alone, and so may be shown to whoever drafted the message.
	Route error
	// Cause is why a decision could not be reached (RuleForm, RuleFacts, RuleEval), nil otherwise.
	Cause error
	// Why says it in plain sentences, and Proposals what could be done instead: both for the protection officer.
	Why       string
	Proposals []string
	// Referral: somebody fears to return (ASY-04); a task to refer the person to the asylum procedure is due at home.
	Referral bool
	// OriginSet is all States that the persons in P of this message must be protected from: what protect_from must hold
	// under ASY-07.
	OriginSet []schemas.StateCode
	// Released: it would be held, and two protection officers released exactly this.
	Released bool

	digest [sha256.Size]byte
}

// Ground is one rule that spoke, and for whom.
type Ground struct {
	Rule    RuleID
	Variant string // which form of the rule, "" for the plain one
	Verdict Outcome
	// Person is the reference of the subject in the message; "case:" and a reference for one of an earlier message of the
	// case, "document" for the holder of a document, "named" for somebody named in text, "" for the message as a whole.
	// It is never a name.
	Person string
}

// Invalid tells whether the payload breaks the schema of its type.
func (d Decision) Invalid() bool { return len(d.Defects) > 0 || slices.Contains(d.Rules, RuleForm) }

// Digest is what a release is bound to: the bytes, the recipient, the way it goes, every ground and what is known of every person. A
// change of any of them is another decision.
func (d Decision) Digest() [sha256.Size]byte { return d.digest }

// Release is what two protection officers released: exactly the decision of this digest, and only a hold.
type Release struct {
	Digest [sha256.Size]byte
	By     [2]string // two different officers
	// Necessity is why an asylum datum must reach a State outside the origin set; ASY-07 is not released without it.
	Necessity string
}

// covers tells whether the release lets d go, which holds payload p.
func (r *Release) covers(d Decision, p *schemas.Payload) bool {
	if r == nil || d.Outcome != Hold || d.digest == [sha256.Size]byte{} || r.Digest != d.digest {
		return false
	}
	if r.By[0] == "" || r.By[1] == "" || r.By[0] == r.By[1] {
		return false
	}
	if !slices.Contains(d.Rules, "ASY-07") {
		return true
	}
	missing := func(s schemas.StateCode) bool { return !slices.Contains(p.ProtectFrom, s) }
	return strings.TrimSpace(r.Necessity) != "" && p.Onward == schemas.OnwardNone && len(p.ProtectFrom) > 0 && !slices.ContainsFunc(d.OriginSet, missing)
}

// seal computes the digest over the grounds and over what is known of every person.
func (d *Decision) seal(f Facts, standings []standing) {
	hash := sha256.New()
	fmt.Fprintf(hash, "comity decision\n%s\n%s\n%x\n%s\n", f.From, f.To, sha256.Sum256(f.Payload), d.Outcome)
	if f.Paper {
		fmt.Fprint(hash, "on paper\n")
	}
	for _, g := range d.Grounds {
		fmt.Fprintf(hash, "ground %s %q %s %q\n", g.Rule, g.Variant, g.Verdict, g.Person)
	}
	lines := make([]string, len(standings))
	for i, s := range standings {
		lines[i] = s.line()
	}
	slices.Sort(lines)
	for _, line := range lines {
		fmt.Fprintf(hash, "person %s\n", line)
	}
	d.digest = [sha256.Size]byte(hash.Sum(nil))
}

// conclude draws the outcome and the words from the grounds: block outranks invalid, invalid outranks hold.
func (e *Engine) conclude(grounds []Ground, q query, l *letter) Decision {
	slices.SortFunc(grounds, func(a, b Ground) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Person, b.Person))
	})
	d := Decision{Outcome: Allow, Grounds: slices.Compact(grounds), Defects: l.defects, OriginSet: q.protectFrom}
	if len(l.defects) > 0 {
		d.Outcome = Invalid
	}
	for _, g := range d.Grounds {
		if severity(g.Verdict) > severity(d.Outcome) {
			d.Outcome = g.Verdict
		}
		d.Rules = append(d.Rules, g.Rule)
		d.Referral = d.Referral || g.Rule == "ASY-04"
	}
	d.Rules = slices.Compact(d.Rules)
	d.Why, d.Proposals = e.explain(d)
	return d
}

// explain says in plain sentences why, the gravest first, and what could be done instead.
func (e *Engine) explain(d Decision) (why string, proposals []string) {
	var sentences []string
	if len(d.Defects) > 0 {
		sentences = append(sentences, "The message breaks the schema of its type.")
	}
	for _, verdict := range []Outcome{Block, Hold} {
		for i, g := range d.Grounds {
			again := i > 0 && d.Grounds[i-1].Rule == g.Rule && d.Grounds[i-1].Variant == g.Variant
			if g.Verdict != verdict || again {
				continue
			}
			form := e.formOf(g)
			sentences = append(sentences, fmt.Sprintf("%s%s: %s", g.Rule, e.whom(d, g), form.Text))
			if form.Propose != "" && !slices.Contains(proposals, form.Propose) {
				proposals = append(proposals, form.Propose)
			}
		}
	}
	return strings.Join(sentences, " "), proposals
}

// whom lists the references of those for whom a form of a rule spoke.
func (e *Engine) whom(d Decision, g Ground) string {
	var refs []string
	for _, other := range d.Grounds {
		if other.Rule == g.Rule && other.Variant == g.Variant && other.Person != "" {
			refs = append(refs, other.Person)
		}
	}
	if len(refs) == 0 {
		return ""
	}
	return " (" + strings.Join(refs, ", ") + ")"
}

func (e *Engine) formOf(g Ground) form {
	return e.rules.forms[form{id: g.Rule, Variant: Variant{Name: g.Variant}}.policyID()]
}
