package retention

import (
	"slices"
	"testing"
	"time"

	"comity/schemas"
)

func TestTerms(t *testing.T) {
	leap := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"1y": time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC), "4y": time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC),
		"90d": leap.AddDate(0, 0, 90), "24h": leap.AddDate(0, 0, 1), "36h": leap.Add(36 * time.Hour),
	} {
		term, err := ParseTerm(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := term.After(leap); !got.Equal(want) {
			t.Errorf("%s after %v is %v, want %v", text, leap, got, want)
		}
		if term.Before(want).Before(leap) {
			t.Errorf("%s: what began at %v is not looked at, at %v", text, leap, want)
		}
		if again, err := ParseTerm(term.String()); err != nil || again != term {
			t.Errorf("%s is written %s: %v", text, term, err)
		}
	}
	for _, text := range []string{"", "0y", "-1d", "10", "10m", "101y", "900000d", "1y6d", "Never"} {
		if term, err := ParseTerm(text); err == nil {
			t.Errorf("%q is taken as %s", text, term)
		}
	}
}

func TestASchedule(t *testing.T) {
	s := Defaults()
	for _, channel := range schemas.Channels() {
		if s.Of(channel).Never() {
			t.Errorf("channel %s has no default", channel)
		}
	}
	if s.Confirm != TwoPersons {
		t.Errorf("by default %s", s.Confirm)
	}
	s, err := File{Confirm: "automatic", Border: "24h", JIT: "never"}.Check()
	if err != nil || s.Confirm != Automatic || s.Of(schemas.ChannelBorder).String() != "1d" || !slices.Equal(s.Kept(), []schemas.Channel{schemas.ChannelJIT}) {
		t.Errorf("%+v %v", s, err)
	}
	if (Schedule{}).Of(schemas.ChannelMLA) != (Term{never: true}) {
		t.Error("what has no term is not kept")
	}
	if _, err := (File{Confirm: "nobody", MLA: "soon"}).Check(); err == nil {
		t.Error("defects are taken")
	}
}
