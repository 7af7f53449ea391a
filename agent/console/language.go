package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the reader's zone is known on every machine

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"

	"comity/schemas"
)

//go:embed text/*.json
var textFiles embed.FS

// Language is one of the languages of the console.
type Language struct {
	Code    string // as in the attribute lang
	Dir     string // ltr | rtl
	Name    string // in itself
	texts   map[string]string
	lexicon map[string]string // by the schemas' own texts
	base    *Language         // where a text is missing; nil of English
	printer *message.Printer
	regions display.Namer
	tongues display.Namer
}

// languages in the order of the choice. What the schemas say falls back to English.
var languages = []struct{ code, dir, name string }{
	{"en", "ltr", "English"}, {"fr", "ltr", "Français"}, {"ar", "rtl", "العربية"},
}

func loadLanguages() ([]*Language, error) {
	var all []*Language
	for _, l := range languages {
		tag := language.MustParse(l.code)
		loaded := &Language{
			Code: l.code, Dir: l.dir, Name: l.name, texts: map[string]string{}, lexicon: map[string]string{}, printer: message.NewPrinter(tag),
			regions: display.Regions(tag), tongues: display.Languages(tag),
		}
		if len(all) > 0 {
			loaded.base = all[0]
		}
		raw, err := textFiles.ReadFile("text/" + l.code + ".json")
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &loaded.texts); err != nil {
			return nil, fmt.Errorf("reading the texts in %s: %w", l.code, err)
		}
		if raw, err := textFiles.ReadFile("text/schemas." + l.code + ".json"); err == nil {
			if err := json.Unmarshal(raw, &loaded.lexicon); err != nil {
				return nil, fmt.Errorf("reading the words of the schemas in %s: %w", l.code, err)
			}
		}
		all = append(all, loaded)
	}
	return all, nil
}

// T is a text, with {0} and so on replaced by the arguments. A key that no language has is shown as it is; a test holds that
// there is none.
func (l *Language) T(key string, args ...any) string {
	text, ok := l.texts[key]
	if !ok {
		if l.base != nil {
			return l.base.T(key, args...)
		}
		return key
	}
	for i, arg := range args {
		if n, ok := arg.(int); ok {
			arg = l.Number(n)
		}
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", fmt.Sprint(arg))
	}
	return text
}

// Has reports whether there is a text for a key.
func (l *Language) Has(key string) bool {
	if _, ok := l.texts[key]; ok {
		return true
	}
	return l.base != nil && l.base.Has(key)
}

// Word is the text of a code of a closed set, such as a state of a case: "state.accepted". A code without a text is shown
// with blanks for its hyphens.
func (l *Language) Word(set string, code any) string {
	text := fmt.Sprint(code)
	if key := set + "." + text; l.Has(key) {
		return l.T(key)
	}
	return strings.ReplaceAll(text, "-", " ")
}

// Number writes a whole number.
func (l *Language) Number(n int) string { return l.printer.Sprintf("%d", n) }

// Schema is an English text of a schema in this language, and whether it is. English itself has words for the conditions, which
// the schemas say with the names of members.
func (l *Language) Schema(english string) (text string, own bool) {
	if text, ok := l.lexicon[english]; ok {
		return text, true
	}
	if l.base != nil && english != "" {
		text, _ := l.base.Schema(english)
		return text, false
	}
	return english, true
}

// State names a State. The codes of sandboxes belong to nobody.
func (l *Language) State(code schemas.StateCode) string {
	if len(code) == 2 && code[0] == 'Q' && code[1] >= 'M' {
		return l.T("state.sandbox", string(code))
	}
	if region, err := language.ParseRegion(string(code)); err == nil {
		if name := l.regions.Name(region); name != "" {
			return name
		}
	}
	return string(code)
}

// Authority names an authority: its State in words, and its own name.
func (l *Language) Authority(id schemas.AuthorityID) string {
	if id == "" {
		return ""
	}
	return l.State(id.State()) + ", " + l.Word("authority", id.Name())
}

// Tongue names a language.
func (l *Language) Tongue(code string) string {
	if tag, err := language.Parse(code); err == nil {
		if name := l.tongues.Name(tag); name != "" {
			return name
		}
	}
	return code
}

// Day writes a date.
func (l *Language) Day(t time.Time) string {
	if t.IsZero() {
		return l.T("none")
	}
	return l.T("date.day", l.digits(t.Day()), l.T("month."+strconv.Itoa(int(t.Month()))), strconv.Itoa(t.Year()))
}

// Moment writes a date and a time in a zone.
func (l *Language) Moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return l.T("none")
	}
	local := t.In(zone)
	return l.T("date.moment", l.Day(local), local.Format("15:04"), local.Format("MST"))
}

// Month writes a month that is given as 2026-11.
func (l *Language) Month(text string) string {
	t, err := time.Parse("2006-01", text)
	if err != nil {
		return text
	}
	return l.T("month.short."+strconv.Itoa(int(t.Month()))) + " " + t.Format("06")
}

func (l *Language) digits(n int) string { return strconv.Itoa(n) }

// Span writes a length of time in its two largest units.
func (l *Language) Span(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case days >= 10 || days > 0 && hours == 0:
		return l.T("span.days", days)
	case days > 0:
		return l.T("span.days-hours", days, hours)
	case hours > 0:
		return l.T("span.hours-minutes", hours, minutes)
	}
	return l.T("span.minutes", minutes)
}

// The cookies of a reader's preferences. They hold a code from a list and nothing else.
const (
	languageCookie = "__Host-comity-language"
	zoneCookie     = "__Host-comity-zone"
)

// languageOf is the reader's choice, or the best that their browser asks for.
func (p *pages) languageOf(r *http.Request) *Language {
	if cookie, err := r.Cookie(languageCookie); err == nil {
		for _, l := range p.languages {
			if l.Code == cookie.Value {
				return l
			}
		}
	}
	tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, index, confidence := p.matcher.Match(tags...)
	if confidence == language.No {
		return p.languages[0]
	}
	return p.languages[index]
}

// zones are those that a reader may choose: one of each offset, by the name that most people know.
var zones = []string{
	"UTC", "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver", "America/Mexico_City", "America/Chicago",
	"America/Bogota", "America/New_York", "America/Santiago", "America/Sao_Paulo", "Atlantic/Azores", "Africa/Abidjan", "Europe/London",
	"Africa/Lagos", "Europe/Paris", "Africa/Cairo", "Africa/Johannesburg", "Europe/Kyiv", "Africa/Nairobi", "Europe/Istanbul", "Asia/Riyadh",
	"Asia/Tehran", "Asia/Dubai", "Asia/Kabul", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Bangkok",
	"Asia/Jakarta", "Asia/Shanghai", "Asia/Manila", "Australia/Perth", "Asia/Tokyo", "Australia/Sydney", "Pacific/Noumea", "Pacific/Auckland",
	"Pacific/Tongatapu",
}

func zoneOf(r *http.Request) *time.Location {
	if cookie, err := r.Cookie(zoneCookie); err == nil {
		return zoneNamed(cookie.Value)
	}
	return time.UTC
}

// zoneNamed is one of the zones; UTC where the name is none of them.
func zoneNamed(name string) *time.Location {
	if slices.Contains(zones, name) {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone
		}
	}
	return time.UTC
}
