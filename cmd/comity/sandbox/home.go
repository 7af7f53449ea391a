package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"comity/agent/people"
	"comity/agent/register"
	"comity/agent/store"
	"comity/pki"
	"comity/pki/ca"
	"comity/pki/keyfile"
	"comity/schemas"
)

// credentialLifetime is how long the credentials of a sandbox's people are good.
const credentialLifetime = 365 * 24 * time.Hour

// writeState makes the homes of a State's authorities and publishes what the State says about them.
func (m *scheme) writeState(s *Sandbox, state schemas.StateCode, p Plan) error {
	authority := m.cas[state]
	var rows []pki.Authority
	for _, id := range s.Authorities() {
		if id.State() != state {
			continue
		}
		certificates, err := m.writeHome(s, id, p)
		if err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
		rows = append(rows, directoryRow(id, certificates))
	}
	return publishState(s, authority, rows)
}

// directoryRow is what a State says about one of its sandbox authorities.
func directoryRow(id schemas.AuthorityID, certificates pki.Certificates) pki.Authority {
	row := pki.Authority{
		ID: id, Kind: pki.KindCentralAuthority, Name: "Central authority of " + string(id.State()) + " (sandbox)",
		Languages: []string{"en", "fr"}, TimeZone: "Etc/UTC", Certificates: certificates,
		DutyDesk: pki.DutyDesk{Contact: "duty desk", Hours: []pki.Hours{{Days: []pki.Weekday{"mon", "tue", "wed", "thu", "fri"}, Open: "08:00", Close: "17:00"}}},
		Calendar: pki.Calendar{Weekend: []pki.Weekday{"sat", "sun"}, Holidays: []pki.Holiday{}},
	}
	if id.Name() == "border" {
		row.Kind, row.Name = pki.KindBorderAgency, "Border agency of "+string(id.State())+" (sandbox)"
		row.Channels = []schemas.Channel{schemas.ChannelBorder}
		row.DutyDesk = pki.DutyDesk{Contact: "duty desk", Always: true, Hours: []pki.Hours{}}
	} else {
		row.Channels = slices.DeleteFunc(schemas.Channels(), func(c schemas.Channel) bool { return c == schemas.ChannelBorder })
	}
	row.Types = []schemas.MessageType{}
	for _, t := range schemas.Types() {
		if slices.Contains(row.Channels, t.Channel()) {
			row.Types = append(row.Types, t)
		}
	}
	return row
}

// writeHome makes an authority's keys, people and agent.toml.
func (m *scheme) writeHome(s *Sandbox, id schemas.AuthorityID, p Plan) (pki.Certificates, error) {
	home := s.Home(id)
	for _, folder := range []string{"keys", "people", "data", "register"} {
		if err := os.MkdirAll(filepath.Join(home, folder), 0o700); err != nil {
			return pki.Certificates{}, err
		}
	}
	certificates, err := m.writeKeys(filepath.Join(home, "keys"), id)
	if err != nil {
		return certificates, err
	}
	staff := staffOf(id)
	for _, member := range staff {
		credential, err := people.NewCredential(string(member.Name), m.now(), credentialLifetime)
		if err != nil {
			return certificates, err
		}
		if err := errors.Join(
			credential.Write(s.Credential(id, member.Name)),
			keyfile.WriteCertificate(filepath.Join(home, "people", string(member.Name)+".crt"), credential.Certificate),
		); err != nil {
			return certificates, err
		}
	}
	if err := m.writeRegister(home); err != nil {
		return certificates, err
	}
	var text strings.Builder
	values := homeValues{Authority: id, Broker: m.brokers, Pin: m.pin, Routine: p.Routine, Urgent: p.Urgent, ResendFirst: p.ResendFirst, Staff: staff}
	if err := agentTemplate.Execute(&text, values); err != nil {
		return certificates, fmt.Errorf("writing agent.toml: %w", err)
	}
	return certificates, writeFile(s.AgentConfig(id), []byte(text.String()), 0o600)
}

