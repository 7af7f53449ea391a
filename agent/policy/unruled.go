package policy

// Unruled is the decision while the rules themselves cannot be read: nothing leaves.
func Unruled(cause error) Decision { return undecided(RuleEval, cause) }
