package agent

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What somebody types in their zone stands in the draft in UTC; a time that their clocks skip or show twice is not taken, also not
// to be kept for later.
func TestTimesOfAFormAreTypedInTheReadersZone(t *testing.T) {
	d := newWebDesk(t)
	officer := d.login(t, "web-case-officer")
	const list = "/body/video_hearing/proposed_times"
	form := func(typed, offset string) url.Values {
		return url.Values{"@zone": {"Europe/Paris"}, "act": {"save"}, "#" + list: {"1"}, list + "/0": {typed}, "@" + list + "/0": {offset}}
	}
	for typed, want := range map[string]string{"2027-03-28T02:30": "go forward over this time", "2026-10-25T02:30": "this time comes twice"} {
		for _, address := range []string{"/compose/mla.request/1", "/compose/check/mla.request/1"} {
			if _, page := officer.page(http.MethodPost, address, form(typed, "")); !strings.Contains(page, want) || !strings.Contains(page, `href="#f`+strings.ReplaceAll(list, "/", "%2f")+`%2f0"`) {
				t.Errorf("%s: %s is taken: %.200s", address, typed, page)
			}
		}
		kept, err := d.Unfinished(t.Context(), "web-case-officer")
		if err != nil || len(kept) != 0 {
			t.Fatal(kept, err)
		}
	}
	if _, page := officer.page(http.MethodPost, "/compose/mla.request/1", form("2026-10-25T02:30", "")); !strings.Contains(page, ">UTC&#43;01:00<") || !strings.Contains(page, "Europe/Paris") {
		t.Error("nobody can say which of two times is meant, or sees the zone")
	}
	for i, c := range [][3]string{{"2026-10-25T02:30", "+01:00", "2026-10-25T01:30:00Z"}, {"2026-07-01T10:00", "", "2026-07-01T08:00:00Z"}} {
		status, page := officer.page(http.MethodPost, "/compose/mla.request/1", form(c[0], c[1]))
		kept, err := d.Unfinished(t.Context(), "web-case-officer")
		if status != http.StatusSeeOther || err != nil || len(kept) != i+1 || !strings.Contains(string(kept[0].Form)+string(kept[i].Form), c[2]) {
			t.Errorf("%v: %d, %v, %v, %.300s", c, status, err, kept, page)
		}
	}
}
