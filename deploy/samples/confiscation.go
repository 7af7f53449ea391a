package samples

// confiscationStories follow the two routes of UNTOC art. 13(1): (a) an order of the requested State, (b) the order of the
// requesting State.
func confiscationStories() []Story {
	return []Story{
		{Name: "an account: frozen, confiscated by a domestic order, victims compensated", Steps: []Step{
			{File: "confiscation-provisional-request.json", State: "tracing"},
			{File: "confiscation-acknowledgement.json", State: "tracing"},
			{File: "confiscation-freeze-report-frozen.json", State: "frozen"},
			{File: "confiscation-freeze-report-expiring.json", State: "freeze-expiring"},
			{File: "confiscation-extension-request.json", State: "freeze-expiring"},
			{File: "confiscation-freeze-report-extended.json", Answers: "confiscation-extension-request.json", State: "frozen"},
			{File: "confiscation-request-domestic-order.json", State: "frozen"},
			{File: "confiscation-status-report-domestic-case.json", State: "domestic-case"},
			{File: "confiscation-status-report-order.json", State: "order"},
			{File: "confiscation-result-realised.json", State: "realised"},
			{File: "confiscation-result-receipt.json", Answers: "confiscation-result-realised.json", State: "realised"},
			{File: "confiscation-disposal-request.json", State: "disposal-consultation"},
			{File: "confiscation-disposal-decision.json", Answers: "confiscation-disposal-request.json", State: "disposed"},
			{File: "confiscation-closure.json", State: "closed"},
		}},
		{Name: "a house: foreign order enforced, the claim of a third party settled first", Steps: []Step{
			{File: "confiscation-request-foreign-order.json", State: "tracing"},
			{File: "confiscation-decision-accepted.json", State: "tracing"},
			{File: "confiscation-freeze-report-seized.json", State: "frozen"},
			{File: "confiscation-status-report-order-registered.json", State: "order-registered"},
			{File: "confiscation-status-report-claim.json", State: "third-party-claim"},
			{File: "confiscation-status-report-claim-settled.json", State: "order-registered"},
			{File: "confiscation-result-auction.json", State: "realised"},
			{File: "confiscation-result-receipt.json", Answers: "confiscation-result-auction.json", State: "realised"},
			{File: "confiscation-closure.json", State: "closed"},
		}},
	}
}
