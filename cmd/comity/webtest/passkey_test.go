package webtest

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"comity/cmd/comity/sandbox"
)

// Somebody adds a passkey, logs in with it in both ways, and approves with it: what the browser's authenticator signs is what is
// kept as the proof.
func TestPasskeyInABrowser(t *testing.T) {
	needsChromium(t)
	officer := entrance(inBrowser).as(t, qnBorder, string(sandbox.Approver))
	b := officer.means.(*scripted)
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	_, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	page := officer.presses(officer.get("/me"), "/me/passkey", "", "", "password", running.password)
	officer.expects(page, "The passkey was added", "password and passkey")

	// With the password, which does not open the account alone any more.
	officer.presses(page, "/logout", "", "")
	page = officer.presses(officer.get("/login"), "/login", "", "", "name", string(sandbox.Approver), "password", running.password)
	officer.expects(page, "Confirm with your passkey")
	b.accessible(t, "the question for the passkey")
	page = officer.presses(page, "/login/passkey", "", "")
	officer.expects(page, "Overview")

	// With the passkey alone.
	officer.presses(page, "/logout", "", "")
	page = officer.presses(officer.get("/login"), "/login/passkey", "", "")
	officer.expects(page, "Overview")

	// And an approval.
	raised := drafts(t, qnBorder, qmBorder, "border.alert/1", alert)
	message := "/messages/" + string(raised.ID)
	page = officer.presses(officer.get(message), message+"/approve", "", "")
	officer.expects(page, "is signed by your passkey")
	b.accessible(t, "the question for the passkey of an approval")
	page = officer.presses(page, message+"/approve", "", "")
	officer.expects(page, "Approved.")
	settles(t, qnBorder, raised.ID, "delivered")
	report, err := client(t, qnBorder, sandbox.Auditor).VerifyJournal(t.Context(), nil)
	if err != nil || len(report.Defects) > 0 {
		t.Errorf("the journal: %v %+v", err, report.Defects)
	}
}
