package deadline

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"comity/pki"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

const (
	qm = schemas.AuthorityID("QM/justice") // in New York's zone
	qn = schemas.AuthorityID("QN/justice") // in Berlin's
)

func directory(id schemas.AuthorityID) (*pki.Authority, error) {
	zone := map[schemas.AuthorityID]string{qm: "America/New_York", qn: "Europe/Berlin"}[id]
	if zone == "" {
		return nil, errors.New("unknown authority")
	}
	a := row(zone, "2026-12-25", "2027-01-01")
	a.ID = id
	return a, nil
}

// file writes the messages of a case; each is stored a minute after it was sent.
type file struct {
	t        *testing.T
	channel  schemas.Channel
	messages []Message
	sent     map[schemas.AuthorityID]uint64
}

func open(t *testing.T, ch schemas.Channel) *file {
	return &file{t: t, channel: ch, sent: map[schemas.AuthorityID]uint64{}}
}

// says adds a message, which its writer sent having seen everything before; change can add to it.
func (f *file) says(from schemas.AuthorityID, when, name, outcome string, change ...func(*Message)) *file {
	f.t.Helper()
	to := qm
	if from == qm {
		to = qn
	}
	f.sent[from]++
	sent := at(f.t, when)
	m := Message{
		Event: lifecycle.Event{
			ID: schemas.MessageID(fmt.Sprintf("m%d", len(f.messages)+1)), From: from, To: to, Seq: f.sent[from], Seen: f.sent[to],
			Type: schemas.MessageType(string(f.channel) + "." + name + "/1"), Outcome: outcome, Continues: len(f.messages) > 0, SentAt: sent,
		},
		StoredAt: sent.Add(time.Minute), Urgency: schemas.Routine,
	}
	for _, c := range change {
		c(&m)
	}
	f.messages = append(f.messages, m)
	return f
}

func replyTo(id schemas.MessageID) func(*Message) { return func(m *Message) { m.InReplyTo = id } }
func urgency(u schemas.Urgency) func(*Message)    { return func(m *Message) { m.Urgency = u } }
func body(text string) func(*Message)             { return func(m *Message) { m.Body = []byte(text) } }
func unreceipted(m *Message)                      { m.StoredAt = time.Time{} }

func (f *file) due() (lifecycle.Case, []Deadline) {
	f.t.Helper()
	var events []lifecycle.Event
	for _, m := range f.messages {
		events = append(events, m.Event)
	}
	c, err := lifecycle.Derive(f.channel, events)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, m := range f.messages {
		if !c.Effects[m.ref()] {
			f.t.Fatalf("%s %s has no effect in state %s", m.ID, m.Type, c.State)
		}
	}
	found, err := Defaults().Due(c, f.messages, directory)
	if err != nil {
		f.t.Fatal(err)
	}
	return c, found
}

// line writes a deadline down for comparison.
func line(d Deadline) string {
	s := fmt.Sprintf("%s %s of %s", d.Who, d.Kind, d.Of.ID)
	if d.Paused {
		return s + " paused"
	}
	s += " " + d.DueAt.Format("2006-01-02T15:04Z")
	if !d.Met.IsZero() {
		s += " met by " + string(d.MetBy.ID)
	}
	return s
}

func lines(found []Deadline) (all []string) {
	for _, d := range found {
		all = append(all, line(d))
	}
	slices.Sort(all)
	return all
}

