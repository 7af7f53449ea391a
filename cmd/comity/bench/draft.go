package bench

import (
	"fmt"
	"strings"
	"time"

	"comity/schemas"
)

// sentences are what the facts of a request are padded with: text of the kind that the scanner must read in earnest.
var sentences = []string{
	"The workers were recruited with false promises and made to work without pay.",
	"Their wages were paid into an account at a bank of the requested State and were moved on within days.",
	"Two of the transfers were made on the day on which the account was opened, in cash, by a person who is not known.",
	"The lorry was seen at the crossing at 04:30, and again on the same evening on the ring road.",
	"Rent for the house in which they slept was taken from what they were owed.",
	"The bookkeeper of the company kept two sets of books; one of them was found in the boot of a car.",
	"Copies of the contracts are with the investigating judge and can be sent with the answer.",
	"The telephone was used in both States between March and July.",
}

// draftOf is the n-th draft of a run: a request whose payload has size bytes. What makes it another than the rest stands in a
// date and a number: letters and digits that are drawn look like a word in some disguise now and then, and the scanner holds
// what does.
func draftOf(n, size int) ([]byte, error) {
	short, err := request(n, sentences[n%len(sentences)], sentences[(n+1)%len(sentences)])
	if err != nil {
		return nil, err
	}
	missing := size - payloadSize(short)
	if missing < 0 {
		return nil, fmt.Errorf("a request has more than %d bytes", size)
	}
	facts := min(missing, maxText-longest)
	return request(n, sentences[n%len(sentences)]+prose(n+1, facts), sentences[(n+1)%len(sentences)]+prose(n+2, missing-facts))
}

// longest is more than any of the sentences has.
const longest = 200

// maxText is how long a text of a request may be, by its schema.
const maxText = 20_000

// prose is text of exactly so many bytes, another for each n: whole sentences, and blanks for what is left. A sentence cut in
// the middle may end in a word that it does not have.
func prose(n, length int) string {
	var b strings.Builder
	for i := n; ; i++ {
		next := sentences[i%len(sentences)]
		if b.Len()+1+len(next) > length {
			return b.String() + strings.Repeat(" ", length-b.Len())
		}
		b.WriteByte(' ')
		b.WriteString(next)
	}
}

// payloadSize is the size of a draft without what makes it more than a payload.
func payloadSize(draft []byte) int { return len(draft) - len(`"to":["`+string(recipient)+`"],`) }

type object = map[string]any

// born is the day from which the dates of birth of suspects are counted, and days how many there are.
var born = time.Date(1952, time.January, 1, 0, 0, 0, 0, time.UTC)

const days = 18_000

// request is a first request for evidence, about a suspect.
func request(n int, facts, description string) ([]byte, error) {
	return schemas.Canonical(object{
		"to": []any{recipient}, "channel": schemas.ChannelMLA, "type": "mla.request/1",
		"legal_basis": []any{object{"instrument": "untoc", "article": "18(3)(f)"}, object{"instrument": "untoc", "article": "18(3)(g)"}},
		"language":    "en", "urgency": schemas.Routine,
		"subjects": []any{object{"ref": "p1", "role": "suspect", "identity": object{
			"names": []any{"TESTPERSON ALPHA-01"}, "birth_date": born.AddDate(0, 0, n%days).Format(time.DateOnly), "nationalities": []any{sender.State()},
		}}},
		"use_limit": "stated-case-only", "confidential": true, "onward": "none",
		"body": object{
			"assistance": []any{"provide-records", "trace-proceeds"},
			"matter": object{
				"subject": "Trafficking in persons for forced labour", "nature": "investigation",
				"conducting_authority": "Federal Prosecution Office of QM, Trafficking Section",
				"functions":            "Conducts and supervises criminal investigations",
			},
			"facts": facts, "description": description,
			"persons": []any{object{"person": "p1"}},
			"purpose": "Evidence for the charge, and tracing of the proceeds.",
			"offence": object{
				"text":    "Trafficking in persons: recruitment by deception for the purpose of exploitation.",
				"article": "Criminal Code of QM, section 232", "max_penalty_months": 12 + n/days, "organised_group": true, "transnational": true,
			},
		},
	})
}
