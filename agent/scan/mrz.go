package scan

import (
	"regexp"
	"strings"
)

// The machine-readable zone of a document says who issued it and of which nationality its holder is. For refugees and stateless
// persons ICAO 9303 has codes instead of a State (DOMAIN, A8).

// machineCodes are those codes: XXB and XXC are refugees, XXA and XXX stateless persons and persons of unspecified nationality.
var machineCodes = map[string]Grade{"XXB": Strong, "XXC": Strong, "XXA": Ambiguous, "XXX": Ambiguous}

var (
	// The nationality stands between the number of the document, or the optional data of a card, and the birth date.
	machineNationality = regexp.MustCompile(`[0-9<](XX[ABCX])[0-9]{6}[0-9<][MFX<]|[0-9]{7}[MFX<][0-9]{7}(XX[ABCX])[A-Z0-9<]`)
	// The issuing State stands behind the kind of document.
	machineIssuer = regexp.MustCompile(`\b[PVIAC][A-Z<](XX[ABCX])[A-Z0-9]`)
)

// findMachineReadable lists the codes in machine-readable zones. Readers put spaces into them, and write small letters.
func findMachineReadable(text string) []Hit {
	if !strings.Contains(text, "XX") && !strings.Contains(text, "xx") {
		return nil
	}
	text = capitalsOf(text)
	var hits []Hit
	for _, form := range []*regexp.Regexp{machineNationality, machineIssuer} {
		for _, at := range form.FindAllStringSubmatchIndex(text, maxHits) {
			for group := 2; group < len(at); group += 2 {
				if at[group] < 0 {
					continue
				}
				code := text[at[group]:at[group+1]]
				hits = append(hits, Hit{Code: "A8", Grade: machineCodes[code], Term: "MRZ " + code, Track: Plain, Start: at[group], End: at[group+1]})
			}
		}
	}
	return hits
}

// capitalsOf makes capitals of the letters of ASCII alone, so that every offset stays what it is.
func capitalsOf(text string) string {
	b := []byte(text)
	for i, c := range b {
		if kinds[c]&lower != 0 {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
