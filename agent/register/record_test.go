package register

import (
	"errors"
	"strings"
	"testing"
)

// whole is a record with everything in it, as a row of a feed.
const whole = `{"ref":"r1","status":"pending","names":["TESTPERSON ECHO-05"],"former_names":["TESTPERSON ECHO-00"],"birth_date":"2000-02-03",` +
	`"birth_state":"QP","sex":"female","nationalities":["QP"],"former_nationalities":["QR"],"habitual_residences":["QS"],` +
	`"documents":[{"kind":"passport","number":"X0000055","issuer":"QP"}],"feared_states":["QT"],"linked":["r2"],"cleared":["r2"],` +
	`"consent":[{"recipient":"QP/justice","items":["names","birth_date"],"purpose":"travel document","language_understood":"fr",` +
	`"interpreter":"not-needed","counsel_offered":true,"officer_witness":"officer-12","date":"2026-10-20","expiry":"2026-12-01","revocable":true}],` +
	`"suspensive_remedy":true,"informed_of_sharing":true,"withdrawal":{"explicit":true,"counselled":true,"recorded_on":"2026-10-01"},` +
	`"protected_witness":true,"updated":"2026-11-01T00:00:00Z","expires":"2030-01-01"}`

// TestRecordDefects: each row breaks one rule of the whole record above.
func TestRecordDefects(t *testing.T) {
	tests := []struct {
		name, from, to string
		member         string
		reason         Reason
	}{
		{"no ref", `"ref":"r1",`, ``, "/ref", MissingMember},
		{"no status", `"status":"pending",`, ``, "/status", MissingMember},
		{"a status of its own", `"pending"`, `"asked"`, "/status", UnknownStatus},
		{"a label from a feed", `"pending"`, `"labelled"`, "/status", UnknownStatus},
		{"a name in no script", `"TESTPERSON ECHO-05"`, `"?!"`, "/names/0", NameUnreadable},
		{"a long name", `TESTPERSON ECHO-05`, strings.Repeat("A", 501), "/names/0", TooLong},
		{"many names", `["TESTPERSON ECHO-05"]`, `["A"` + strings.Repeat(`,"A"`, 20) + `]`, "/names", TooMany},
		{"a date that is none", `"2000-02-03"`, `"3 February"`, "/birth_date", WrongForm},
		{"a State in small letters", `"nationalities":["QP"]`, `"nationalities":["qp"]`, "/nationalities/0", WrongForm},
		{"a birth State that is none", `"birth_state":"QP"`, `"birth_state":"Q"`, "/birth_state", WrongForm},
		{"a number without digits or letters", `"X0000055"`, `"--"`, "/documents/0/number", WrongForm},
		{"an issuer that is none", `"issuer":"QP"`, `"issuer":"QPP"`, "/documents/0/issuer", WrongForm},
		{"linked to itself", `"linked":["r2"]`, `"linked":["r1","r2"]`, "/linked/0", LinkedToItself},
		{"cleared, not linked", `"cleared":["r2"]`, `"cleared":["r3"]`, "/cleared/0", ClearedNotLinked},
		{"an end that is none", `"2030-01-01"`, `"never"`, "/expires", WrongForm},
		{"an update at no time", `"2026-11-01T00:00:00Z"`, `"yesterday"`, "/updated", WrongForm},
		{"a withdrawal on no day", `"recorded_on":"2026-10-01"`, `"recorded_on":"1 October"`, "/withdrawal/recorded_on", WrongForm},
		{"a member of its own", `"sex"`, `"gender"`, "/gender", UnknownMember},
		{"a member twice", `"ref":"r1"`, `"ref":"r1","ref":"r2"`, "/ref", DuplicateMember},
		{"a number for a text", `"ref":"r1"`, `"ref":1`, "/ref", WrongForm},
		{"not JSON", `{"ref"`, `{ref`, "", NotReadable},
		{"not UTF-8", `ECHO-05`, "\xff", "/names/0", NotReadable},
		{"a deletion with data", `"ref":"r1"`, `"ref":"r1","delete":true`, "/delete", DeleteWithData},

		{"consent to nobody", `"recipient":"QP/justice",`, ``, "/consent/0/recipient", ConsentIncomplete},
		{"consent to all", `"QP/justice"`, `"everybody"`, "/consent/0/recipient", WrongForm},
		{"consent to nothing", `"items":["names","birth_date"],`, ``, "/consent/0/items", ConsentIncomplete},
		{"consent to a status", `"items":["names"`, `"items":["status"`, "/consent/0/items/0", ConsentItemUnknown},
		{"consent for nothing", `"purpose":"travel document",`, ``, "/consent/0/purpose", ConsentIncomplete},
		{"consent in no language", `"language_understood":"fr",`, ``, "/consent/0/language_understood", ConsentIncomplete},
		{"consent without a word on interpreters", `"interpreter":"not-needed",`, ``, "/consent/0/interpreter", ConsentIncomplete},
		{"consent without counsel", `"counsel_offered":true`, `"counsel_offered":false`, "/consent/0/counsel_offered", ConsentIncomplete},
		{"consent before nobody", `"officer_witness":"officer-12",`, ``, "/consent/0/officer_witness", ConsentIncomplete},
		{"consent on no day", `"date":"2026-10-20",`, ``, "/consent/0/date", ConsentIncomplete},
		{"consent without end", `"expiry":"2026-12-01",`, ``, "/consent/0/expiry", ConsentIncomplete},
		{"consent for good", `"revocable":true`, `"revocable":false`, "/consent/0/revocable", ConsentIncomplete},
		{"consent for 91 days", `"2026-12-01"`, `"2027-01-19"`, "/consent/0/expiry", ConsentTooLong},
		{"consent that ended before", `"2026-12-01"`, `"2026-10-19"`, "/consent/0/expiry", ConsentTooLong},
		{"consent of a child by years", `"2000-02-03"`, `"2009-02-03"`, "/consent/0/best_interests", ConsentOfChild},
		{"consent of a child in doubt", `"ref":"r1"`, `"ref":"r1","child":true`, "/consent/0/best_interests", ConsentOfChild},
		{"consent of a child without guardian", `"revocable":true`, `"revocable":true,"best_interests":{"decided_by":"panel-1",` +
			`"decided_on":"2026-10-19","independent":true}`, "/consent/0/guardian", ConsentOfChild},
		{"consent of a child, decided by its own officer", `"revocable":true`, `"revocable":true,"guardian":"g-1","best_interests":` +
			`{"decided_by":"panel-1","decided_on":"2026-10-19","independent":false}`, "/consent/0/best_interests", ConsentOfChild},
	}
	if rec, err := decodeRecord([]byte(whole)); err != nil || rec.check() != nil {
		t.Fatalf("the whole record: %v, %v", err, rec.check())
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			row := strings.Replace(whole, test.from, test.to, 1)
			if strings.HasPrefix(test.name, "consent of a child") && !strings.Contains(test.name, "years") {
				row = strings.Replace(row, `"birth_date":"2000-02-03"`, `"birth_date":"2010"`, 1)
			}
			rec, err := decodeRecord([]byte(row))
			defect, _ := errors.AsType[*Defect](err)
			if err == nil {
				defect = rec.check()
			}
			if defect == nil || defect.Member != test.member || defect.Reason != test.reason {
				t.Fatalf("got %v, want %s at %s", defect, test.reason, test.member)
			}
		})
	}
}

// TestChildConsent: with a guardian and an independent decision a child's consent counts.
func TestChildConsent(t *testing.T) {
	row := strings.Replace(whole, `"2000-02-03"`, `"2010-02-03"`, 1)
	row = strings.Replace(row, `"revocable":true`, `"revocable":true,"guardian":"g-1","best_interests":{"decided_by":"panel-1",`+
		`"decided_on":"2026-10-19","independent":true}`, 1)
	rec, err := decodeRecord([]byte(row))
	if err != nil || rec.check() != nil {
		t.Fatalf("%v, %v", err, rec.check())
	}
}

// TestConsentAlone: one consent may stand without a list around it.
func TestConsentAlone(t *testing.T) {
	row := strings.NewReplacer(`"consent":[`, `"consent":`, `"revocable":true}]`, `"revocable":true}`).Replace(whole)
	if rec, err := decodeRecord([]byte(row)); err != nil || len(rec.Consents) != 1 || rec.check() != nil {
		t.Fatalf("%v, %+v", err, rec.Consents)
	}
}
