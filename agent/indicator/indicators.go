package indicator

import (
	"slices"
	"time"

	"comity/schemas"
	"comity/schemas/lifecycle"
)

// Case is what an indicator may know of one case: words of closed sets, numbers and times. It has no place for who or why.
type Case struct {
	Channel schemas.Channel
	Opened  schemas.MessageType // the type of the opening message
	Sent    bool                // this authority opened it
	State   lifecycle.State

	// How long the requested side took since it had the request; nil where it has not.
	Acknowledged, Decided, Executed *time.Duration
	Late                            bool // one of these was or is overdue
	Supplemented                    bool // it had to ask for what was missing

	Route        string   // of a request for confiscation
	Done         bool     // executed in full or in part
	Dispositions []string // of what was confiscated
	Team         string   // names the same team in the cases of all its pairs; it is not shown
	Signed       bool     // of a team: all parties have
	Evidence     bool     // of a team: an item of evidence was exchanged in this case

	Person *Person // whose return a case of repatriation is about

	Alert    string // what a border alert was about
	Response string // to it: the last one
	Victims  int    // safeguarded upon it
	Children int    // among them
	Forged   int    // documents taken upon it
	Checks   []string
}

// Person is a victim as a statistic.
type Person struct {
	Age         int    // in whole years when the case was opened, -1 where it is not known
	Sex         string // as in the documents
	Nationality schemas.StateCode
}

// Traffic counts messages of one channel.
type Traffic struct{ Sent, Received int }

// Input is everything that a report is made of.
type Input struct {
	Authority schemas.AuthorityID
	Period    Period
	Cases     []Case                      // opened in the period
	Messages  map[schemas.Channel]Traffic // exchanged in the period
	Before    map[schemas.Channel]Traffic // in the period of the same length before it
	States    []schemas.StateCode         // of the scheme
	Reachable map[schemas.Channel]int     // authorities of other States that can be written to, by the directory
}

// The classes of the tables. They are closed and stand there whether anybody falls into them or not: a row says nothing.
var (
	directions = []string{"sent", "received"}
	ageBands   = []string{"0 to 11", "12 to 17", "18 to 24", "25 to 34", "35 to 49", "50 and over", "unknown"}
	sexes      = []string{"female", "male", "unspecified"}
	steps      = []string{"to acknowledge", "to decide", "to execute"}
)

const unknown = "unknown"

func ageBand(age int) string {
	for i, below := range []int{12, 18, 25, 35, 50} {
		if age >= 0 && age < below {
			return ageBands[i]
		}
	}
	if age >= 50 {
		return ageBands[5]
	}
	return unknown
}

// Compute makes the report.
func Compute(in Input) Report {
	r := Report{
		Authority: in.Authority, From: day(in.Period.From), To: day(in.Period.To.AddDate(0, 0, -1)), Least: Least, RoundedTo: RoundTo,
	}
	for _, table := range []func(Input) Table{
		freezing, confiscation, transfers, jointTeams, timeliness, times, firstSubmission, communication, channels, compensation,
		returnsByAge, returnsByNationality, borderAlerts, borderVictims, borderDocuments,
	} {
		r.Tables = append(r.Tables, table(in))
	}
	return r
}

func day(t time.Time) schemas.Date { return schemas.Date(t.Format(time.DateOnly)) }

func direction(c Case) string {
	if c.Sent {
		return directions[0]
	}
	return directions[1]
}

func either(yes bool, then, otherwise string) string {
	if yes {
		return then
	}
	return otherwise
}

func channelNames() (names []string) {
	for _, c := range schemas.Channels() {
		names = append(names, string(c))
	}
	return names
}

// done are the columns of what was asked for and what became of it: both together are the requests made.
var done = []string{"executed", "not executed"}

func freezing(in Input) Table {
	t := newCounts(Table{
		ID: "freezing", Title: "Requests to identify, trace, freeze or seize", Source: "table 5", Unit: "cases", Row: "direction", Column: "outcome",
	}, directions, done)
	for _, c := range in.Cases {
		if c.Channel == schemas.ChannelConfiscation && c.Opened.Name() == "provisional-request" {
			t.add(1, direction(c), either(c.Done, done[0], done[1]))
		}
	}
	return t.publish()
}

