package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"comity/agent/envelope"
	"comity/agent/notify"
	"comity/schemas"
)

// Mail tells of a draft to approve and of what can be read; not of what is withheld, nor that policy stopped a message.
func TestWhatMailTellsOf(t *testing.T) {
	w := newReviewWorld(t)
	d := w.desks[qm]
	d.notifier.Woken()
	m := d.write(requestOf(t, schemas.Urgent))
	if !d.notifier.Woken() {
		t.Error("nobody is told that a draft waits")
	}
	d.seal(m.ID) // held
	if d.notifier.Woken() {
		t.Error("mail tells of a review")
	}
	d.take(w.desks[qn].forge(qm, information(t, "QM"), 1, envelope.Hash{}))
	if d.notifier.Woken() {
		t.Error("mail tells of what is withheld")
	}
	d.take(w.desks[qn].forge(qm, information(t), 2, chainOf(t, d, qn)))
	if !d.notifier.Woken() {
		t.Error("nobody is told of a message that can be read")
	}
}

func TestMailIsConfiguredByFile(t *testing.T) {
	var f File
	f.Mail = notify.File{Server: "mail.authority.example:587", User: "comity", PasswordFile: "password", From: "a@b.example", To: []string{"c@b.example"}}
	dir := t.TempDir()
	for content, want := range map[string]string{"secret\n": "", "": "does not hold one line", "two\nlines\n": "does not hold one line"} {
		if err := os.WriteFile(filepath.Join(dir, "password"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := f.check(dir)
		told := strings.Contains(err.Error(), "mail.password_file: the file "+want) // the rest of the file is missing
		if told != (want != "") || want == "" && c.Mail.Password != "secret" {
			t.Errorf("%q: %v", content, err)
		}
	}
}
