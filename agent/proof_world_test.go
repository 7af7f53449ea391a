package agent

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// credentials are those of the people whose names stand under what the tests write, the same at every desk.
var credentials = sync.OnceValue(func() map[string]*people.Credential {
	out := map[string]*people.Credential{}
	for _, name := range []string{"officer-1", "approver", "duty-1", "duty-2"} {
		c, err := people.NewCredential(name, time.Unix(0, 0), 200*365*24*time.Hour)
		if err != nil {
			panic(fmt.Sprintf("making the credential of %s: %v", name, err))
		}
		out[name] = c
	}
	return out
})

// listedStaff is what agent.toml of every desk would say of them.
func listedStaff() (staff []*people.Person) {
	for name, c := range credentials() {
		staff = append(staff, &people.Person{Name: name, Roles: []people.Role{people.Registrar}, Certificate: c.Certificate})
	}
	return staff
}

// proof is what a person signs to put their name to a message.
func (d *desk) proof(t *testing.T, by string, act api.Signing, id schemas.MessageID, sha256 string) []byte {
	t.Helper()
	method, target, body, err := act.Command(id, api.Approval{SHA256: sha256})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := credentials()[by].Prove(d.me, method, target, body, d.now())
	if err != nil {
		t.Fatal(err)
	}
	return proof
}
