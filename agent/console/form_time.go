package console

import (
	"regexp"
	"slices"
	"time"

	"comity/schemas"
)

// A time is typed and shown in the reader's zone, and stands in the draft in UTC. The form says itself in which zone it was shown:
// a reader who changes the zone elsewhere in between does not move what is typed already.

// zoneControl is the name of the control that says in which zone a form was shown.
const zoneControl = "@zone"

// offsetOf is the name of the control that says which of two times is meant, where the clocks go back.
func offsetOf(name string) string { return "@" + name }

// localTime is how a browser writes a time of an input of the kind datetime-local.
var localTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$`)

const (
	localLayout  = "2006-01-02T15:04:05"
	offsetLayout = "-07:00"
)

// What is wrong with a time on a clock that is put forward or back: keys of texts, which take the zone.
const (
	timeSkipped = "form.time.skipped"
	timeTwice   = "form.time.twice"
)

// instants are the moments at which a clock of the zone shows what is typed: none where the clocks go forward, two where they go
// back. An offset is one that holds a day before or after; no zone changes twice in two days.
func instants(typed string, zone *time.Location) (at []time.Time) {
	if len(typed) == len("2006-01-02T15:04") {
		typed += ":00"
	}
	wall, err := time.Parse(localLayout, typed)
	if err != nil {
		return nil
	}
	for _, near := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		_, offset := wall.Add(near).In(zone).Zone()
		t := wall.Add(-time.Duration(offset) * time.Second)
		if t.In(zone).Format(localLayout) == typed && !slices.ContainsFunc(at, t.Equal) {
			at = append(at, t)
		}
	}
	slices.SortFunc(at, time.Time.Compare)
	return at
}

// readTime turns what was typed into UTC, or says why it cannot be: it is never guessed which of two times is meant.
func (n *node) readTime(zone *time.Location, offset string) {
	n.zone = zone
	if !localTime.MatchString(n.Value) {
		return // the schema refuses it
	}
	at := instants(n.Value, zone)
	if len(at) == 2 {
		at = slices.DeleteFunc(at, func(t time.Time) bool { return t.In(zone).Format(offsetLayout) != offset })
		if len(at) == 0 {
			n.trouble = timeTwice
		}
	} else if _, err := time.Parse(localLayout, completed(n.Value)); len(at) == 0 && err == nil {
		n.trouble = timeSkipped
	}
	if len(at) == 1 {
		n.Value = at[0].UTC().Format(localLayout) + "Z"
	}
}

func completed(typed string) string {
	if len(typed) == len("2006-01-02T15:04") {
		typed += ":00"
	}
	return typed
}

// inZone has the times of a form shown in a zone.
func (n *node) inZone(zone *time.Location) {
	n.zone = zone
	for _, child := range n.Nodes {
		child.inZone(zone)
	}
}

// troubled lists the times of a form that are none, or two.
func (n *node) troubled() (list []*node) {
	if n.trouble != "" {
		list = append(list, n)
	}
	for _, child := range n.Nodes {
		list = append(list, child.troubled()...)
	}
	return list
}

// moment is the time of a control, if it is one.
func (n *node) moment() (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, n.Value)
	return t, err == nil && n.Kind == schemas.KindTime
}

func (n *node) location() *time.Location {
	if n.zone == nil {
		return time.UTC
	}
	return n.zone
}

// Local is a time as a browser's input wants it, in the zone of the form; what is no time is shown as it was typed.
func (n *node) Local() string {
	if t, ok := n.moment(); ok {
		return t.In(n.location()).Format(localLayout)
	}
	return n.Value
}

// Offsets are the two offsets between which a person chooses where the clocks go back, otherwise none.
func (n *node) Offsets() (offsets []string) {
	at := instants(completed(n.Local()), n.location())
	if len(at) < 2 {
		return nil
	}
	for _, t := range at {
		offsets = append(offsets, t.In(n.location()).Format(offsetLayout))
	}
	return offsets
}

// Offset is the one that was chosen, "" before.
func (n *node) Offset() string {
	if t, ok := n.moment(); ok {
		return t.In(n.location()).Format(offsetLayout)
	}
	return ""
}

// Zone names the zone that stands beside the control.
func (n *node) Zone() string { return n.location().String() }

// OffsetName is the name of the control for the offset.
func (n *node) OffsetName() string { return offsetOf(n.Name) }
