package policy

import (
	"crypto/sha256"
	"fmt"
	"slices"

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

// Digest is what a release is bound to: the bytes, the recipient, every ground and what is known of every person. A
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
	return r.Necessity != "" && p.Onward == schemas.OnwardNone && len(p.ProtectFrom) > 0 && !slices.ContainsFunc(d.OriginSet, missing)
}

// seal computes the digest over the grounds and further lines that the engine knows.
func (d *Decision) seal(f Facts, standing []string) {
	hash := sha256.New()
	fmt.Fprintf(hash, "comity decision\n%s\n%s\n%x\n", f.From, f.To, sha256.Sum256(f.Payload))
	for _, g := range d.Grounds {
		fmt.Fprintf(hash, "ground %s %q %s %q\n", g.Rule, g.Variant, g.Verdict, g.Person)
	}
	for _, line := range standing {
		fmt.Fprintf(hash, "person %s\n", line)
	}
	d.digest = [sha256.Size]byte(hash.Sum(nil))
}
