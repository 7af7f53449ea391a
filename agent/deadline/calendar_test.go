package deadline

import (
	"errors"
	"testing"
	"time"

	"comity/pki"
	"comity/schemas"
)

var week = pki.Calendar{Weekend: []pki.Weekday{"sat", "sun"}}

func row(zone string, holidays ...string) *pki.Authority {
	a := &pki.Authority{ID: "QN/justice", TimeZone: zone, Calendar: pki.Calendar{Weekend: week.Weekend}}
	for _, h := range holidays {
		a.Calendar.Holidays = append(a.Calendar.Holidays, pki.Holiday{Date: h})
	}
	a.DutyDesk.Hours = []pki.Hours{{Days: []pki.Weekday{"mon", "tue", "wed", "thu", "fri"}, Open: "08:00", Close: "17:00"}}
	return a
}

func placed(t *testing.T, a *pki.Authority) *place {
	t.Helper()
	p, err := placeOf(a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAfter(t *testing.T) {
	friday := &pki.Authority{ID: "QN/justice", TimeZone: "Asia/Riyadh", Calendar: pki.Calendar{Weekend: []pki.Weekday{"fri", "sat"}}}
	for _, test := range []struct {
		name string
		row  *pki.Authority
		from string
		term Term
		want string
	}{
		{"a working week", row("UTC"), "2026-11-23T09:00:00Z", WorkingDays(5), "2026-12-01T00:00:00Z"},
		{"over a weekend", row("UTC"), "2026-11-26T09:00:00Z", WorkingDays(3), "2026-12-02T00:00:00Z"},
		{"received on a Saturday", row("UTC"), "2026-11-28T09:00:00Z", WorkingDays(1), "2026-12-01T00:00:00Z"},
		{"over holidays", row("UTC", "2026-12-25", "2026-12-28"), "2026-12-24T09:00:00Z", WorkingDays(1), "2026-12-30T00:00:00Z"},
		{"over the end of the year", row("UTC", "2027-01-01"), "2026-12-31T23:59:59Z", WorkingDays(1), "2027-01-05T00:00:00Z"},
		{"a weekend of Friday and Saturday", friday, "2026-11-26T09:00:00Z", WorkingDays(1), "2026-11-29T21:00:00Z"},
		{"thirty days that end on a Sunday", row("UTC"), "2026-11-20T09:00:00Z", Days(30), "2026-12-22T00:00:00Z"},
		{"thirty days that end on a working day", row("UTC"), "2026-11-23T09:00:00Z", Days(30), "2026-12-24T00:00:00Z"},
		{"consecutive days end on a Sunday", row("UTC"), "2026-11-20T09:00:00Z", ConsecutiveDays(30), "2026-12-21T00:00:00Z"},
		{"February of a leap year", row("UTC"), "2028-02-28T12:00:00Z", ConsecutiveDays(1), "2028-03-01T00:00:00Z"},
		// The same moment is another day elsewhere.
		{"east of the date line", row("Pacific/Kiritimati"), "2026-11-23T11:00:00Z", ConsecutiveDays(1), "2026-11-25T10:00:00Z"},
		{"west of it", row("Pacific/Pago_Pago"), "2026-11-23T10:59:00Z", ConsecutiveDays(1), "2026-11-24T11:00:00Z"},
		{"half an hour off", row("Asia/Kathmandu"), "2026-11-23T18:14:00Z", ConsecutiveDays(1), "2026-11-24T18:15:00Z"},
		// Days are days of the calendar, hours are elapsed.
		{"days over clocks put forward", row("Europe/Berlin"), "2026-03-27T12:00:00Z", ConsecutiveDays(2), "2026-03-29T22:00:00Z"},
		{"days over clocks put back", row("Europe/Berlin"), "2026-10-23T12:00:00Z", ConsecutiveDays(2), "2026-10-25T23:00:00Z"},
		{"hours over clocks put forward", row("Europe/Berlin"), "2026-03-28T12:00:00Z", Hours(24), "2026-03-29T12:00:00Z"},
		{"hours over clocks put back", row("America/New_York"), "2026-10-31T12:00:00Z", Hours(48), "2026-11-02T12:00:00Z"},
		{"midnight does not exist", row("America/Asuncion"), "2023-09-30T15:00:00Z", ConsecutiveDays(0), "2023-10-01T04:00:00Z"},
		{"a quarter of an hour", row("UTC"), "2026-12-31T23:50:00Z", Minutes(15), "2027-01-01T00:05:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := placed(t, test.row)
			if got := p.after(at(t, test.from), test.term); !got.Equal(at(t, test.want)) {
				t.Errorf("%s from %s: %s, want %s", test.term, test.from, got.Format(time.RFC3339), test.want)
			}
		})
	}
}

// The first moment of each day has that day, and the moment before has the day before: in every zone that changes its
// clock near midnight, on every day of years in which it did.
func TestStartOfEveryDay(t *testing.T) {
	for _, zone := range []string{"America/Havana", "Asia/Beirut", "America/Asuncion", "Africa/Cairo", "Atlantic/Azores", "Australia/Lord_Howe", "UTC"} {
		p := placed(t, row(zone))
		for d := (day{2023, time.January, 1}); d.year < 2025; d = d.add(1) {
			start := p.start(d)
			if p.day(start) != d || !p.day(start.Add(-time.Nanosecond)).before(d) {
				t.Fatalf("%s: %v starts at %s", zone, d, start.In(p.zone))
			}
			if length := p.end(d).Sub(start); length < 22*time.Hour || length > 26*time.Hour {
				t.Fatalf("%s: %v lasts %s", zone, d, length)
			}
		}
	}
}

func TestDutyDesk(t *testing.T) {
	always := row("Europe/Berlin")
	always.DutyDesk = pki.DutyDesk{Always: true}
	never := row("Europe/Berlin")
	never.DutyDesk = pki.DutyDesk{}
	for _, test := range []struct {
		name     string
		row      *pki.Authority
		at, want string
	}{
		{"day and night", always, "2026-11-28T03:00:00Z", "2026-11-28T03:00:00Z"},
		{"in hours", row("Europe/Berlin"), "2026-11-23T09:00:00Z", "2026-11-23T09:00:00Z"},
		{"before they begin", row("Europe/Berlin"), "2026-11-23T06:59:00Z", "2026-11-23T07:00:00Z"},
		{"as they end", row("Europe/Berlin"), "2026-11-23T16:00:00Z", "2026-11-24T07:00:00Z"},
		{"over a weekend", row("Europe/Berlin"), "2026-11-27T23:00:00Z", "2026-11-30T07:00:00Z"},
		{"over a holiday", row("Europe/Berlin", "2026-11-30"), "2026-11-27T23:00:00Z", "2026-12-01T07:00:00Z"},
		{"in summer", row("Europe/Berlin"), "2026-06-22T05:00:00Z", "2026-06-22T06:00:00Z"},
		{"no hours", never, "2026-11-28T03:00:00Z", "2026-11-29T23:00:00Z"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := placed(t, test.row).open(at(t, test.at)); !got.Equal(at(t, test.want)) {
				t.Errorf("open at %s, want %s", got.Format(time.RFC3339), test.want)
			}
		})
	}
}