func confiscation(in Input) Table {
	t := newCounts(Table{
		ID: "confiscation", Title: "Requests for confiscation, by route", Source: "table 5", Unit: "cases", Row: "route", Column: "outcome",
	}, []string{"domestic-order", "enforce-foreign-order"}, done)
	for _, c := range in.Cases {
		if c.Channel == schemas.ChannelConfiscation {
			t.add(1, c.Route, either(c.Done, done[0], done[1]))
		}
	}
	return t.publish()
}

func transfers(in Input) Table {
	t := newCounts(Table{
		ID: "transfers", Title: "Transfers of sentenced persons, by the state reached", Source: "table 5", Unit: "cases", Row: "state", Column: "direction",
	}, []string{"under way", "handed over", "ended without a transfer"}, directions)
	for _, c := range in.Cases {
		if c.Channel == schemas.ChannelTransfer {
			t.add(1, transferState(c.State), direction(c))
		}
	}
	return t.publish()
}

func transferState(s lifecycle.State) string {
	switch s {
	case lifecycle.StateHandover, lifecycle.StateAdministered, lifecycle.StateCompleted, lifecycle.StateSentenceCeased:
		return "handed over"
	case lifecycle.StateRefused, lifecycle.StateConsentRevoked, lifecycle.StateWithdrawn, lifecycle.StateClosed:
		return "ended without a transfer"
	}
	return "under way"
}

// jointTeams counts each team once, however many of its pairs this authority is in.
func jointTeams(in Input) Table {
	t := newCounts(Table{
		ID: "joint-teams", Title: "Joint investigation teams", Source: "tables 1 and 5", Unit: "teams", Row: "agreement", Column: "evidence",
	}, []string{"signed by all", "not signed"}, []string{"evidence exchanged", "none yet"})
	type team struct{ signed, evidence bool }
	teams := map[string]team{}
	for _, c := range in.Cases {
		if c.Channel == schemas.ChannelJIT {
			one := teams[c.Team]
			teams[c.Team] = team{one.signed || c.Signed, one.evidence || c.Evidence}
		}
	}
	for _, one := range teams {
		t.add(1, either(one.signed, "signed by all", "not signed"), either(one.evidence, "evidence exchanged", "none yet"))
	}
	return t.publish()
}

func timeliness(in Input) Table {
	t := newCounts(Table{
		ID: "timeliness", Title: "Cases acknowledged, decided and executed in time", Source: "table 5", Unit: "cases", Row: "channel", Column: "in time",
	}, channelNames(), []string{"in time so far", "overdue"})
	for _, c := range in.Cases {
		t.add(1, string(c.Channel), either(c.Late, "overdue", "in time so far"))
	}
	return t.publish()
}

func times(in Input) Table {
	p := newPaces(Table{
		ID: "times", Title: "Days from the request to its acknowledgement, decision and execution", Source: "table 5", Unit: "days", Row: "channel", Column: "step",
	}, channelNames(), steps)
	for _, c := range in.Cases {
		for i, took := range []*time.Duration{c.Acknowledged, c.Decided, c.Executed} {
			if took != nil {
				p.add(*took, string(c.Channel), steps[i])
			}
		}
	}
	return p.publish()
}

func firstSubmission(in Input) Table {
	t := newCounts(Table{
		ID: "first-submission", Title: "Requests complete at first submission", Source: "table 5", Unit: "cases", Row: "direction", Column: "completeness",
	}, directions, []string{"complete", "supplemented"})
	for _, c := range in.Cases {
		t.add(1, direction(c), either(c.Supplemented, "supplemented", "complete"))
	}
	return t.publish()
}

func communication(in Input) Table {
	t := newCounts(Table{
		ID: "communication", Title: "Messages exchanged, against the period before", Source: "table 5", Unit: "messages", Row: "channel", Column: "period",
	}, channelNames(), []string{"this period", "the period before"})
	for _, c := range schemas.Channels() {
		t.add(in.Messages[c].Sent+in.Messages[c].Received, string(c), "this period")
		t.add(in.Before[c].Sent+in.Before[c].Received, string(c), "the period before")
	}
	return t.publish()
}

