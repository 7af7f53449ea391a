package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"comity/agent/api"
	"comity/cmd/comity/clerk"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/schemas"
)

// applicant is somebody who has asked for asylum, as the asylum authority reports them. The officer who drafts does not know.
const applicant = `{"ref":"demo-1","names":["TESTPERSON ECHO-05"],"birth_date":"1997-08-09","nationalities":["QN"],
"documents":[{"kind":"passport","number":"QN5000005","issuer":"QN"}],"status":"pending"}`

const firewallFile = "repatriation-nationality-request.json"

// playFirewall shows what nobody sees: a clean question about an applicant to the State that she fled.
func playFirewall(ctx context.Context, s *sandbox.Sandbox, out io.Writer) error {
	fmt.Fprintln(out, "\nthe asylum firewall")
	t := &table{sandbox: s}
	defer t.close()
	bounded, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	err := t.askAboutApplicant(bounded, out)
	if err != nil {
		fmt.Fprintf(out, "FAILED  %v\n", err)
	}
	return err
}

// askAboutApplicant plays it:
//  1. the asylum authority's word reaches the protection register;
//  2. an officer who does not know drafts a clean request, a colleague approves it;
//  3. it is under review, which says nothing; a protection officer is told why;
//  4. the State of origin has nothing.
func (t *table) askAboutApplicant(ctx context.Context, out io.Writer) error {
	const from, to = schemas.AuthorityID("QM/justice"), schemas.AuthorityID("QN/justice")
	protection, err := t.seat(from, sandbox.Protection1)
	if err != nil {
		return err
	}
	if report, err := protection.PutRegister(ctx, []byte(applicant)); err != nil || len(report.Bad) > 0 {
		return errors.Join(errors.New("registering an applicant"), err)
	}
	m, err := t.draftAbout(ctx, from)
	if err != nil {
		return err
	}
	officer, err := t.seat(from, sandbox.Officer1)
	if err != nil {
		return err
	}
	if m, err = clerk.Await(ctx, officer, m.ID, "under-review"); err != nil {
		return err
	}
	fmt.Fprintf(out, "ok  %s (officer-1, approver) asks %s about an applicant: to them it is %s, and no more\n", from, to, m.State)
	review, err := protection.Review(ctx, string(m.ID))
	if err != nil {
		return err
	}
	if review.Outcome != "block" {
		return fmt.Errorf("the rules say %s by %v, and should block", review.Outcome, review.Rules)
	}
	fmt.Fprintf(out, "ok  a protection officer of %s is told: %s by %v\n", from, review.Outcome, review.Rules)
	peer, err := t.seat(to, sandbox.Officer1)
	if err != nil {
		return err
	}
	if _, err := peer.Message(ctx, string(m.ID)); err == nil {
		return fmt.Errorf("%s has the question", to)
	}
	fmt.Fprintf(out, "ok  %s has nothing, and no number is missing\n", to)
	return nil
}

// draftAbout drafts the sample request about the applicant, and has it approved.
func (t *table) draftAbout(ctx context.Context, from schemas.AuthorityID) (api.Message, error) {
	sample, err := samples.Draft(firewallFile, time.Now())
	if err != nil {
		return api.Message{}, err
	}
	var draft map[string]any
	if err := json.Unmarshal(sample, &draft); err != nil {
		return api.Message{}, fmt.Errorf("reading sample %s: %w", firewallFile, err)
	}
	var who struct {
		Names         []string         `json:"names"`
		BirthDate     string           `json:"birth_date"`
		Nationalities []string         `json:"nationalities"`
		Documents     []map[string]any `json:"documents"`
	}
	if err := json.Unmarshal([]byte(applicant), &who); err != nil {
		return api.Message{}, fmt.Errorf("reading the applicant: %w", err)
	}
	draft["subjects"] = []any{map[string]any{"ref": "p1", "role": "victim", "identity": who}}
	encoded, err := json.Marshal(draft)
	if err != nil {
		return api.Message{}, fmt.Errorf("writing the request: %w", err)
	}
	officer, err := t.seat(from, sandbox.Officer1)
	if err != nil {
		return api.Message{}, err
	}
	made, err := officer.Draft(ctx, encoded)
	if err != nil {
		return api.Message{}, explain("drafting", err)
	}
	approver, err := t.seat(from, sandbox.Approver)
	if err != nil {
		return api.Message{}, err
	}
	m, err := approver.Approve(ctx, made[0].ID, made[0].SHA256)
	if err != nil {
		return m, explain("approving", err)
	}
	return m, nil
}
