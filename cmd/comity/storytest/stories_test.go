package storytest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"comity/cmd/comity/sandbox"
	"comity/schemas"
)

// object is a part of a draft.
type object = map[string]any

// letter is a draft with what every message carries.
func letter(kind, article string, body object, to ...string) object {
	recipients := make([]any, len(to))
	for i, id := range to {
		recipients[i] = id
	}
	instrument := "untoc"
	if c := schemas.MessageType(kind).Channel(); c == "repatriation" || c == "border" {
		instrument = "tip-protocol"
	}
	return object{
		"to": recipients, "channel": string(schemas.MessageType(kind).Channel()), "type": kind, "language": "en", "urgency": "routine",
		"legal_basis": []any{object{"instrument": instrument, "article": article}}, "body": body,
	}
}

// with adds members to a draft, over those that stand there.
func with(draft object, more object) object {
	all := maps.Clone(draft)
	maps.Copy(all, more)
	return all
}

func inCase(id schemas.CaseID) object { return object{"case": string(id)} }

func person(ref, role string, identity object) object {
	p := object{"ref": ref, "role": role}
	if identity != nil {
		p["identity"] = identity
	}
	return object{"subjects": []any{p}}
}

func file(name, mediaType, content string) object {
	sum := sha256.Sum256([]byte(content))
	return object{"attachments": []any{object{
		"name": name, "media_type": mediaType, "sha256": hex.EncodeToString(sum[:]), "bytes": len(content),
		"content": base64.StdEncoding.EncodeToString([]byte(content)),
	}}}
}

var matter = object{"subject": "Trafficking in persons", "nature": "investigation", "conducting_authority": "Prosecution Office", "functions": "Conducts investigations"}

var offence = object{"text": "Trafficking in persons.", "article": "Criminal Code, section 232", "max_penalty_months": 120, "organised_group": true, "transnational": true}

// S01: a request for bank records, supplemented, answered; and the records used in another case.
func TestS01BankRecords(t *testing.T) {
	s := start(t)
	a, b := s.at(t, "QM/justice"), s.at(t, "QN/justice")
	request := with(letter("mla.request/1", "18(3)(f)", object{
		"assistance": []any{"provide-records"}, "matter": matter, "offence": offence,
		"facts":       "Wages of workers were paid into an account at a bank in QN and moved on within days.",
		"description": "Certified statements of the account from March to July 2026.", "purpose": "Evidence for the charge.",
	}, "QN/justice"), person("p1", "suspect", object{"names": []any{"TESTPERSON ALPHA-01"}, "birth_date": "1980-01-31", "nationalities": []any{"QN"}}))

	a.refuses(with(request, object{"due": "2027-01-31"}), "/due_reason")
	check := a.check(with(request, object{"due": "2027-01-31"}))
	a.says(check, "invalid")
	if len(check.Errors) == 0 || check.Errors[0].Pointer != "/due_reason" {
		t.Errorf("errors %+v", check.Errors)
	}
	opened := a.delivers(with(request, object{"due": "2027-01-31", "due_reason": "remand hearing 2027-02-08"}))

	b.delivers(with(letter("mla.acknowledgement/1", "18(24)", object{"received_at": now(), "national_ref": "QN-2026-0417", "desk": "Mutual assistance desk", "complete": false}, "QM/justice"), inCase(opened.Case)))
	asked := b.delivers(with(letter("mla.supplement-request/1", "18(16)", object{"items": []any{object{"field": "/body/description", "why": "The number of the account is needed."}}}, "QM/justice"), inCase(opened.Case)))
	a.delivers(with(letter("mla.supplement/1", "18(16)", object{"answers": []any{object{"field": "/body/description", "answer": "Account QN00 0000 0000 0417."}}}, "QN/justice"),
		object{"case": string(opened.Case), "in_reply_to": string(asked.ID)}))
	b.delivers(with(letter("mla.decision/1", "18(17)", object{"outcome": "accepted"}, "QM/justice"), inCase(opened.Case)))
	records := file("evidence-1.txt", "text/plain", "Statement of account QN00 0000 0000 0417, 1 March to 31 May 2026 (synthetic)\nCopy "+string(schemas.NewMessageID())+"\n")
	hash := records["attachments"].([]any)[0].(object)["sha256"]
	result := b.delivers(with(with(letter("mla.result/1", "18(17)", object{
		"extent": "partial", "summary": "Statements for March to May 2026.", "return_required": false,
		"items": []any{object{"sha256": hash, "certified": true, "chain_of_custody": []any{object{"at": now(), "holder": "Bank, records office", "action": "produced"}}}},
	}, "QM/justice"), records), inCase(opened.Case)))
	a.delivers(with(letter("mla.result-receipt/1", "18(17)", object{"received_at": now()}, "QN/justice"), object{"case": string(opened.Case), "in_reply_to": string(result.ID)}))

	// S01b: used in another case, they stop at home until the State that gave them has consented.
	other := with(with(letter("mla.request/1", "18(3)(f)", object{
		"assistance": []any{"provide-records"}, "matter": matter, "offence": offence, "facts": "Money moved on to an account at a bank in QP.",
		"description": "Certified statements of that account.", "purpose": "Evidence for another charge.",
	}, "QP/justice"), records), person("p1", "suspect", object{"names": []any{"TESTPERSON ALPHA-02"}, "nationalities": []any{"QM"}}))
	stopped := a.stops(other)
	a.by(stopped[0], "block", "ASY-08")

	items := []any{object{"message": string(result.ID), "sha256": hash}}
	ask := a.delivers(with(letter("mla.use-consent-request/1", "18(19)", object{"new_purpose": "Another charge.", "items": items, "recipients": []any{"QP/justice"}}, "QN/justice"), inCase(opened.Case)))
	b.delivers(with(letter("mla.use-consent-decision/1", "18(19)", object{"outcome": "granted", "new_purpose": "Another charge.", "items": items, "recipients": []any{"QP/justice"}}, "QM/justice"),
		object{"case": string(opened.Case), "in_reply_to": string(ask.ID)}))
	a.delivers(other)
}

