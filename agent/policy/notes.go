package policy

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// fearStems tell of fear in the notes of a gate record, at the beginning of a word. The notes never leave, and a false alarm
// costs one conversation, so the list is wide.
var fearStems = []string{
	// English, French, Spanish, German, Portuguese, Italian
	"fear", "afraid", "scared", "frighten", "terrif", "terror", "kill", "murder", "persecut", "tortur", "threat", "revenge", "retaliat", "asylum", "refugee", "danger", "unsafe", "harmed",
	"peur", "crain", "redout", "tuer", "tué", "menac", "persécut", "asile", "réfugi", "représaill",
	"miedo", "temor", "teme", "matar", "amenaz", "persegu", "asilo", "refugi", "represal",
	"angst", "fürcht", "furcht", "töte", "bedroh", "droht", "verfolg", "asyl", "flücht", "rache",
	"medo", "ameaç", "paura", "uccid", "minacc",
	// Russian, Ukrainian, Turkish, Albanian, Romanian
	"боит", "боюс", "страх", "убь", "угро", "пресл", "убежищ", "бежен", "боїт", "вбив", "погро", "притул", "біжен",
	"korku", "öldür", "tehdit", "sığınma", "mülteci", "frik", "vras", "kërcën", "azil", "teamă", "omor", "amenin", "refugia",
}

// fearParts tell of fear wherever they stand: phrases, and languages that write words together or prefix them.
var fearParts = []string{
	"not safe", "cannot return", "can't return", "does not want to return", "doesn't want to return", "refuses to return", "honour killing",
	"خوف", "خائف", "تخاف", "يخاف", "قتل", "تهديد", "اضطهاد", "لجوء", "لاجئ", "ترس", "می\u200cترسد", "پناهند", "تهدید",
	"害怕", "恐惧", "杀", "威胁", "迫害", "庇护", "难民", "डर", "भय", "শরণ", "ভয়",
}

// reassuring are phrases of an ordinary record in which such a word says the opposite, or that a duty was done.
var reassuring = regexp.MustCompile(`\b(informed|told|advised) (of|about) (the |her |his |their )?right to (seek |apply for |claim )?asylum\b` +
	`|\bright to (seek |apply for |claim )?asylum (was )?explained\b` +
	`|\b(no|without|did not express|does not express|expressed no|has no|denies any) (fears?|threats?|danger)\b` +
	`|\b(is|was|are) not (afraid|scared|in danger|threatened)\b|\b(does|did) not fear\b` +
	`|\b(does|did) not (wish|want) to (seek|apply for|claim) asylum\b|\bno (wish|claim|application) (to seek |to apply )?(for )?asylum\b` +
	`|\binformée? du droit d'asile\b|\b(n'a pas|sans|aucune) (peur|crainte)\b`)

// notesFear tells whether notes say, or may say, that the person fears to return. What cannot be read may say so.
func notesFear(ctx context.Context, s Scanner, notes string) bool {
	rest := reassuring.ReplaceAllString(strings.ToLower(notes), " ")
	if containsAny(rest, fearParts) {
		return true
	}
	for _, word := range strings.FieldsFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		if slices.ContainsFunc(fearStems, func(stem string) bool { return strings.HasPrefix(word, stem) }) {
			return true
		}
	}
	c := scanLetter(ctx, s, noteLetter(rest))
	return c.datum || c.doubtful || c.unreadable
}
