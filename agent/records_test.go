package agent

import (
	"testing"

	"comity/agent/console"
	"comity/schemas"
)

// What the console lists and counts is what there is.
func TestRecordsOfTheConsole(t *testing.T) {
	w := newWorld(t)
	m, n := w.desks[qm], w.desks[qn]
	sent := m.send(draft(t, qn, "request", "", ""))
	if _, err := m.Draft(t.Context(), "officer-1", draft(t, qn, "request", "", "")); err != nil {
		t.Fatal(err)
	}
	w.carry(t)

	for _, c := range []struct {
		desk *desk
		want console.Overview
	}{{m, console.Overview{InReview: 1, Due: 2, Overdue: 1}}, {n, console.Overview{New: 1, Urgent: 1, Due: 4}}} {
		o, err := c.desk.Overview(t.Context(), "officer-1")
		if err != nil {
			t.Fatal(err)
		}
		if o.InReview != c.want.InReview || o.New != c.want.New || o.Urgent != c.want.Urgent || o.Due != c.want.Due || o.Overdue != c.want.Overdue {
			t.Errorf("%s: %+v", c.desk.me, o)
		}
		if len(o.Stages) != 1 || o.Stages[0].N != 1 || o.Ages[0] != 1 || len(o.Months) != 1 || len(o.Times) != 3 || len(o.Tasks) != c.want.Due {
			t.Errorf("%s: %+v", c.desk.me, o)
		}
	}
	for query, want := range map[console.CaseQuery]int{
		{}: 1, {Open: "open"}: 1, {Open: "closed"}: 0, {Due: "mine"}: 1, {Due: "overdue"}: 0, {Channel: schemas.ChannelMLA}: 1, {Channel: schemas.ChannelJIT}: 0,
		{Text: string(sent.Case)[:6]}: 1, {Text: "qm/just"}: 1, {Text: "%"}: 0, {State: "sent"}: 1, {Peer: qp}: 0, {Sort: "due"}: 1, {Sort: "opened", Page: 2}: 1,
	} {
		page, err := n.FindCases(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != want || query.Page == 2 && len(page.Rows) != 0 || query.Page == 0 && len(page.Rows) != want {
			t.Errorf("%+v: %d of %d", query, len(page.Rows), page.Total)
		}
	}
}

// An unfinished form is its author's alone.
func TestUnfinishedFormsAreTheirAuthors(t *testing.T) {
	d := newWorld(t).desks[qm]
	form := console.Unfinished{ID: string(schemas.NewMessageID()), Type: "mla.request/1", Form: []byte(`{"x":1}`)}
	if err := d.KeepUnfinished(t.Context(), "officer-1", form); err != nil {
		t.Fatal(err)
	}
	other := form
	other.Form = []byte(`{}`)
	if err := d.KeepUnfinished(t.Context(), "officer-2", other); err != nil {
		t.Fatal(err)
	}
	if err := d.DropUnfinished(t.Context(), "officer-2", form.ID); err != nil {
		t.Fatal(err)
	}
	for person, want := range map[string]int{"officer-1": 1, "officer-2": 0} {
		kept, err := d.Unfinished(t.Context(), person)
		if err != nil || len(kept) != want || want == 1 && string(kept[0].Form) != `{"x":1}` {
			t.Errorf("%s: %v %+v", person, err, kept)
		}
	}
	for range maxUnfinished - 1 {
		form.ID = string(schemas.NewMessageID())
		if err := d.KeepUnfinished(t.Context(), "officer-1", form); err != nil {
			t.Fatal(err)
		}
	}
	form.ID = string(schemas.NewMessageID())
	if err := d.KeepUnfinished(t.Context(), "officer-1", form); err == nil {
		t.Error("one form more than the bound was kept")
	}
}