func now() string { return time.Now().UTC().Truncate(time.Second).Format(time.RFC3339) }

// S02: a flat is frozen, confiscated by a foreign order, sold; the victims are a count and claim ids, never names.
func TestS02Confiscation(t *testing.T) {
	s := start(t)
	a := s.at(t, "QM/justice")
	owner := person("p1", "convicted", object{"names": []any{"TESTPERSON BRAVO-02"}, "birth_date": "1975-06-02", "nationalities": []any{"QM"}})
	flat := object{"class": "proceeds", "kind": "real-estate", "description": "A flat of three rooms.", "location": "Harbour Street, QN", "owner": object{"kind": "person", "person": "p1"}}
	a.delivers(with(letter("confiscation.provisional-request/1", "13(2)", object{
		"facts": "The flat was bought with the proceeds.", "actions": []any{"freeze"}, "property": []any{flat}, "matter": matter, "offence": offence,
	}, "QN/justice"), owner))

	order := file("order-1.txt", "text/plain", "Confiscation order of the Regional Court of QM, in full (synthetic)\n")
	amount := object{"amount": object{"value": "240000.00", "currency": "EUR"}}
	body := object{
		"route": "enforce-foreign-order", "facts": "The court ordered that the flat be confiscated.", "matter": matter, "offence": offence,
		"purpose": "Enforcement of the order.", "description": "Enforcement of the order against the flat.",
		"order_copy": object{"files": []any{order["attachments"].([]any)[0].(object)["sha256"]}, "court": "Regional Court of QM", "issued_on": "2026-10-02", "final": true},
	}
	request := with(with(letter("confiscation.request/1", "13(1)(b)", body, "QN/justice"), owner), order)
	a.refuses(request, "/body/extent")
	body["extent"] = amount
	opened := a.delivers(with(letter("confiscation.request/1", "13(1)(b)", body, "QN/justice"), with(owner, order)))
	b := s.at(t, "QN/justice")
	b.delivers(with(letter("confiscation.decision/1", "13(1)", object{"outcome": "accepted"}, "QM/justice"), inCase(opened.Case)))

	// S02b: names of victims, one of them protected against QN.
	a.registers(`{"ref":"s02","names":["TESTPERSON BRAVO-09"],"birth_date":"1999-04-12","nationalities":["QN"],"status":"pending"}`)
	list := file("claims-1.txt", "text/plain", "Claims: TESTPERSON BRAVO-08, born 1998-01-03; TESTPERSON BRAVO-09, born 1999-04-12\n")
	disposal := with(letter("confiscation.disposal-request/1", "14(2)", object{
		"dispositions": []any{object{"kind": "return-for-victim-compensation", "amount": object{"value": "211000.00", "currency": "EUR"}}},
		"victims":      object{"count": 2, "claims": []any{"k3w8m2qhx5t7bz0dgj4n6rva1s", "p9f1c6ty4ke8wd2vz7hbm3xgn5"}},
	}, "QN/justice"), list)
	held := a.check(with(disposal, inCase(opened.Case)))
	a.says(held, "hold", "ASY-05", "VIC-03")
	proposed := false
	for _, p := range held.Recipients[0].Proposals {
		proposed = proposed || strings.Contains(p, "claim ids")
	}
	if !proposed {
		t.Errorf("a count and claim ids are not proposed: %v", held.Recipients[0].Proposals)
	}
}