// writeKeys makes the three keys of an authority, has the State's CA certify them, and makes the key of its store.
func (m *scheme) writeKeys(dir string, id schemas.AuthorityID) (pki.Certificates, error) {
	var certificates pki.Certificates
	for _, item := range []struct {
		usage pki.Usage
		list  *[][]byte
	}{{pki.UsageTLS, &certificates.TLS}, {pki.UsageSigning, &certificates.Signing}, {pki.UsageEncryption, &certificates.Encryption}} {
		key, err := keyfile.Generate()
		if err != nil {
			return certificates, err
		}
		prepared, err := m.cas[id.State()].Prepare(ca.Request{Authority: id, Usage: item.usage, Public: &key.PublicKey})
		if err != nil {
			return certificates, err
		}
		certificate, err := m.cas[id.State()].Issue(prepared)
		if err != nil {
			return certificates, err
		}
		if err := keyfile.WritePair(filepath.Join(dir, item.usage.String()+".pem"), key, certificate); err != nil {
			return certificates, err
		}
		*item.list = append(*item.list, certificate.Raw)
	}
	return certificates, store.WriteNewKey(filepath.Join(dir, "store.key"))
}

// writeRegister makes a protection register that holds nobody. Its first feed is empty: for 26 hours everybody's status is
// none, and then unknown until the next one.
func (m *scheme) writeRegister(home string) error {
	dir := filepath.Join(home, "register")
	r, err := register.Create(context.Background(), register.Config{
		Path: filepath.Join(dir, "register.db"), KeyPath: filepath.Join(dir, "register.key"), Now: m.now,
	})
	if err != nil {
		return err
	}
	_, err = r.Import(context.Background(), strings.NewReader(""), register.Options{})
	return errors.Join(err, r.Close())
}

// member is one of the staff.
type member struct {
	Name  Person
	Roles []people.Role
}

func staffOf(id schemas.AuthorityID) []member {
	officer := []people.Role{people.CaseOfficer}
	if id.Name() == "border" {
		officer = append(officer, people.BorderDesk)
	}
	return []member{
		{Officer1, officer}, {Officer2, officer}, {Approver, []people.Role{people.Approver}},
		{Protection1, []people.Role{people.ProtectionOfficer}}, {Protection2, []people.Role{people.ProtectionOfficer}},
		{Auditor, []people.Role{people.Auditor}}, {KeyOfficer, []people.Role{people.KeyOfficer}},
	}
}

// homeValues is what agentTemplate needs. None of it holds a character that TOML would have to escape.
type homeValues struct {
	Authority       schemas.AuthorityID
	Broker          string
	Pin             pki.Pin
	Routine, Urgent time.Duration
	ResendFirst     time.Duration
	Staff           []member
}

var agentTemplate = template.Must(template.New("agent.toml").Parse(`# The agent of {{.Authority}} in this sandbox. Paths are relative to this file.
authority = "{{.Authority}}"
data = "data"
socket = "agent.sock"

[broker]
url = "{{.Broker}}"

[trust]
published = "../../trust"
scheme = "{{.Pin.Scheme}}"
threshold = {{.Pin.Threshold}}
signers = [{{range $i, $s := .Pin.Signers}}{{if $i}}, {{end}}"{{$s}}"{{end}}]
refresh = "1s"

[keys]
tls = "keys/tls.pem"
signing = "keys/signing.pem"
encryption = "keys/encryption.pem"
store = "keys/store.key"

# The protection register. Its feed comes with "comity register import"; one older than 26 hours leaves every status unknown.
[register]
path = "register/register.db"
key = "register/register.key"

# Browsers and national case systems reach the agent here; "comity doctor" says on which port.
[console]
listen = "127.0.0.1:0"

# Approved messages leave at these ticks. A real authority keeps the defaults, 15m and 1m: with a short tick a peer can
# tell when a person approved.
[release]
routine = "{{.Routine}}"
urgent = "{{.Urgent}}"
{{- if .ResendFirst}}

[timing]
resend_first = "{{.ResendFirst}}"
{{- end}}
{{range .Staff}}
[[people]]
name = "{{.Name}}"
roles = [{{range $i, $r := .Roles}}{{if $i}}, {{end}}"{{$r}}"{{end}}]
certificate = "people/{{.Name}}.crt"
{{end}}`))