// The timers at every turn of a case, each counted in the days of whoever performs.
func TestDue(t *testing.T) {
	mla := func() *file {
		return open(t, schemas.ChannelMLA).says(qm, "2026-11-23T22:30:00Z", "request", "")
	}
	acknowledged := func() *file {
		return mla().says(qn, "2026-11-25T10:00:00Z", "acknowledgement", "")
	}
	for _, test := range []struct {
		name string
		file *file
		want []string
	}{
		{"a request", mla(), []string{ // 22:31Z is still the 23rd in Berlin
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z", "QN/justice decision of m1 2026-12-23T23:00Z", "QN/justice status-report of m1 2026-12-23T23:00Z",
		}},
		{"stored after midnight there", open(t, schemas.ChannelMLA).says(qm, "2026-11-23T22:59:00Z", "request", ""), []string{
			"QN/justice acknowledgement of m1 2026-12-01T23:00Z", "QN/justice decision of m1 2026-12-24T23:00Z", "QN/justice status-report of m1 2026-12-24T23:00Z",
		}},
		{"an urgent request", open(t, schemas.ChannelMLA).says(qm, "2026-11-27T22:29:00Z", "request", "", urgency(schemas.Urgent)), []string{
			"QN/justice acknowledgement of m1 2026-11-28T22:30Z", "QN/justice decision of m1 2026-12-28T23:00Z", "QN/justice status-report of m1 2026-12-28T23:00Z",
		}},
		{"no receipt yet", open(t, schemas.ChannelMLA).says(qm, "2026-11-23T22:30:00Z", "request", "", unreceipted), nil},
		{"acknowledged", acknowledged(), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2", "QN/justice decision of m1 2026-12-23T23:00Z", "QN/justice status-report of m2 2026-12-28T23:00Z",
		}},
		{"accepted", acknowledged().says(qn, "2026-12-01T10:00:00Z", "decision", "accepted"), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2", "QN/justice decision of m1 2026-12-23T23:00Z met by m3",
			"QN/justice execution of m3 2027-03-01T23:00Z", "QN/justice status-report of m3 2026-12-31T23:00Z",
		}},
		{"terms accepted", acknowledged().says(qn, "2026-12-01T10:00:00Z", "consultation", "").says(qm, "2026-12-04T10:00:00Z", "consultation-reply", "accept", replyTo("m3")), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2", "QN/justice execution of m4 2027-03-04T23:00Z", "QN/justice status-report of m4 2027-01-04T23:00Z",
		}},
		{"waiting for a supplement", acknowledged().says(qn, "2026-12-01T10:00:00Z", "supplement-request", ""), []string{
			"QM/justice supplement of m3 2027-01-01T05:00Z", "QM/justice supplement-parked of m3 2027-02-02T05:00Z",
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2", "QN/justice decision of m1 paused",
		}},
		{"the supplement came", acknowledged().says(qn, "2026-12-01T10:00:00Z", "supplement-request", "").says(qm, "2026-12-06T09:59:00Z", "supplement", "", replyTo("m3")), []string{
			"QM/justice supplement of m3 2027-01-01T05:00Z met by m4", "QM/justice supplement-parked of m3 2027-02-02T05:00Z met by m4",
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2", "QN/justice decision of m1 2026-12-28T23:00Z", "QN/justice status-report of m4 2027-01-05T23:00Z",
		}},
		{"asked for news", acknowledged().says(qm, "2026-12-01T10:00:00Z", "status-query", "").says(qm, "2026-12-02T10:00:00Z", "status-query", "").
			says(qn, "2026-12-03T10:00:00Z", "status-report", "registered", replyTo("m4")), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2", "QN/justice decision of m1 2026-12-23T23:00Z",
			"QN/justice status-reply of m3 2026-12-11T23:00Z", "QN/justice status-reply of m4 2026-12-14T23:00Z met by m5", "QN/justice status-report of m5 2027-01-04T23:00Z",
		}},
		{"withdrawn: nothing is owed any longer", acknowledged().says(qm, "2026-12-01T10:00:00Z", "withdrawal", "whole"), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2",
		}},
		{"a day that the request reasons for", open(t, schemas.ChannelMLA).says(qm, "2026-11-23T10:00:00Z", "request", "", func(m *Message) { m.Due = "2026-12-12" }), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z", "QN/justice decision of m1 2026-12-23T23:00Z",
			"QN/justice stated-due of m1 2026-12-12T23:00Z", "QN/justice status-report of m1 2026-12-23T23:00Z",
		}},
		{"postponed", acknowledged().says(qn, "2026-12-01T10:00:00Z", "consultation", "").says(qm, "2026-12-01T12:00:00Z", "consultation-reply", "reject", replyTo("m3")).
			says(qn, "2026-12-02T10:00:00Z", "decision", "postponed", body(`{"outcome":"postponed","review_at":"2027-03-28"}`)), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m2", "QN/justice decision of m1 2026-12-24T23:00Z met by m5", // two hours of waiting end after midnight
			"QN/justice review of m5 2027-03-28T22:00Z", "QN/justice status-report of m5 2027-01-04T23:00Z",
		}},
		{"safe conduct and an oral request", open(t, schemas.ChannelMLA).
			says(qm, "2026-11-23T10:00:00Z", "request", "", body(`{"safe_conduct":{"person":"p1","days":15},"oral_first":{"when":"2026-11-22T09:00:00Z","to":"desk"},"facts":"x"}`)).
			says(qm, "2026-12-01T02:00:00Z", "withdrawal", "whole"), []string{
			"QM/justice immunity-until of m1 2026-12-16T05:00Z", "QM/justice oral-confirmation of m1 2026-11-23T09:00Z met by m1",
		}},
		{"an urgent freeze", open(t, schemas.ChannelConfiscation).
			says(qm, "2026-11-27T10:00:00Z", "provisional-request", "", urgency(schemas.Urgent), body(`{"actions":["trace","freeze"]}`)), []string{
			"QN/justice acknowledgement of m1 2026-11-28T10:01Z", "QN/justice freeze-execution of m1 2026-12-01T10:01Z",
			"QN/justice freeze-recognition of m1 2026-11-29T10:01Z", "QN/justice status-report of m1 2026-12-28T23:00Z",
		}},
		{"frozen until", open(t, schemas.ChannelConfiscation).
			says(qm, "2026-11-27T10:00:00Z", "provisional-request", "", body(`{"actions":["freeze"]}`)).
			says(qn, "2026-11-30T10:00:00Z", "freeze-report", "frozen", body(`{"expires_at":"2027-02-01T11:00:00Z"}`)).
			says(qn, "2027-01-25T10:00:00Z", "freeze-report", "extended", body(`{"expires_at":"2027-04-01T11:00:00Z"}`)), []string{
			"QN/justice acknowledgement of m1 2026-12-04T23:00Z met by m2", "QN/justice decision of m1 2026-12-28T23:00Z met by m2",
			"QN/justice freeze-expiry of m3 2027-04-01T11:00Z",
		}},
		{"more is needed to tell the nationality", open(t, schemas.ChannelRepatriation).says(qm, "2026-11-27T10:00:00Z", "nationality-request", "").
			says(qn, "2026-12-01T10:00:00Z", "nationality-result", "needs-more").
			says(qm, "2026-12-03T09:59:00Z", "supplement", "", replyTo("m2")), []string{
			"QM/justice supplement of m2 2027-01-01T05:00Z met by m3", "QM/justice supplement-parked of m2 2027-02-02T05:00Z met by m3",
			"QN/justice acknowledgement of m1 2026-12-04T23:00Z met by m2", "QN/justice nationality-reply of m1 2026-12-14T23:00Z",
			"QN/justice status-report of m3 2027-01-04T23:00Z",
		}},
		{"a travel document", open(t, schemas.ChannelRepatriation).says(qm, "2026-12-14T10:00:00Z", "nationality-request", "").
			says(qn, "2026-12-15T10:00:00Z", "nationality-result", "national-confirmed").
			says(qm, "2026-12-22T10:00:00Z", "travel-document-request", ""), []string{
			"QN/justice acknowledgement of m1 2026-12-21T23:00Z met by m2", "QN/justice nationality-reply of m1 2026-12-29T23:00Z met by m2",
			"QN/justice status-report of m2 2027-01-14T23:00Z", "QN/justice travel-document of m3 2026-12-28T23:00Z",
		}},
		{"a transfer that the administering State asked for", open(t, schemas.ChannelTransfer).says(qm, "2026-11-23T10:00:00Z", "request", "administering-state").
			says(qm, "2026-11-24T10:00:00Z", "documents-administering", ""), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z", "QN/justice status-report of m1 2026-12-23T23:00Z", "QN/justice transfer-decision of m1 2027-02-22T23:00Z",
		}},
		{"a transfer that both agree on", open(t, schemas.ChannelTransfer).says(qm, "2026-11-23T10:00:00Z", "request", "administering-state").
			says(qm, "2026-11-24T10:00:00Z", "documents-administering", "").says(qn, "2026-11-24T11:00:00Z", "documents-sentencing", "").
			says(qn, "2026-12-01T10:00:00Z", "decision", "accepted"), []string{
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m3",
			"QN/justice transfer-decision of m1 2027-02-22T23:00Z met by m4", "QN/justice transfer-handover of m4 2026-12-31T23:00Z",
		}},
		{"handed over to the State that was asked", open(t, schemas.ChannelTransfer).says(qm, "2026-11-23T10:00:00Z", "request", "sentencing-state").
			says(qm, "2026-11-24T10:00:00Z", "documents-sentencing", "").says(qn, "2026-11-24T11:00:00Z", "documents-administering", "").
			says(qn, "2026-12-01T10:00:00Z", "decision", "accepted").says(qm, "2026-12-20T10:00:00Z", "handover", "done"), []string{
			"QM/justice transfer-handover of m4 2027-01-01T05:00Z met by m5",
			"QN/justice acknowledgement of m1 2026-11-30T23:00Z met by m3", "QN/justice transfer-decision of m1 2027-02-22T23:00Z met by m4",
		}},
		{"a document at the border", open(t, schemas.ChannelBorder).says(qm, "2026-11-28T10:00:00Z", "document-check-request", "", urgency(schemas.Immediate)), []string{
			"QN/justice acknowledgement of m1 2026-11-28T10:16Z", "QN/justice document-check of m1 2026-11-28T10:31Z",
		}},
		{"a document without a traveller", open(t, schemas.ChannelBorder).says(qm, "2026-11-28T10:00:00Z", "document-check-request", ""), []string{
			"QN/justice acknowledgement of m1 2026-11-28T10:16Z", "QN/justice document-check of m1 2026-12-03T23:00Z",
		}},
		{"an alert", open(t, schemas.ChannelBorder).says(qm, "2026-11-28T10:00:00Z", "alert", "2026-11-29T04:00:00Z", urgency(schemas.Immediate)), []string{
			"QN/justice acknowledgement of m1 2026-11-28T10:16Z", "QN/justice alert-expiry of m1 2026-11-29T04:00Z",
		}},
		{"an alert that asks for too long", open(t, schemas.ChannelBorder).says(qm, "2026-11-28T10:00:00Z", "alert", "2027-11-28T10:00:00Z"), []string{
			"QN/justice acknowledgement of m1 2026-11-28T10:16Z", "QN/justice alert-expiry of m1 2026-12-01T10:00Z",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, found := test.file.due()
			if got := lines(found); !slices.Equal(got, test.want) {
				t.Errorf("state %s\n got  %q\n want %q", c.State, got, test.want)
			}
		})
	}
}
