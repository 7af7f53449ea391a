package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/people"
	"comity/agent/store"
	"comity/schemas"
)

// office is a desk that serves its socket to real people with real credentials.
type office struct {
	*desk
	socket string
	staff  map[string]*people.Credential
}

func newOffice(t *testing.T) *office {
	t.Helper()
	w := newWorld(t)
	o := &office{desk: w.desks[qm], staff: map[string]*people.Credential{}}
	// Clients sign with the machine's clock, so the gate runs on it too.
	var staff []*people.Person
	for role := range map[people.Role]bool{
		people.CaseOfficer: true, people.Approver: true, people.Registrar: true, people.ProtectionOfficer: true,
		people.BorderDesk: true, people.LiaisonOfficer: true, people.JITLeader: true, people.Auditor: true, people.KeyOfficer: true,
	} {
		c, err := people.NewCredential(string(role), time.Now(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		o.staff[string(role)] = c
		staff = append(staff, &people.Person{Name: string(role), Roles: []people.Role{role}, Certificate: c.Certificate})
	}
	gate, err := people.NewGate(qm, staff, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	gate.Acting(o.acting)
	o.socket = shortSocket(t)
	listener, err := api.Listen(o.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- api.NewServer(o.Agent, gate, o.log).Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return o
}

// shortSocket is a path within the 108 bytes that the kernel gives a socket's name.
func shortSocket(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "agent.sock")
}

func (o *office) as(t *testing.T, role people.Role) *api.Client {
	t.Helper()
	c := api.Dial(o.socket, qm, o.staff[string(role)])
	t.Cleanup(c.Close)
	return c
}

// Every route against every role: what the table of grants does not allow is forbidden.
func TestRolesOnEveryRoute(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	made, err := o.as(t, people.CaseOfficer).Draft(ctx, draft(t, qn, "request", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	id := made[0].ID
	routes := []struct {
		act  people.Act
		call func(*api.Client) error
	}{
		{people.Draft, func(c *api.Client) error { _, err := c.Edit(ctx, id, draft(t, qn, "request", "", "")); return err }},
		{people.Approve, func(c *api.Client) error { _, err := c.Approve(ctx, id, "00"); return err }},
		{people.ReadList, func(c *api.Client) error { _, err := c.Messages(ctx, api.Query{}); return err }},
		{people.Assign, func(c *api.Client) error { _, err := c.Assign(ctx, api.Assigning{}); return err }},
		{people.Assign, func(c *api.Client) error { _, err := c.Officers(ctx); return err }},
		{people.Draft, func(c *api.Client) error { _, err := c.Acknowledge(ctx, api.Acknowledging{}); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.Return(ctx, id); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.Block(ctx, id); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.Release(ctx, id, api.Release{}); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.ClearWithheld(ctx, id); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.NotSamePerson(ctx, id, api.Distinction{}); return err }},
		{people.ReadReviews, func(c *api.Client) error { _, err := c.Reviews(ctx); return err }},
		{people.ReadReviews, func(c *api.Client) error { _, err := c.Review(ctx, string(id)); return err }},
		{people.ReadReviews, func(c *api.Client) error { _, err := c.ProtectionAlerts(ctx); return err }},
		{people.ReadReviews, func(c *api.Client) error { return c.EndProtectionAlert(ctx, "referral", string(id)) }},
		{people.ExportCase, func(c *api.Client) error {
			_, err := c.ExportCase(ctx, string(id), api.CaseRequest{Reader: "QN"}, func(api.CaseExport) (io.Writer, error) { return io.Discard, nil })
			return err
		}},
		{people.ReadReviews, func(c *api.Client) error { _, err := c.Handouts(ctx); return err }},
		{people.ReadReviews, func(c *api.Client) error { _, err := c.Handout(ctx, id); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.ReleaseHandout(ctx, id, api.HandoutRelease{}); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.ReturnHandout(ctx, id); return err }},
		{people.DecideReviews, func(c *api.Client) error { _, err := c.BlockHandout(ctx, id); return err }},
		{people.CheckPolicy, func(c *api.Client) error { _, err := c.CheckPolicy(ctx, draft(t, qn, "request", "", "")); return err }},
		{people.ReadDecisions, func(c *api.Client) error { _, err := c.Decisions(ctx, 1); return err }},
		{people.KeepRegister, func(c *api.Client) error { _, err := c.RegisterState(ctx); return err }},
		{people.KeepRegister, func(c *api.Client) error { _, err := c.ImportRegister(ctx, "jsonl", nil); return err }},
		{people.KeepRegister, func(c *api.Client) error { _, err := c.PutRegister(ctx, []byte("{}")); return err }},
	}
	for role := range o.staff {
		person := &people.Person{Roles: []people.Role{people.Role(role)}}
		for _, route := range routes {
			act, err := route.act, route.call(o.as(t, people.Role(role)))
			p, refused := errors.AsType[*api.Problem](err)
			forbidden := refused && p.Reason == api.ReasonForbidden
			if forbidden == person.May(act) {
				t.Errorf("%s, %s: %v", role, act, err)
			}
		}
		shown, err := o.as(t, people.Role(role)).Message(ctx, string(id))
		if err == nil && (len(shown.Payload) > 0) != person.May(people.ReadText) {
			t.Errorf("%s is shown %d bytes of content", role, len(shown.Payload))
		}
		if _, err := o.as(t, people.Role(role)).Health(ctx); err != nil {
			t.Errorf("%s asking for health: %v", role, err)
		}
	}
}

func TestTheSocketAdmitsOnlyWhoProvesIt(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	stranger, err := people.NewCredential("case-officer", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		client *api.Client
		reason string
	}{
		"nobody":               {api.Dial(o.socket, qm, nil), api.ReasonNoProof},
		"a stranger":           {api.Dial(o.socket, qm, stranger), string(people.ReasonUnknownPerson)},
		"for another agent":    {api.Dial(o.socket, qn, o.staff["case-officer"]), string(people.ReasonOtherCommand)},
		"an officer (control)": {api.Dial(o.socket, qm, o.staff["case-officer"]), ""},
	}
	for name, tt := range tests {
		_, err := tt.client.Messages(ctx, api.Query{})
		tt.client.Close()
		if tt.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		t.Run(name, func(t *testing.T) { wantProblem(t, err, tt.reason) })
	}
	info, err := os.Stat(o.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: mode %v, %v", info.Mode(), err)
	}
	if _, err := api.Listen(o.socket); err == nil {
		t.Error("a second agent took the socket of one that answers")
	}
}

func TestADeadSocketIsReplacedAndAFileIsNot(t *testing.T) {
	path := shortSocket(t)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	again, err := api.Listen(path)
	if err != nil {
		t.Fatalf("a socket left behind by kill -9: %v", err)
	}
	again.Close()
	os.Remove(path)
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Listen(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file was replaced: %v", err)
	}
}

func TestEventsTellWhatChanges(t *testing.T) {
	o := newOffice(t)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	seen, ready := make(chan api.Event, 10), make(chan struct{})
	go o.as(t, people.CaseOfficer).Events(ctx, func() { close(ready) }, func(e api.Event) error { seen <- e; return nil })
	<-ready
	made, err := o.as(t, people.CaseOfficer).Draft(ctx, draft(t, qn, "request", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.as(t, people.Approver).Approve(ctx, made[0].ID, made[0].SHA256); err != nil {
		t.Fatal(err)
	}
	for _, want := range []store.State{store.InReview, store.Approved} {
		if got := <-seen; got.Message != made[0].ID || got.State != string(want) {
			t.Errorf("event %+v, want %s", got, want)
		}
	}
}

func TestTheApproversOwnSignatureIsKept(t *testing.T) {
	o := newOffice(t)
	made, err := o.as(t, people.CaseOfficer).Draft(t.Context(), draft(t, qn, "request", "", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.as(t, people.Approver).Approve(t.Context(), made[0].ID, made[0].SHA256); err != nil {
		t.Fatal(err)
	}
	proof := o.message(qm, made[0].ID).Approval
	body, err := schemas.Canonical(api.Approval{SHA256: made[0].SHA256})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := people.NewGate(qm, []*people.Person{{
		Name: "approver", Roles: []people.Role{people.Approver}, Certificate: o.staff["approver"].Certificate,
	}}, func() time.Time { return time.Now().Add(-5 * time.Second) })
	if err != nil {
		t.Fatal(err)
	}
	person, err := fresh.Admit(proof, http.MethodPost, "/v1/messages/"+string(made[0].ID)+"/approval", body)
	if err != nil || person.Name != "approver" {
		t.Errorf("the kept proof does not verify: %v, %v", person, err)
	}
}

func TestARequestTooLargeIsRefusedClearly(t *testing.T) {
	o := newOffice(t)
	_, err := o.as(t, people.CaseOfficer).Draft(t.Context(), make([]byte, 3<<20))
	wantProblem(t, err, api.ReasonTooLarge)
}
