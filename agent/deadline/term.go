package deadline

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Term is a span of time as people agree on it, in one unit.
type Term struct {
	n    int
	unit unit
}

type unit string

// The units. A day is counted in the performing authority's time zone: the day of the start is not counted, and the last
// one counts to its end.
const (
	workingDays     unit = "working days"     // days on which the authority works
	days            unit = "days"             // if the last is not a working day, the next one is
	consecutiveDays unit = "consecutive days" // whatever day the last one is
	hours           unit = "hours"            // elapsed, whatever clocks are put forward
	minutes         unit = "minutes"
)

// The terms in each unit.
func WorkingDays(n int) Term     { return Term{n, workingDays} }
func Days(n int) Term            { return Term{n, days} }
func ConsecutiveDays(n int) Term { return Term{n, consecutiveDays} }
func Hours(n int) Term           { return Term{n, hours} }
func Minutes(n int) Term         { return Term{n, minutes} }

// longestTerm bounds what can be configured, and so every search in a calendar.
const longestTerm = 1000

// ErrTerm is wrapped by every refusal of a term.
var ErrTerm = errors.New("not a term")

// UnmarshalText reads "5 working days", "30 days", "15 consecutive days", "24 hours" or "15 minutes".
func (t *Term) UnmarshalText(text []byte) error {
	number, rest, _ := strings.Cut(string(text), " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > longestTerm || strconv.Itoa(n) != number {
		return fmt.Errorf("%w: a number from 1 to %d and a unit, such as 5 working days", ErrTerm, longestTerm)
	}
	for _, u := range []unit{workingDays, days, consecutiveDays, hours, minutes} {
		if rest == string(u) || n == 1 && rest == strings.TrimSuffix(string(u), "s") {
			*t = Term{n, u}
			return nil
		}
	}
	return fmt.Errorf("%w: the unit is one of %s, %s, %s, %s, %s", ErrTerm, workingDays, days, consecutiveDays, hours, minutes)
}

// MarshalText is the inverse of UnmarshalText.
func (t Term) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t Term) String() string {
	if t.n == 1 {
		return "1 " + strings.TrimSuffix(string(t.unit), "s")
	}
	return strconv.Itoa(t.n) + " " + string(t.unit)
}

// elapsed is the span of a term that no calendar changes, 0 for one in days.
func (t Term) elapsed() time.Duration {
	switch t.unit {
	case hours:
		return time.Duration(t.n) * time.Hour
	case minutes:
		return time.Duration(t.n) * time.Minute
	}
	return 0
}

// plus is one term after another, where both are elapsed time; else the longer one.
func (t Term) plus(o Term) Term {
	switch a, b := t.elapsed(), o.elapsed(); {
	case a > 0 && b > 0:
		return Minutes(int((a + b) / time.Minute))
	case a > 0:
		return o
	}
	return t
}

// Table holds every term. The values of Defaults are practice or borrowed benchmarks, so all are configuration; two
// authorities that configure them differently remind at different times and disagree about nothing that binds them.
type Table struct {
	Acknowledgement       Term `toml:"acknowledgement"`
	AcknowledgementUrgent Term `toml:"acknowledgement_urgent"`
	AcknowledgementBorder Term `toml:"acknowledgement_border"`
	Decision              Term `toml:"decision"`
	Execution             Term `toml:"execution"`
	StatusReport          Term `toml:"status_report"`
	StatusReply           Term `toml:"status_reply"`
	Supplement            Term `toml:"supplement"`
	SupplementReminder    Term `toml:"supplement_reminder"`
	SupplementParked      Term `toml:"supplement_parked"`
	OralConfirmation      Term `toml:"oral_confirmation"`
	FreezeDecision        Term `toml:"freeze_recognition"`
	FreezeExecution       Term `toml:"freeze_execution"`
	FreezeWarning         Term `toml:"freeze_warning"` // before a freeze expires
	Recognition           Term `toml:"confiscation_recognition"`
	TransferDecision      Term `toml:"transfer_decision"`
	TransferHandover      Term `toml:"transfer_handover"`
	NationalityReply      Term `toml:"nationality_reply"`
	TravelDocument        Term `toml:"travel_document"`
	DocumentCheckWaiting  Term `toml:"document_check_waiting"` // a traveller waits: the request is not routine
	DocumentCheck         Term `toml:"document_check"`
	// RemindPercent is how much of a term has passed when the performing authority is reminded, 0 for never.
	RemindPercent int `toml:"remind_percent"`
}

// Defaults is the table of DOMAIN section 3. From practice where nothing is said: decision and execution follow Directive
// 2014/41/EU, freezing and recognition Regulation (EU) 2018/1805, transfer Framework Decision 2008/909/JHA.
func Defaults() Table {
	return Table{
		Acknowledgement:       WorkingDays(5),
		AcknowledgementUrgent: Hours(24),
		AcknowledgementBorder: Minutes(15),
		Decision:              Days(30),
		Execution:             Days(90),
		StatusReport:          Days(30),
		StatusReply:           Days(10),
		Supplement:            Days(30),
		SupplementReminder:    Days(15),
		SupplementParked:      Days(60),
		OralConfirmation:      Hours(24),
		FreezeDecision:        Hours(48),
		FreezeExecution:       Hours(48),
		FreezeWarning:         Days(7),
		Recognition:           Days(45),
		TransferDecision:      Days(90),
		TransferHandover:      Days(30),
		NationalityReply:      Days(15),
		TravelDocument:        WorkingDays(3),
		DocumentCheckWaiting:  Minutes(30),
		DocumentCheck:         Days(5),
		RemindPercent:         50,
	}
}

// Check refuses a table with a term missing.
func (t Table) Check() error {
	for name, term := range map[string]Term{
		"acknowledgement": t.Acknowledgement, "acknowledgement_urgent": t.AcknowledgementUrgent, "acknowledgement_border": t.AcknowledgementBorder,
		"decision": t.Decision, "execution": t.Execution, "status_report": t.StatusReport, "status_reply": t.StatusReply,
		"supplement": t.Supplement, "supplement_reminder": t.SupplementReminder, "supplement_parked": t.SupplementParked,
		"oral_confirmation": t.OralConfirmation, "freeze_recognition": t.FreezeDecision, "freeze_execution": t.FreezeExecution,
		"freeze_warning": t.FreezeWarning, "confiscation_recognition": t.Recognition, "transfer_decision": t.TransferDecision,
		"transfer_handover": t.TransferHandover, "nationality_reply": t.NationalityReply, "travel_document": t.TravelDocument,
		"document_check_waiting": t.DocumentCheckWaiting, "document_check": t.DocumentCheck,
	} {
		if term.n < 1 || term.n > longestTerm || term.unit == "" {
			return fmt.Errorf("deadline %s: %w", name, ErrTerm)
		}
	}
	if t.RemindPercent < 0 || t.RemindPercent > 99 {
		return fmt.Errorf("deadline remind_percent: from 0 to 99")
	}
	return nil
}
