package policy

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"comity/agent/register"
	"comity/schemas"
)

// The form of what is recorded at home. It is checked by hand and not by a schema: it is no message, and no peer reads it.

// checker collects defects. It shows no value, and no name of a member that is not one of ours.
type checker struct{ defects []schemas.Defect }

func (c *checker) report(at string, rule schemas.Rule, hint string) {
	c.defects = append(c.defects, schemas.Defect{Pointer: at, Rule: rule, Hint: hint})
}

// shape checks one value at a place.
type shape func(c *checker, at string, value any)

func checkHome(tree any) []schemas.Defect {
	c := &checker{}
	homeShape(c, "/home", tree)
	slices.SortFunc(c.defects, func(a, b schemas.Defect) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(string(a.Rule), string(b.Rule)))
	})
	return c.defects
}

var (
	messageForm = regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{1,26}$`) // officers write the first characters of an id
	hashForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

var homeShape = members(map[string]shape{
	"gate": members(map[string]shape{
		"voluntary":                   yesOrNo,
		"informed_of_right_to_asylum": yesOrNo,
		"risk_assessment":             oneOf(RiskLow, RiskMedium, RiskHigh),
		"proceedings":                 oneOf(ProceedingsNone, ProceedingsVictimRequired, ProceedingsTestimonyDone),
		"asylum_status": oneOf(register.None, register.FearExpressed, register.Pending, register.Granted, register.RejectedAppealable,
			register.RejectedFinal, register.Withdrawn, register.Unknown),
		"age_in_doubt": yesOrNo,
		"child":        members(map[string]shape{"best_interests_determined": yesOrNo, "guardian": yesOrNo}),
		"notes":        text(64 << 10),
	}),
	"persons": byReference(members(map[string]shape{
		"name_by_choice":     yesOrNo,
		"necessity":          text(2000),
		"whereabouts_choice": day,
		"protected_witness":  yesOrNo,
	})),
	"quotes": listOf(100, members(map[string]shape{
		"message": written(messageForm, "the id of a message, or its first characters"),
		"sha256":  written(hashForm, "64 lower-case hexadecimal digits"),
	}, "message")),
	"forwarding": listOf(50, state),
	"question":   oneOf(QuestionWhereabouts, QuestionStatus, QuestionProtection),
})

// members is an object of known members, some of them required.
func members(known map[string]shape, required ...string) shape {
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	return func(c *checker, at string, value any) {
		object, ok := value.(map[string]any)
		if !ok {
			c.report(at, schemas.RuleType, "an object")
			return
		}
		for name, child := range object {
			if check, ok := known[name]; ok {
				check(c, at+"/"+name, child)
			} else {
				c.report(at, schemas.Rule(schemas.RuleUnknownMember), "members here: "+names)
			}
		}
		for _, name := range required {
			if object[name] == nil {
				c.report(at+"/"+name, schemas.RuleRequired, "")
			}
		}
	}
}

// byReference is an object of records by the references of subjects.
func byReference(record shape) shape {
	return func(c *checker, at string, value any) {
		object, ok := value.(map[string]any)
		switch {
		case !ok:
			c.report(at, schemas.RuleType, "an object")
			return
		case len(object) > 100:
			c.report(at, schemas.RuleCount, "at most 100 persons")
			return
		}
		for ref, child := range object {
			if refForm.MatchString(ref) {
				record(c, at+"/"+ref, child)
			} else {
				c.report(at, schemas.RulePattern, "references of subjects, such as p1; never a name")
			}
		}
	}
}

func listOf(most int, item shape) shape {
	return func(c *checker, at string, value any) {
		list, ok := value.([]any)
		switch {
		case !ok:
			c.report(at, schemas.RuleType, "a list")
			return
		case len(list) > most:
			c.report(at, schemas.RuleCount, fmt.Sprintf("at most %d", most))
			return
		}
		for i, child := range list {
			item(c, fmt.Sprintf("%s/%d", at, i), child)
		}
	}
}

func oneOf[S ~string](values ...S) shape {
	var names []string
	for _, v := range values {
		names = append(names, string(v))
	}
	return func(c *checker, at string, value any) {
		if text, ok := value.(string); !ok || !slices.Contains(names, text) {
			c.report(at, schemas.RuleEnum, "one of "+strings.Join(names, ", "))
		}
	}
}

func text(most int) shape {
	return func(c *checker, at string, value any) {
		switch text, ok := value.(string); {
		case !ok:
			c.report(at, schemas.RuleType, "text")
		case len(text) > most:
			c.report(at, schemas.RuleLength, fmt.Sprintf("at most %d bytes", most))
		}
	}
}

func written(pattern *regexp.Regexp, hint string) shape {
	return func(c *checker, at string, value any) {
		if text, ok := value.(string); !ok || !pattern.MatchString(text) {
			c.report(at, schemas.RulePattern, hint)
		}
	}
}

func yesOrNo(c *checker, at string, value any) {
	if _, ok := value.(bool); !ok {
		c.report(at, schemas.RuleType, "true or false")
	}
}

func day(c *checker, at string, value any) {
	text, _ := value.(string)
	if _, err := time.Parse(time.DateOnly, text); err != nil {
		c.report(at, schemas.RuleFormat, "a date, such as 2026-11-20")
	}
}

func state(c *checker, at string, value any) {
	text, _ := value.(string)
	if _, err := schemas.ParseStateCode(text); err != nil {
		c.report(at, schemas.RulePattern, "a State, such as QN")
	}
}