func TestNoCalendar(t *testing.T) {
	allWeek := row("UTC")
	allWeek.Calendar.Weekend = []pki.Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	for name, a := range map[string]*pki.Authority{
		"no zone": row(""), "unknown zone": row("Europe/Atlantis"), "this machine's zone": row("Local"),
		"never works": allWeek, "no date": row("UTC", "2026-13-01"),
	} {
		if _, err := placeOf(a); !errors.Is(err, ErrCalendar) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTerm(t *testing.T) {
	for _, text := range []string{"5 working days", "1 working day", "30 days", "15 consecutive days", "24 hours", "1 hour", "15 minutes"} {
		var term Term
		if err := term.UnmarshalText([]byte(text)); err != nil || term.String() != text {
			t.Errorf("%q: %v, %v", text, term, err)
		}
	}
	for _, text := range []string{"", "5", "5d", "0 days", "-1 days", "05 days", "1001 days", "5 fortnights", "5  days", "days"} {
		var term Term
		if err := term.UnmarshalText([]byte(text)); !errors.Is(err, ErrTerm) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if err := Defaults().Check(); err != nil {
		t.Error(err)
	}
	broken := Defaults()
	broken.Decision = Term{}
	if err := broken.Check(); !errors.Is(err, ErrTerm) {
		t.Errorf("a table without a term: %v", err)
	}
	broken = Defaults()
	broken.RemindPercent = 100
	if broken.Check() == nil {
		t.Error("reminding when it is due was accepted")
	}
}

func TestLaw(t *testing.T) {
	berlin := row("Europe/Berlin")
	until, err := ImmunityUntil(at(t, "2026-11-20T23:30:00Z"), 15, berlin) // the 21st in Berlin
	if err != nil || !until.Equal(at(t, "2026-12-06T23:00:00Z")) {
		t.Errorf("immunity until %s, %v", until, err)
	}
	if _, err := ImmunityUntil(time.Now(), 0, berlin); !errors.Is(err, ErrTerm) {
		t.Errorf("no days: %v", err)
	}
	for _, test := range []struct {
		received string
		last     schemas.Date
		want     bool
	}{
		{"2026-11-23T12:00:00Z", "2027-05-23", true},
		{"2026-11-23T12:00:00Z", "2027-05-22", false},
		{"2026-11-23T23:30:00Z", "2027-05-23", false}, // received on the 24th in Berlin
		{"2026-08-31T12:00:00Z", "2027-02-28", true},
		{"2026-08-31T12:00:00Z", "2027-02-27", false},
		{"2027-08-31T12:00:00Z", "2028-02-28", false}, // a leap year
	} {
		if got, err := SentenceLeft(at(t, test.received), test.last, berlin); err != nil || got != test.want {
			t.Errorf("received %s, last day %s: %t, %v", test.received, test.last, got, err)
		}
	}
	if _, err := SentenceLeft(time.Now(), "soon", berlin); !errors.Is(err, schemas.ErrForm) {
		t.Errorf("no date: %v", err)
	}
	for body, want := range map[string]Left{
		`{"conditions":{"time_left":{"duration":"determinate","ends_on":"2027-05-23"}}}`:                  LeftEnough,
		`{"conditions":{"time_left":{"duration":"determinate","ends_on":"2027-05-22"}}}`:                  LeftTooLittle,
		`{"conditions":{"time_left":{"duration":"determinate","ends_on":"2027-05-22","exception":true}}}`: LeftExcepted,
		`{"conditions":{"time_left":{"duration":"indeterminate"}}}`:                                       LeftIndeterminate,
		`{"conditions":{"time_left":{"duration":"to-be-established"}}}`:                                   LeftToEstablish,
	} {
		if got, err := TimeLeft(Message{StoredAt: at(t, "2026-11-23T12:00:00Z"), Body: []byte(body)}, berlin); err != nil || got != want {
			t.Errorf("%s: %s, %v", body, got, err)
		}
	}
	d, err := Defaults().ConfirmOral(at(t, "2026-11-23T12:00:00Z"), berlin)
	if err != nil || !d.DueAt.Equal(at(t, "2026-11-24T12:00:00Z")) || !d.RemindAt.Equal(at(t, "2026-11-24T00:00:00Z")) || !d.EscalateAt.Equal(d.DueAt) {
		t.Errorf("confirmation of an oral request: %+v, %v", d, err)
	}
}

// What a term is read from is what it is written as.
func FuzzTerm(f *testing.F) {
	for _, text := range []string{"5 working days", "1 day", "15 consecutive days", "999 minutes", "1 hours", "０ days"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var term, again Term
		if term.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(term.String())); err != nil || again != term {
			t.Errorf("%q is read as %s, which is read as %s, %v", text, term, again, err)
		}
	})
}
