package policy

// Unruled is the decision while the rules themselves cannot be read: nothing leaves.
func Unruled(cause error) Decision {
	return Decision{
		Outcome: Block, Rules: []RuleID{RuleEval}, Grounds: []Ground{{Rule: RuleEval, Verdict: Block}}, Cause: cause,
		Why: "The rules that this State adds cannot be read; until they can, nothing leaves.",
	}
}
