package policy

// The rules that no rule file keeps: checks of the engine itself, and rules that other parts of the agent keep. They stand
// here so that every id can be explained.
const (
	RuleForm  RuleID = "FORM-01"
	RuleFacts RuleID = "FACT-01"
	RuleEval  RuleID = "EVAL-01"
	// The permits for the message and for a person; named in a decision where they did not hold.
	RuleBase   RuleID = "BASE-01"
	RulePerson RuleID = "BASE-02"
)

func keptElsewhere() []Rule {
	rules := []Rule{
		{ID: RuleForm, Verdict: Block, Source: "What the filter cannot read does not leave",
			Text:      "The message is no document of the strict form: two readers could read two messages.",
			Propose:   "Write it anew.",
			Example:   "The same member stands twice in one object.",
			Elsewhere: "the engine, before any rule is asked"},
		{ID: RuleFacts, Verdict: Block, Source: "What the filter cannot know does not leave",
			Text:      "A fact that the rules need could not be established.",
			Propose:   "Tell whoever runs the agent.",
			Example:   "A source of facts that the State added does not answer.",
			Elsewhere: "the engine, before any rule is asked"},
		{ID: RuleEval, Verdict: Block, Source: "A rule that fails is never skipped",
			Text:      "A rule could not be evaluated.",
			Propose:   "Tell whoever runs the agent.",
			Example:   "A rule that a State added multiplies numbers until they no longer fit.",
			Elsewhere: "the engine, after every rule was asked"},
		{ID: "ASY-11", Verdict: Block, Source: "Reg. (EU) 2024/1348 art. 7; Trafficking Protocol art. 14(1)",
			Text:      "What a peer sees without an officer's word, such as receipts, rejections and times, depends on the bytes of messages and on shared public state alone; what is blocked emits nothing.",
			Example:   "A request that is blocked leaves no gap in the numbers.",
			Elsewhere: "the agent: what it sends by itself is made without policy and register"},
		{ID: "ASY-14", Verdict: Hold, Source: "Reg. (EU) 2024/1348 art. 7",
			Text:      "When a person comes under protection, messages not yet sealed stop, open cases are evaluated again and the officer is alerted; nothing is recalled from a State of origin.",
			Example:   "A witness applies for asylum while a request about her waits for its tick.",
			Elsewhere: "the agent, whenever the register changes"},
		{ID: "NEU-02", Verdict: Invalid, Source: "UNTOC art. 18(23)",
			Text:      "Neutral texts are true: a ground is never invented, and the text is the one of the ground that is given.",
			Example:   "The template for absent dual criminality beside the ground non-conforming.",
			Elsewhere: "the schemas: such a message is invalid"},
		{ID: "MET-01", Verdict: Block, Source: "Reg. (EU) 2024/1348 art. 7",
			Text:      "No number of holds or blocks by country, channel or day is published or can be seen by a peer.",
			Example:   "The metrics of an agent do not count what was held.",
			Elsewhere: "the agent: no metric has such a label"},
		{ID: "AUD-01", Verdict: Block, Source: "Reg. (EU) 2016/679 arts. 5 and 32",
			Text:      "The audit of decisions holds keyed hashes and rule ids, and never leaves home.",
			Example:   "An auditor sees that ASY-02 stopped a message, not about whom.",
			Elsewhere: "the agent: decisions are recorded in the home log"},
		{ID: "E1", Verdict: Hold, Source: "UNHCR guidance on confidentiality; Convention on the Rights of the Child art. 3",
			Text:      "Exception to ASY-02 for any status: a written consent, free, informed and specific, names this recipient, every item and the purpose, and is in force.",
			Propose:   "Two protection officers check the evidence. Nothing goes to an alleged persecutor; for a child, a guardian and best interests are needed.",
			Example:   "An applicant asks in writing that her State be asked for her birth certificate, by name and date of birth.",
			Elsewhere: "ASY-02 in the variant exception; the register keeps the consents"},
		{ID: "E2", Verdict: Hold, Source: "Reg. (EU) 2024/1348 art. 7; Reg. (EU) 2024/1358",
			Text:      "Exception to ASY-02 for somebody finally rejected, with no remedy that suspends the return: the minimal set may go, with never a mention of the claim.",
			Propose:   "Two protection officers check that nothing is pending. Data from Eurodac are barred where the person was not informed.",
			Example:   "After the final decision the nationality is verified by names, date of birth and documents.",
			Elsewhere: "ASY-02 in the variant exception"},
		{ID: "E3", Verdict: Hold, Source: "Reg. (EU) 2024/1348 art. 7",
			Text:      "Exception to ASY-02 for somebody who withdrew the claim explicitly, after counselling, on record: as after a final rejection.",
			Propose:   "Two protection officers check the record of the withdrawal.",
			Example:   "She withdrew her application with counsel beside her and wishes to go home.",
			Elsewhere: "ASY-02 in the variant exception"},
	}
	for i := range rules {
		rules[i].Base = true
	}
	return rules
}