func channels(in Input) Table {
	t := newCounts(Table{
		ID: "channels", Title: "Authorities of other States that can be written to", Source: "tables 3 and 5", Unit: "authorities", Public: true, Row: "channel",
	}, channelNames(), nil)
	for c, n := range in.Reachable {
		t.add(n, string(c), "")
	}
	published := t.publish()
	published.Rows = published.Rows[:len(published.Rows)-1] // an authority stands in several rows: their sum says nothing
	return published
}

func compensation(in Input) Table {
	kinds := []string{"return-for-victim-compensation", "return-to-legitimate-owner", "contribution-fund", "sharing", "domestic-law"}
	t := newCounts(Table{
		ID: "compensation", Title: "Cases by what was done first with what was confiscated", Source: "table 2", Unit: "cases", Row: "disposal",
	}, kinds, nil)
	for _, c := range in.Cases {
		for _, kind := range kinds { // victims come first (UNTOC art. 14(2)): each case counts once
			if slices.Contains(c.Dispositions, kind) {
				t.add(1, kind, "")
				break
			}
		}
	}
	return t.publish()
}

// returned tells whether a person is back: every gate before it was passed, or the rules would not have let the plan leave.
func returned(c Case) bool {
	return c.Channel == schemas.ChannelRepatriation && c.Person != nil && (c.State == lifecycle.StateReturned || c.State == lifecycle.StateMonitored)
}

func returnsByAge(in Input) Table {
	t := newCounts(Table{
		ID: "returns-age-sex", Title: "Victims returned in accordance with procedure, by age and sex", Source: "table 2", Unit: "persons", Row: "age", Column: "sex",
	}, ageBands, sexes)
	for _, c := range in.Cases {
		if returned(c) {
			t.add(1, ageBand(c.Person.Age), sexOf(c.Person))
		}
	}
	return t.publish()
}

func returnsByNationality(in Input) Table {
	var rows []string
	for _, s := range in.States {
		rows = append(rows, string(s))
	}
	slices.Sort(rows)
	rows = append(rows, unknown)
	t := newCounts(Table{
		ID: "returns-nationality", Title: "Victims returned in accordance with procedure, by nationality and sex", Source: "table 2", Unit: "persons", Row: "nationality", Column: "sex",
	}, rows, sexes)
	for _, c := range in.Cases {
		if returned(c) {
			nationality := string(c.Person.Nationality)
			t.add(1, either(slices.Contains(rows, nationality), nationality, unknown), sexOf(c.Person))
		}
	}
	return t.publish()
}

func sexOf(p *Person) string { return either(slices.Contains(sexes, p.Sex), p.Sex, "unspecified") }

func borderAlerts(in Input) Table {
	t := newCounts(Table{
		ID: "border-alerts", Title: "Border alerts, by their subject and what came of them", Source: "table 3", Unit: "cases", Row: "subject", Column: "response",
	}, []string{"person", "vehicle", "document", "carrier-route"}, []string{"intercepted", "passed", "not-seen", "none"})
	for _, c := range in.Cases {
		if c.Channel == schemas.ChannelBorder {
			t.add(1, c.Alert, either(c.Response == "", "none", c.Response))
		}
	}
	return t.publish()
}

func borderVictims(in Input) Table {
	t := newCounts(Table{
		ID: "border-victims", Title: "Victims safeguarded upon a border alert", Source: "table 3", Unit: "persons", Row: "age",
	}, []string{"children", "adults"}, nil)
	for _, c := range in.Cases {
		children := min(max(c.Children, 0), max(c.Victims, 0))
		t.add(children, "children", "")
		t.add(max(c.Victims, 0)-children, "adults", "")
	}
	return t.publish()
}

func borderDocuments(in Input) Table {
	results := []string{"genuine", "forged", "altered", "stolen-blank", "lost-stolen", "not-issued", unknown}
	const taken = "forged, taken upon an alert"
	t := newCounts(Table{
		ID: "border-documents", Title: "Travel documents, checked with the State that issues them or taken upon an alert", Source: "table 3", Unit: "documents", Row: "result",
	}, append(results, taken), nil)
	for _, c := range in.Cases {
		for _, result := range c.Checks {
			t.add(1, result, "")
		}
		t.add(max(c.Forged, 0), taken, "")
	}
	return t.publish()
}