// S03: a live alert leaves at once; what was said about asylum does not reach the State of nationality, and another State only
// by a decision of two.
func TestS03Border(t *testing.T) {
	s := start(t)
	a := s.at(t, "QM/border")
	sent := a.delivers(with(letter("border.alert/1", "10(1)", object{
		"kind": "vehicle", "crossing_point": "QNABC", "vehicle": object{"type": "van", "plate": "TEST-123"}, "possible_victims": 1, "child_possible": true,
		"handling": "safeguard-victim", "expires_at": time.Now().UTC().Truncate(time.Second).Add(6 * time.Hour).Format(time.RFC3339),
	}, "QN/border"), object{"urgency": "immediate", "urgency_reason": "live-alert"}))
	s.at(t, "QN/border").delivers(with(letter("border.alert-response/1", "10(1)", object{"outcome": "intercepted", "at": now()}, "QM/border"), with(inCase(sent.Case), object{"urgency": "immediate", "urgency_reason": "live-alert"})))

	b := s.at(t, "QN/justice")
	told := with(letter("mla.spontaneous-information/1", "18(4)", object{"content": "The girl asked for asylum.", "restrictions": object{"keep_confidential": "always"}}, "QM/justice", "QO/justice"),
		person("p1", "victim", object{"names": []any{"TESTPERSON CHARLIE-03"}, "nationalities": []any{"QO"}}))
	for _, r := range b.stops(told) {
		if r.Message.To == "QO/justice" {
			b.by(r, "block", "ASY-01")
		} else {
			b.by(r, "hold", "ASY-07")
		}
	}
	// With the label, and with a note of why QM needs it, two officers let it go to QM; there it sticks to the person.
	labelled := with(told, object{"to": []any{"QM/justice"}, "onward": "none", "protect_from": []any{"QO"}, "home": object{"persons": object{"p1": object{"name_by_choice": true, "necessity": "QM interviews her."}}}})
	r := b.stops(labelled)[0]
	b.by(r, "hold", "ASY-07")
	m := b.releases(r, "QM interviews her as a witness and must protect her.")
	b.arrives(m)
	c := s.at(t, "QM/justice")
	onward := with(letter("mla.spontaneous-information/1", "18(4)", object{"content": "She was seen near the border.", "restrictions": object{"keep_confidential": "always"}}, "QO/justice"),
		person("p1", "victim", object{"names": []any{"TESTPERSON CHARLIE-03"}, "nationalities": []any{"QO"}}))
	c.says(c.check(onward), "hold", "ASY-05")
}

// gate is a gate record that is complete.
func gate(change object) object {
	record := object{"voluntary": true, "informed_of_right_to_asylum": true, "risk_assessment": "low", "proceedings": "testimony-done"}
	maps.Copy(record, change)
	return object{"home": object{"gate": record}}
}

// nationality is a request with the minimal set.
func nationality(name, number, birth string, to ...string) object {
	return with(letter("repatriation.nationality-request/1", "8(3)", object{
		"person": "p1", "asked": []any{"nationality"}, "birth_place": "Old Harbour", "languages": []any{"fr"}, "evidence_class": "proof",
		"special_circumstances": []any{"none"}, "contact_address": "c/o competent authority",
	}, to...), person("p1", "victim", object{
		"names": []any{name}, "birth_date": birth, "sex": "female", "nationalities": []any{to[0][:2]},
		"documents": []any{object{"kind": "passport", "number": number, "issuer": "QP"}},
	}))
}

// S04: a return that may be.
func TestS04Return(t *testing.T) {
	s := start(t)
	a, b := s.at(t, "QM/justice"), s.at(t, "QP/justice")
	request := with(nationality("TESTPERSON DELTA-04", "P4000004", "2002-05-06", "QP/justice"), gate(nil))
	a.says(a.check(nationality("TESTPERSON DELTA-04", "P4000004", "2002-05-06", "QP/justice")), "hold", "GATE-01")
	opened := a.delivers(request)
	b.delivers(with(letter("repatriation.nationality-result/1", "8(3)", object{"outcome": "national-confirmed"}, "QM/justice"), inCase(opened.Case)))
	asked := a.delivers(with(with(letter("repatriation.travel-document-request/1", "8(4)", object{"person": "p1", "kind": "travel-certificate"}, "QP/justice"), person("p1", "victim", nil)), inCase(opened.Case)))
	b.delivers(with(letter("repatriation.travel-document-issued/1", "8(4)", object{"kind": "travel-certificate", "valid_from": "2026-12-01", "valid_to": "2027-03-01"}, "QM/justice"),
		object{"case": string(opened.Case), "in_reply_to": string(asked.ID)}))
	plan := with(with(letter("repatriation.return-plan/1", "8(2)", object{
		"person": "p1", "date": "2026-12-15", "reception_body": "non-governmental-organisation", "escort": "none", "confidential_handover": true,
	}, "QP/justice"), person("p1", "victim", nil)), inCase(opened.Case))
	// S04b: while the proceedings need her the return waits, and only at home.
	held := a.stops(with(plan, gate(object{"proceedings": "victim-required"})))[0]
	a.by(held, "hold", "GATE-01")
	if _, err := a.as(sandbox.Protection1).Return(t.Context(), held.Message.ID); err != nil {
		t.Fatal(err)
	}
	a.delivers(with(plan, gate(nil)))
}

