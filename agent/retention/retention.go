// Package retention says how long the content of a closed case is kept, for each channel.
//
// A time counts from the last thing in a case that is over. It is a State's own law that sets it; the defaults here are values
// of practice, not of any treaty: ten years for files of criminal proceedings, five for the return of a person, one for what
// passed at a border. A false hit at a border is erased at once, by the lifecycle, and waits for none of this.
//
// It trusts the configuration and a clock that is handed in, and must never see a message.
package retention

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"comity/schemas"
)

// Term is for how long something is kept: "10y", "90d", "24h", or "never" erased. The zero value is not one.
type Term struct {
	years, hours int
	never        bool
}

var termForm = regexp.MustCompile(`^([1-9][0-9]{0,5})([ydh])$`)

// ParseTerm reads a term. The longest is a hundred years.
func ParseTerm(text string) (Term, error) {
	if text == "never" {
		return Term{never: true}, nil
	}
	parts := termForm.FindStringSubmatch(text)
	if parts == nil {
		return Term{}, fmt.Errorf("%q is no time to keep something: write 10y, 90d, 24h or never", text)
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return Term{}, err
	}
	t := Term{}
	switch parts[2] {
	case "y":
		t.years = n
	case "d":
		t.hours = 24 * n
	default:
		t.hours = n
	}
	if t.years > 100 || t.hours > 100*366*24 {
		return Term{}, fmt.Errorf("%q is longer than a hundred years: write never", text)
	}
	return t, nil
}

// Never tells whether nothing is ever erased.
func (t Term) Never() bool { return t.never }

// IsZero tells whether it is no term.
func (t Term) IsZero() bool { return t == Term{} }

// After is when the time is over that counts from a moment. It must not be asked of Never.
func (t Term) After(from time.Time) time.Time {
	return from.AddDate(t.years, 0, 0).Add(time.Duration(t.hours) * time.Hour)
}

// Before is a moment by which something had begun whose time is over at another: the latest one, or one a day later where
// years are of different lengths. After decides.
func (t Term) Before(now time.Time) time.Time {
	return now.AddDate(-t.years, 0, 1).Add(-time.Duration(t.hours) * time.Hour)
}

// String is what ParseTerm reads.
func (t Term) String() string {
	switch {
	case t.never:
		return "never"
	case t.years > 0:
		return fmt.Sprint(t.years, "y")
	case t.hours%24 == 0:
		return fmt.Sprint(t.hours/24, "d")
	}
	return fmt.Sprint(t.hours, "h")
}

// Confirm is how the content of a case goes once its time is over. The set is closed.
type Confirm string

// TwoPersons asks for the word of two; Automatic for nobody's.
const (
	TwoPersons Confirm = "two-persons"
	Automatic  Confirm = "automatic"
)

// File is what an operator writes under [retention].
type File struct {
	// Confirm is two-persons (the default) or automatic.
	Confirm string `toml:"confirm"`
	// For each channel a term such as "10y", "90d", "24h" or "never". Defaults: 10y, repatriation 5y, border 1y.
	MLA          string `toml:"mla"`
	Confiscation string `toml:"confiscation"`
	JIT          string `toml:"jit"`
	Transfer     string `toml:"transfer"`
	Repatriation string `toml:"repatriation"`
	Border       string `toml:"border"`
}

// Schedule is File with its defaults.
type Schedule struct {
	Confirm Confirm
	Terms   map[schemas.Channel]Term
}

// Defaults are those of File.
func Defaults() Schedule {
	s, err := File{}.Check()
	if err != nil {
		panic("retention: " + err.Error()) // a mistake in what is compiled in
	}
	return s
}

// Check reads what was written. Its error names every defect.
func (f File) Check() (Schedule, error) {
	s := Schedule{Confirm: TwoPersons, Terms: map[schemas.Channel]Term{}}
	var errs []error
	switch c := Confirm(f.Confirm); c {
	case "":
	case TwoPersons, Automatic:
		s.Confirm = c
	default:
		errs = append(errs, fmt.Errorf("retention.confirm must be %s or %s", TwoPersons, Automatic))
	}
	for channel, written := range map[schemas.Channel][2]string{
		schemas.ChannelMLA: {f.MLA, "10y"}, schemas.ChannelConfiscation: {f.Confiscation, "10y"}, schemas.ChannelJIT: {f.JIT, "10y"},
		schemas.ChannelTransfer: {f.Transfer, "10y"}, schemas.ChannelRepatriation: {f.Repatriation, "5y"}, schemas.ChannelBorder: {f.Border, "1y"},
	} {
		text := written[0]
		if text == "" {
			text = written[1]
		}
		term, err := ParseTerm(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("retention.%s: %w", channel, err))
		}
		s.Terms[channel] = term
	}
	return s, errors.Join(errs...)
}

// Of is the term of a channel. A channel without one is kept: nothing is erased that nobody has set a time for.
func (s Schedule) Of(channel schemas.Channel) Term {
	if t := s.Terms[channel]; !t.IsZero() {
		return t
	}
	return Term{never: true}
}

// Kept lists the channels whose content is never erased.
func (s Schedule) Kept() (channels []schemas.Channel) {
	for _, channel := range slices.Sorted(maps.Keys(s.Terms)) {
		if s.Terms[channel].Never() {
			channels = append(channels, channel)
		}
	}
	return channels
}

// String lists the terms, for a line of a report.
func (s Schedule) String() string {
	var list []string
	for _, channel := range slices.Sorted(maps.Keys(s.Terms)) {
		list = append(list, string(channel)+" "+s.Terms[channel].String())
	}
	return strings.Join(list, ", ")
}
