package register

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"comity/schemas"
)

func document(number string, issuer schemas.StateCode) schemas.Identity {
	return schemas.Identity{Documents: []schemas.IdentityDocument{{Kind: "passport", Number: number, Issuer: issuer}}}
}

func born(id schemas.Identity, date schemas.Date) schemas.Identity {
	id.BirthDate = date
	return id
}

// TestLookPersons: who is the person of the entry, and who is not.
func TestLookPersons(t *testing.T) {
	r, _, _ := newRegister(t)
	feed(t, r, `{"ref":"r1","status":"pending","names":["TESTPERSON ECHO-05"],"former_names":["TESTPERSON ECHO-00"],"birth_date":"2000-02-13","nationalities":["QP"],`+
		`"documents":[{"kind":"passport","number":"X 0000-055","issuer":"QP"}],"feared_states":["QS"]}
{"ref":"r2","status":"none","names":["TESTPERSON DELTA-04"],"birth_date":"2001-02-03"}
{"ref":"r3","status":"granted","names":["Abdul Rahman Testpersonzai"],"birth_date":"1990-01-01"}
`)
	const nobody, none = Status("nobody"), None
	tests := []struct {
		name    string
		who     schemas.Identity
		want    Status
		certain bool
	}{
		{"passport", document("x0000055", "QP"), Pending, true},
		{"passport as it was registered", document("X 0000-055", "QP"), Pending, true},
		{"passport without an issuer", document("X0000055", ""), Pending, true},
		{"the number of another State's passport", document("X0000055", "QR"), Pending, false},
		{"a number that looks like it", document("XOOOOO55", "QP"), Pending, false},
		{"another number", document("X0000056", "QP"), nobody, false},
		{"passport and another name", schemas.Identity{Names: []string{"TESTPERSON ZULU-26"}, Documents: document("X0000055", "QP").Documents}, Pending, true},

		{"name", named("TESTPERSON ECHO-05"), Pending, false},
		{"name in another order and case", named("echo-05 Testperson"), Pending, false},
		{"name with another dash", named("TESTPERSON ECHO 5"), Pending, false},
		{"name in another script", named("ТЕСТПЕРСОН ЭХО-05"), Pending, false},
		{"full-width", named("ＴＥＳＴＰＥＲＳＯＮ　ＥＣＨＯ－０５"), Pending, false},
		{"former name", named("TESTPERSON ECHO-00"), Pending, false},
		{"one of two names", named("TESTPERSON ZULU-26", "TESTPERSON ECHO-05"), Pending, false},
		{"another number", named("TESTPERSON ECHO-06"), nobody, false},
		{"another name", named("TESTPERSON FOXTROT-06"), nobody, false},
		{"half a name", named("TESTPERSON"), nobody, false},

		{"name and date", born(named("TESTPERSON ECHO-05"), "2000-02-13"), Pending, false},
		{"a year off", born(named("TESTPERSON ECHO-05"), "2001-02-13"), Pending, false},
		{"a digit wrong", born(named("TESTPERSON ECHO-05"), "2000-02-18"), Pending, false},
		{"day and month exchanged", born(named("TESTPERSON DELTA-04"), "2001-03-02"), none, false},
		{"1 January for the year", born(named("TESTPERSON ECHO-05"), "2000-01-01"), Pending, false},
		{"another name born that day", born(named("TESTPERSON FOXTROT-06"), "2000-02-13"), nobody, false},
		{"not protected, and known", named("TESTPERSON DELTA-04"), none, false},

		{"words joined", named("Abdulrahman Testpersonzai"), Granted, false},
		{"with an article", named("ABD AL-RAHMAN TESTPERSONZAI"), Granted, false},
		{"in Arabic letters", named("عبد الرحمن تستبرسونزي"), Granted, false},
		{"born in that year", born(named("Abdurrahman Testpersonzay"), "1990-07-21"), Granted, false},
		{"a machine-readable line for a number", document("X0000055<4QPN0002134F3001019<<<<<<<<<<<<<<04", "QP"), Pending, true},
		{"a list for a name", named("ALPHA BRAVO CHARLIE DELTA FOXTROT GOLF HOTEL INDIA JULIETT KILO LIMA MIKE TESTPERSON ECHO-05"), Pending, false},
		{"nothing", schemas.Identity{}, nobody, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ask(t, r, test.who)
			switch {
			case test.want == nobody && len(got) > 0:
				t.Fatalf("found %+v", got)
			case test.want != nobody && (len(got) != 1 || got[0].Status != test.want || got[0].Certain != test.certain || got[0].Inherited):
				t.Fatalf("found %+v, want %s, certain %v", got, test.want, test.certain)
			}
		})
	}
}

