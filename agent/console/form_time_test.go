package console

import (
	"net/url"
	"slices"
	"testing"
	"time"

	"comity/schemas"
)

type timeCase struct {
	zone, typed, offset string
	want, trouble       string
}

// A time is taken in the zone that the form was shown in, and around a change of the clocks it is never guessed.
func TestTimesAreTakenInTheZoneOfTheForm(t *testing.T) {
	field := schemas.Field{Pointer: "/at", Kind: schemas.KindTime}
	for _, c := range []timeCase{
		{"UTC", "2026-03-29T02:30", "", "2026-03-29T02:30:00Z", ""},
		{"", "2026-03-29T02:30", "", "2026-03-29T02:30:00Z", ""},
		{"Mars/Olympus", "2026-03-29T02:30", "", "2026-03-29T02:30:00Z", ""}, // no zone of the list
		{"Europe/Paris", "2026-11-27T17:15", "", "2026-11-27T16:15:00Z", ""},
		{"Europe/Paris", "2026-07-01T17:15:09", "", "2026-07-01T15:15:09Z", ""},
		{"Europe/Paris", "2026-03-29T01:59:59", "", "2026-03-29T00:59:59Z", ""},
		{"Europe/Paris", "2026-03-29T02:00", "", "", timeSkipped},
		{"Europe/Paris", "2026-03-29T02:59:59", "+02:00", "", timeSkipped},
		{"Europe/Paris", "2026-03-29T03:00", "", "2026-03-29T01:00:00Z", ""},
		{"Europe/Paris", "2026-10-25T01:59:59", "", "2026-10-24T23:59:59Z", ""},
		{"Europe/Paris", "2026-10-25T02:00", "", "", timeTwice},
		{"Europe/Paris", "2026-10-25T02:30", "+05:00", "", timeTwice},
		{"Europe/Paris", "2026-10-25T02:30", "+02:00", "2026-10-25T00:30:00Z", ""},
		{"Europe/Paris", "2026-10-25T02:30", "+01:00", "2026-10-25T01:30:00Z", ""},
		{"Europe/Paris", "2026-10-25T03:00", "", "2026-10-25T02:00:00Z", ""},
		{"America/New_York", "2026-11-01T01:30", "-04:00", "2026-11-01T05:30:00Z", ""},
		{"America/New_York", "2026-03-08T02:30", "", "", timeSkipped},
		{"Australia/Sydney", "2026-10-04T02:30", "", "", timeSkipped}, // the other half of the world
		{"Asia/Kathmandu", "2026-11-27T00:00", "", "2026-11-26T18:15:00Z", ""},
	} {
		n := read(field, "/at", url.Values{"/at": {c.typed}, zoneControl: {c.zone}, offsetOf("/at"): {c.offset}})
		if n.trouble != c.trouble || c.trouble == "" && n.Value != c.want || c.trouble != "" && n.Value != c.typed {
			t.Errorf("%s in %s %s: %q, %q", c.typed, c.zone, c.offset, n.Value, n.trouble)
		}
		if c.trouble == "" && !sameAgain(field, n) {
			t.Errorf("%s in %s %s: shown and sent again it is another time", c.typed, c.zone, c.offset)
		}
	}
}

// sameAgain sends a control as the page shows it.
func sameAgain(field schemas.Field, n *node) bool {
	again := read(field, "/at", url.Values{"/at": {n.Local()}, zoneControl: {n.Zone()}, n.OffsetName(): {n.Offset()}})
	return again.trouble == "" && again.Value == n.Value
}

// A choice is offered where it is needed and nowhere else.
func TestOffsetsAreOfferedWhereTheClocksGoBack(t *testing.T) {
	paris := zoneNamed("Europe/Paris")
	for value, want := range map[string][]string{
		"2026-10-25T02:30":     {"+02:00", "+01:00"}, // typed
		"2026-10-25T01:30:00Z": {"+02:00", "+01:00"}, // chosen
		"2026-10-25T02:30:00Z": nil,
		"2026-03-29T02:30":     nil,
		"soon":                 nil,
	} {
		n := &node{Field: schemas.Field{Kind: schemas.KindTime}, Value: value, zone: paris}
		if got := n.Offsets(); !slices.Equal(got, want) {
			t.Errorf("%s: %v", value, got)
		}
	}
	if len(instants("2026-02-30T10:00:00", time.UTC)) != 0 {
		t.Error("a day that is not in the calendar is a time")
	}
}
