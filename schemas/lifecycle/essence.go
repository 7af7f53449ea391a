package lifecycle

import (
	"fmt"

	"comity/schemas"
	"github.com/go-json-experiment/json"
)

// refusedUnderOtherTreaty is the outcome of a refusal that rests on a treaty other than the Convention: the duty to
// consult first (UNTOC art. 18(26)) is one of article 18 and does not cover it.
const refusedUnderOtherTreaty = "refused-under-other-treaty"

// Essence is the one word of a validated payload that moves its case: the outcome of a decision, the extent of a
// result, the answer to a consultation, the stage of a report, the scope of a withdrawal; "" for all other types.
// It comes from a closed set of the schema and is never free text.
func Essence(p *schemas.Payload) (string, error) {
	member := essenceMember(p.Channel, p.Type.Name())
	if member == "" {
		return "", nil
	}
	// Other members of the body are passed over: Validate has read them strictly.
	var body map[string]any
	if err := json.Unmarshal(p.Body, &body); err != nil {
		return "", fmt.Errorf("reading what moves the case in %s: the body is not an object", p.Type)
	}
	word, ok := body[member].(string)
	if !ok {
		return "", fmt.Errorf("reading what moves the case in %s: no member %q", p.Type, member)
	}
	if word == "refused" && body["ground"] == "treaty-other" {
		return refusedUnderOtherTreaty, nil
	}
	if p.Channel == schemas.ChannelConfiscation && body["phase"] == "provisional-measures" {
		return provisionalResult, nil
	}
	return word, nil
}