// TestMatchFacts: everything that a rule asks of an entry.
func TestMatchFacts(t *testing.T) {
	r, c, _ := newRegister(t)
	feed(t, r, strings.Replace(whole, `,"cleared":["r2"]`, "", 1))
	got := ask(t, r, named("TESTPERSON ECHO-05"))
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	m := got[0]
	if !slices.Equal(m.Origins, []schemas.StateCode{"QP", "QR", "QS", "QT"}) || !slices.Equal(m.Feared, []schemas.StateCode{"QT"}) ||
		!m.Witness || !m.SuspensiveRemedy || !m.Informed || !m.Withdrawal || m.Status != Pending || m.Entry == "" {
		t.Fatalf("%+v", m)
	}
	if len(m.Consents) != 1 || m.Consents[0].Recipient != "QP/justice" || !slices.Equal(m.Consents[0].Items, []string{"names", "birth_date"}) {
		t.Fatalf("%+v", m.Consents)
	}
	for _, step := range []struct {
		name string
		at   time.Time
		want int
	}{
		{"on its last day", time.Date(2026, 12, 1, 23, 59, 59, 0, time.UTC), 1},
		{"after it", time.Date(2026, 12, 2, 0, 0, 0, 0, time.UTC), 0},
		{"before it was given", time.Date(2026, 10, 19, 23, 0, 0, 0, time.UTC), 0},
	} {
		c.at = step.at
		if got := ask(t, r, named("TESTPERSON ECHO-05")); len(got[0].Consents) != step.want {
			t.Errorf("%s: %+v", step.name, got[0].Consents)
		}
	}
	c.at = time.Date(2030, 1, 2, 0, 0, 0, 0, time.UTC)
	if got := ask(t, r, named("TESTPERSON ECHO-05")); len(got) != 0 {
		t.Errorf("after the entry's end: %+v", got)
	}
	c.at = noon
	feed(t, r, strings.Replace(whole, `"revocable":true`, `"revocable":true,"revoked_on":"2026-11-30"`, 1))
	if got := ask(t, r, named("TESTPERSON ECHO-05")); len(got[0].Consents) != 0 {
		t.Errorf("revoked: %+v", got[0].Consents)
	}
	for _, w := range []string{`"explicit":false,"counselled":true`, `"explicit":true,"counselled":false`} {
		feed(t, r, strings.Replace(whole, `"explicit":true,"counselled":true`, w, 1))
		if got := ask(t, r, named("TESTPERSON ECHO-05")); got[0].Withdrawal {
			t.Errorf("withdrawal with %s counts", w)
		}
	}
}

// TestOrigins: the State of birth counts where no nationality is known, and feared States always.
func TestOrigins(t *testing.T) {
	r, _, _ := newRegister(t)
	feed(t, r, row("alpha-01", `,"birth_state":"QP"`)+row("bravo-02", `,"birth_state":"QP","nationalities":["QR"],"feared_states":["QS"]`)+row("charlie-03", ""))
	for name, want := range map[string][]schemas.StateCode{"ALPHA-01": {"QP"}, "BRAVO-02": {"QR", "QS"}, "CHARLIE-03": nil} {
		if got := ask(t, r, named("TESTPERSON "+name)); len(got) != 1 || !slices.Equal(got[0].Origins, want) {
			t.Errorf("%s: %+v, want %v", name, got, want)
		}
	}
}

