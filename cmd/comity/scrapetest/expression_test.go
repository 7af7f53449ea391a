package scrapetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// metric is what a registry says of one of its metrics.
type metric struct {
	labels    []string
	histogram bool
}

// added are the labels that the scrape configuration and Prometheus add to every series.
var added = []string{"job", "instance", "component", "authority"}

// The words of PromQL that the files of deploy/ use. A word that is not here, and no metric, is a mistake.
var (
	functions = []string{"abs", "increase", "rate", "sum", "max", "sort", "sort_desc", "histogram_quantile", "time", "vector"}
	keywords  = []string{"by", "or"}
	grouping  = regexp.MustCompile(`\bby\s*\(([^)]*)\)`)
	selector  = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*\{([^}]*)\}`)
	matcher   = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*$`)
	word      = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)
	literal   = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	duration  = regexp.MustCompile(`\[[0-9]+[smhdw]\]`)
)

// problems lists what of an expression does not exist. It reads the little of PromQL that deploy/ needs and takes nothing
// else: promtool checks the syntax.
func problems(expression string, known map[string]metric) (found []string) {
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	var used []string
	rest := selector.ReplaceAllStringFunc(expression, func(text string) string {
		parts := selector.FindStringSubmatch(text)
		name := parts[1]
		used = append(used, name)
		m, ok := lookup(name, known)
		if !ok {
			report("there is no metric %q", name)
		}
		for _, one := range splitMatchers(parts[2]) {
			label := matcher.FindStringSubmatch(one)
			switch {
			case label == nil:
				report("%q is not a matcher", one)
			case ok && !slices.Contains(m.labels, label[1]) && !slices.Contains(added, label[1]):
				report("%s has no label %q", name, label[1])
			}
		}
		return " "
	})
	var grouped []string
	rest = grouping.ReplaceAllStringFunc(duration.ReplaceAllString(rest, " "), func(text string) string {
		for label := range strings.SplitSeq(grouping.FindStringSubmatch(text)[1], ",") {
			grouped = append(grouped, strings.TrimSpace(label))
		}
		return " "
	})
	for _, name := range word.FindAllString(rest, -1) {
		if slices.Contains(functions, name) || slices.Contains(keywords, name) {
			continue
		}
		if _, ok := lookup(name, known); !ok {
			report("there is no metric or function %q", name)
		}
		used = append(used, name)
	}
	for _, label := range grouped {
		everywhere := slices.Contains(added, label) || slices.ContainsFunc(used, func(name string) bool {
			m, _ := lookup(name, known)
			return slices.Contains(m.labels, label) || label == "le" && strings.HasSuffix(name, "_bucket")
		})
		if !everywhere {
			report("nothing in it has the label %q", label)
		}
	}
	return found
}

// splitMatchers splits at commas outside of quotes.
func splitMatchers(text string) (parts []string) {
	hidden := literal.ReplaceAllStringFunc(text, func(s string) string { return strings.ReplaceAll(s, ",", "\x00") })
	for part := range strings.SplitSeq(hidden, ",") {
		if strings.TrimSpace(part) != "" {
			parts = append(parts, strings.ReplaceAll(part, "\x00", ","))
		}
	}
	return parts
}

// lookup finds a metric; a histogram also by the names of its series.
func lookup(name string, known map[string]metric) (metric, bool) {
	if m, ok := known[name]; ok {
		return m, true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, cut := strings.CutSuffix(name, suffix); cut && known[base].histogram {
			return known[base], true
		}
	}
	return metric{}, false
}

// The check catches what it is for.
func TestAMistakeInAnExpressionIsFound(t *testing.T) {
	known := map[string]metric{
		"up": {}, "comity_requests": {labels: []string{"peer", "stage"}}, "comity_took_seconds": {labels: []string{"channel"}, histogram: true},
	}
	for expression, want := range map[string]string{
		`sum by (peer) (comity_requests{stage="sent",authority=~"$authority"})`:                "",
		`histogram_quantile(0.9, sum by (le, channel) (rate(comity_took_seconds_bucket[5m])))`: "",
		`up == 0 or comity_requests > 3 * 86400`:                                               "",
		`sum(comity_request{stage="sent"})`:                                                    `no metric "comity_request"`,
		`comity_request > 0`:                                                                   `no metric or function "comity_request"`,
		`comity_requests{state="sent"}`:                                                        `comity_requests has no label "state"`,
		`sum by (channel) (comity_requests)`:                                                   `nothing in it has the label "channel"`,
		`comity_requests_bucket`:                                                               `no metric or function "comity_requests_bucket"`,
		`foo(comity_requests)`:                                                                 `function "foo"`,
		`comity_requests{stage=sent}`:                                                          `is not a matcher`,
		`{stage="sent"}`:                                                                       `no metric ""`,
	} {
		got := strings.Join(problems(expression, known), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}
