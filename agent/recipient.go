package agent

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"comity/pki"
	"comity/schemas"
)

// Right first time: a draft is held against the recipient's own directory entry and the agreements in force before
// anybody approves it. The rule of each defect is one of these; the set is closed.
const (
	ruleRecipient   schemas.Rule = "recipient"   // not in the directory, or not reached by what this needs
	ruleRoute       schemas.Rule = "route"       // no agreement in force on this channel
	ruleType        schemas.Rule = "unread-type" // the recipient does not read this type and version
	ruleLanguage    schemas.Rule = "language"    // UNTOC art. 18(14)
	ruleInstrument  schemas.Rule = "instrument"  // not in force between the two on this channel
	ruleRequirement schemas.Rule = "requirement" // asked for by the recipient beyond the treaty
)

// checkRecipient names everything at once that the recipient's entry does not take.
func (a *Agent) checkRecipient(view *pki.View, d *schemas.Draft, peer schemas.AuthorityID) error {
	p := d.Parsed
	entry, err := view.Authority(peer)
	switch {
	case err != nil:
		return unsuitable(ReasonRecipient, peer, "is not in the directory",
			schemas.Defect{Pointer: "/to", Rule: ruleRecipient, Hint: "comity doctor shows whether the directory is fresh"})
	case entry.Kind == pki.KindNotConnected:
		if err := fitsPaper(p, peer); err != nil {
			return err
		}
	}
	var defects []schemas.Defect
	reason := ""
	add := func(why, pointer string, rule schemas.Rule, hint string) {
		if reason == "" {
			reason = why
		}
		defects = append(defects, schemas.Defect{Pointer: pointer, Rule: rule, Hint: hint})
	}
	route := view.Route
	if entry.Kind == pki.KindNotConnected {
		route = view.PaperRoute
	}
	_, err = route(a.me, peer, p.Channel, a.now())
	switch {
	case pki.ReasonOf(err) == pki.ReasonTrustListExpired:
		// Nobody can be proved now, so nothing leaves; what people write waits for the next list, and is looked at again then.
	case err != nil:
		add(ReasonRoute, "/channel", ruleRoute, fmt.Sprintf("no agreement in force lets %s write to %s on channel %s", a.me, peer, p.Channel))
	default:
		a.checkInstruments(view, p, peer, add)
	}
	if !slices.Contains(entry.Types, p.Type) {
		add(ReasonType, "/type", ruleType, fmt.Sprintf("%s does not read %s; comity schema list shows other types", peer, p.Type))
	}
	if !slices.ContainsFunc(entry.Languages, func(l string) bool { return schemas.Language(l).Primary() == p.Language.Primary() }) {
		add(ReasonLanguage, "/language", ruleLanguage, fmt.Sprintf("%s accepts %s (UNTOC art. 18(14))", peer, strings.Join(entry.Languages, ", ")))
	}
	for _, r := range entry.Requires {
		if r.Type == p.Type && !hasMember(d.Payload, r.Member) {
			add(ReasonRequirement, r.Member, ruleRequirement, fmt.Sprintf("%s asks for it: %s", peer, r.Why))
		}
	}
	if len(defects) == 0 {
		return nil
	}
	return unsuitable(reason, peer, "does not take the draft as it is", defects...)
}

// checkInstruments holds the legal basis against what is in force between the two (UNTOC arts. 13(6), 18(7)).
func (a *Agent) checkInstruments(view *pki.View, p *schemas.Payload, peer schemas.AuthorityID, add func(why, pointer string, rule schemas.Rule, hint string)) {
	inForce := view.Instruments(a.me, peer, p.Channel, a.now())
	for i, basis := range p.LegalBasis {
		if !slices.Contains(inForce, string(basis.Instrument)) {
			add(ReasonInstrument, "/legal_basis/"+strconv.Itoa(i)+"/instrument", ruleInstrument,
				fmt.Sprintf("in force with %s on this channel: %s", peer, strings.Join(inForce, ", ")))
		}
	}
}

func unsuitable(reason string, peer schemas.AuthorityID, what string, defects ...schemas.Defect) error {
	p := problemOf(reason, fmt.Sprintf("%s %s", peer, what), "each defect says what would be right")
	p.Defects = defects
	return p
}

// hasMember tells whether a payload has a member at a JSON pointer. A list that is empty has none.
func hasMember(payload []byte, pointer string) bool {
	var tree any
	if schemas.Decode(payload, &tree, schemas.PayloadLimits) != nil {
		return false
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch node := tree.(type) {
		case map[string]any:
			tree = node[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(node) {
				return false
			}
			tree = node[i]
		default:
			return false
		}
	}
	list, isList := tree.([]any)
	return tree != nil && (!isList || len(list) > 0)
}