// S05: a clerk who does not know asks the State that she fled.
func TestS05Blocked(t *testing.T) {
	s := start(t)
	a := s.at(t, "QM/justice")
	a.registers(`{"ref":"s05","names":["TESTPERSON ECHO-05"],"birth_date":"1997-08-09","nationalities":["QP"],"documents":[{"kind":"passport","number":"P5000005","issuer":"QP"}],"status":"pending"}`)
	request := with(nationality("TESTPERSON ECHO-05", "P5000005", "1997-08-09", "QP/justice"), gate(nil))
	a.by(a.stops(request)[0], "block", "ASY-02")

	for _, r := range a.stops(with(nationality("TESTPERSON ECHO-05", "P5000005", "1997-08-09", "QP/justice", "QR/justice", "QS/justice"), gate(nil))) {
		a.by(r, "block", "ASY-02")
	}
	// Known by name and birth date alone, it is a likeness, and a likeness holds.
	unsure := with(nationality("TESTPERSON ECHO-05", "P9999999", "1997-08-09", "QP/justice"), gate(nil))
	a.by(a.stops(unsure)[0], "hold", "ASY-02")

	// S05d: her status is none, and an officer noted that she fears to return.
	noted := with(nationality("TESTPERSON ECHO-07", "P5000007", "1998-08-09", "QP/justice"), gate(object{"notes": "She says she fears to be killed at home."}))
	r := a.stops(noted)[0]
	a.by(r, "hold", "ASY-04")
	alerts, err := a.as(sandbox.Protection1).ProtectionAlerts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	referred := false
	for _, alert := range alerts {
		referred = referred || alert.Kind == "referral" && alert.Subject == string(r.Message.ID)
	}
	if !referred {
		t.Error("nobody is asked to refer her to the asylum procedure")
	}
}

// S05c: the register is out of reach. In a State of its own, since every story of that State holds then.
func TestS05cRegisterOutOfReach(t *testing.T) {
	s := start(t)
	a := s.at(t, "QS/justice")
	path := registerOf(t, s, "QS/justice")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Rename(path+".away", path) })
	request := with(nationality("TESTPERSON ECHO-06", "P5000006", "1997-08-09", "QP/justice"), gate(nil))
	a.by(a.stops(request)[0], "hold", "ASY-03")
}

// S06: finally rejected, and the minimal set alone goes, by a decision of two.
func TestS06FinallyRejected(t *testing.T) {
	s := start(t)
	a := s.at(t, "QN/justice")
	record := func(status string) string {
		return `{"ref":"s06","names":["TESTPERSON FOXTROT-06"],"birth_date":"1990-10-11","nationalities":["QP"],"documents":[{"kind":"passport","number":"P6000006","issuer":"QP"}],"status":"` + status + `","informed_of_sharing":true}`
	}
	a.registers(record("rejected-final"))
	clean := with(nationality("TESTPERSON FOXTROT-06", "P6000006", "1990-10-11", "QP/justice"), gate(nil))

	first := with(clean, object{"body": with(clean["body"].(object), object{
		"last_address": object{"place": "Reception Centre North"}, "observations": "protection refused 2 March",
	})})
	check := a.check(first)
	a.says(check, "block", "ASY-01", "ASY-06")
	if len(check.Errors) == 0 {
		t.Error("that it breaks its schema as well is not reported")
	}
	eurodac := with(clean, object{"body": with(clean["body"].(object), object{"fingerprints": object{"provenance": "eurodac", "files": []any{}}})})
	a.says(a.check(eurodac), "block")

	r := a.stops(clean)[0]
	a.by(r, "hold", "ASY-02")
	m := a.releases(r, "")
	hasNoWord(t, a.arrives(m), "asylum", "protection", "reception", "refused")

	a.registers(record("rejected-appealable"))
	a.says(a.check(clean), "block", "ASY-02")
}