func TestLookTexts(t *testing.T) {
	r, _, _ := newRegister(t)
	feed(t, r, `{"ref":"r1","status":"pending","names":["TESTPERSON ECHO-05"],"birth_date":"2000-02-13","documents":[{"kind":"passport","number":"X0000055","issuer":"QP"}]}
{"ref":"r2","status":"granted","names":["Abdul Rahman Testpersonzai"],"birth_date":"1990-03-04"}
{"ref":"r3","status":"granted","names":["測試人"]}
{"ref":"r4","status":"granted","names":["Mohammed Ali"],"birth_date":"1985-06-17"}
{"ref":"r6","status":"withdrawn","names":["Karim Bentestperson"]}
{"ref":"r5","status":"granted","names":["Maria Testpersonova"],"documents":[{"kind":"id","number":"4711","issuer":"QR"}]}
`)
	tests := []struct {
		name, text string
		want       []Status
		certain    bool
	}{
		{"a name", "The flat belongs to TESTPERSON ECHO-05, who left in May.", []Status{Pending}, false},
		{"in small letters", "the flat belongs to testperson echo-05, who left", []Status{Pending}, false},
		{"turned round", "belongs to Echo-05, Testperson (tenant)", []Status{Pending}, false},
		{"over a line break", "belongs to TESTPERSON\nECHO-05.", []Status{Pending}, false},
		{"in Cyrillic letters", "Квартира принадлежит Абдурахман Тестперсонзай.", []Status{Granted}, false},
		{"words joined", "seen with Abdulrahman Testpersonzai in town", []Status{Granted}, false},
		{"a word between", "seen with Abdul Rahman Sami Testpersonzai in town", []Status{Granted}, false},
		{"a particle apart", "the flat of Karim Ben Testperson in town", []Status{Withdrawn}, false},
		{"in Arabic letters", "شوهد مع عبد الرحمن تستبرسونزاي في المدينة", []Status{Granted}, false},
		{"in a Chinese sentence", "昨天測試人在城裡", []Status{Granted}, false},
		{"a passport number", "holder of passport X0000055", []Status{Pending}, true},
		{"a passport number with spaces", "No. X 0000 055.", []Status{Pending}, true},
		{"a machine-readable line", "X00000554QPN0002134F3001019<<<<<<<<<<<<<<<<", nil, false},
		{"a machine-readable line of 44", "X0000055<4QPN0002134F3001019<<<<<<<<<<<<<<04", []Status{Pending}, true},
		{"a number that looks like it", "passport XO000055", []Status{Pending}, false},
		{"a common name and its date of birth", "Mohammed Ali, born on 17 June 1985, is", []Status{Granted}, false},
		{"the same in French", "M. Mohamed Aly, né le 17 juin 1985 à", []Status{Granted}, false},
		{"the same in figures", "Ali Mohamad (17.06.1985)", []Status{Granted}, false},

		{"a common name alone", "Mohammed Ali was there.", nil, false},
		{"a common name and another date", "Mohammed Ali, born on 18 June 1985, is", nil, false},
		{"a date alone", "On 17 June 1985 the company was founded.", nil, false},
		{"half a name", "The witness Testperson said so.", nil, false},
		{"another person", "The flat belongs to TESTPERSON FOXTROT-06.", nil, false},
		{"two halves far apart", "Abdul Rahman said that the van was late and that nobody had seen where Testpersonzai went", nil, false},
		{"a short number", "flat 4711", nil, false},
		{"nothing", "", nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, err := r.Look(t.Context(), Question{Texts: []string{"", test.text}})
			if err != nil {
				t.Fatal(err)
			}
			var got []Status
			for _, m := range a.Named {
				got = append(got, m.Status)
				if m.Certain != test.certain || m.Text != 1 {
					t.Errorf("%+v, want certain %v, text 1", m, test.certain)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Fatalf("found %v, want %v", got, test.want)
			}
		})
	}
}

// TestLongText: a name is found wherever the text is cut into pieces.
func TestLongText(t *testing.T) {
	r, _, _ := newRegister(t)
	feed(t, r, row("echo-05", "")+`{"ref":"r3","status":"granted","names":["測試人"]}`)
	for _, name := range []string{"TESTPERSON ECHO-05", "測試人"} {
		for _, before := range []int{pieceBytes - 30, pieceBytes - 9, pieceBytes, 2 * pieceBytes} {
			text := strings.Repeat("lorem ipsum ", before/12) + name + strings.Repeat(" dolor sit", 300)
			a, err := r.Look(t.Context(), Question{Texts: []string{text}})
			if err != nil || len(a.Named) != 1 {
				t.Errorf("%s behind %d bytes: %+v, %v", name, before, a.Named, err)
			}
		}
	}
}

func TestLookBounds(t *testing.T) {
	r, _, _ := newRegister(t)
	for name, q := range map[string]Question{
		"persons":    {Persons: make([]schemas.Identity, MaxPersons+1)},
		"texts":      {Texts: make([]string, MaxTexts+1)},
		"bytes":      {Texts: []string{strings.Repeat("a", MaxTextBytes+1)}},
		"names":      {Persons: []schemas.Identity{named(make([]string, MaxNames+1)...)}},
		"documents":  {Persons: []schemas.Identity{{Documents: make([]schemas.IdentityDocument, MaxNames+1)}}},
		"name bytes": {Persons: []schemas.Identity{named(strings.Repeat("a ", MaxNameBytes))}},
	} {
		if _, err := r.Look(t.Context(), q); !errors.Is(err, ErrTooMuch) {
			t.Errorf("too many %s: %v", name, err)
		}
	}
	if a, err := r.Look(t.Context(), Question{Persons: make([]schemas.Identity, MaxPersons)}); err != nil || len(a.Persons) != MaxPersons {
		t.Errorf("as many as are allowed: %v", err)
	}
}

func TestLookContext(t *testing.T) {
	r, _, _ := newRegister(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Look(ctx, Question{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	r.writing <- struct{}{} // somebody writes, and the file has changed under the look-up
	r.snapshot.Store(nil)
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := r.Look(late, Question{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for a writer: %v", err)
	}
	r.writing.leave()
	if _, err := r.Look(t.Context(), Question{}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
