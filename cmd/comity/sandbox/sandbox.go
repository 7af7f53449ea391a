package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"comity/schemas"
)

// Sandbox is a folder that Init made.
type Sandbox struct {
	// Extractor is handed to the agents that run in this process: the child process that reads attachments. Without one,
	// attachments other than plain text are held.
	Extractor []string

	dir      string // absolute
	mark     mark
	consoles sync.Map // of the agents that run in this process: authority to URL
}

// mark is the file that tells a sandbox from any other folder.
type mark struct {
	Scheme string              `json:"scheme"`
	States []schemas.StateCode `json:"states"`
}

const (
	markFile = "sandbox.json"
	listFile = "trust-list.json"
	// SchemeName is the scheme of every sandbox.
	SchemeName = "sandbox"
)

// The authorities that each State gets.
var authorityNames = []string{"justice", "border"}

// Person is a member of staff of a sandbox authority.
type Person string

// The staff of each authority.
const (
	Officer1    Person = "officer-1"
	Officer2    Person = "officer-2"
	Approver    Person = "approver"
	Auditor     Person = "auditor"
	Protection1 Person = "protection-1"
	Protection2 Person = "protection-2"
	KeyOfficer  Person = "key-officer"
)

// ErrNotSandbox says that a folder was not made by Init.
var ErrNotSandbox = errors.New("not a sandbox")

// Open finds the sandbox in a folder.
func Open(dir string) (*Sandbox, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening sandbox: %w", err)
	}
	s := &Sandbox{dir: absolute}
	content, err := os.ReadFile(filepath.Join(absolute, markFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening sandbox %s: %w", dir, ErrNotSandbox)
	}
	if err != nil {
		return nil, fmt.Errorf("opening sandbox: %w", err)
	}
	if err := schemas.Decode(content, &s.mark, schemas.DefaultLimits); err != nil {
		return nil, fmt.Errorf("opening sandbox %s: %s: %w", dir, markFile, err)
	}
	for _, state := range s.mark.States {
		if err := checkState(state); err != nil {
			return nil, fmt.Errorf("opening sandbox %s: %s: %w", dir, markFile, err)
		}
	}
	return s, nil
}

// checkState holds a sandbox to the codes that ISO 3166-1 leaves to users: no sandbox key may ever speak for a State.
func checkState(state schemas.StateCode) error {
	if len(state) != 2 || state[0] != 'Q' || state[1] < 'M' || state[1] > 'Z' {
		return fmt.Errorf("a sandbox takes the user-assigned codes QM to QZ only, not %q", state)
	}
	return nil
}

// Dir is the sandbox's folder, absolute.
func (s *Sandbox) Dir() string { return s.dir }

// States are the States of the sandbox.
func (s *Sandbox) States() []schemas.StateCode { return slices.Clone(s.mark.States) }

// Authorities are all its authorities.
func (s *Sandbox) Authorities() []schemas.AuthorityID {
	var all []schemas.AuthorityID
	for _, state := range s.mark.States {
		for _, name := range authorityNames {
			all = append(all, authority(state, name))
		}
	}
	return all
}

func authority(state schemas.StateCode, name string) schemas.AuthorityID {
	return schemas.AuthorityID(string(state) + "/" + name)
}

// ParseAuthority accepts an authority of the sandbox, "QM/justice" or "qm/justice".
func (s *Sandbox) ParseAuthority(text string) (schemas.AuthorityID, error) {
	state, name, _ := strings.Cut(text, "/")
	id := authority(schemas.StateCode(strings.ToUpper(state)), name)
	if !slices.Contains(s.Authorities(), id) {
		return "", fmt.Errorf("no authority %q in this sandbox", text)
	}
	return id, nil
}

// Home is the folder of an authority.
func (s *Sandbox) Home(id schemas.AuthorityID) string {
	return filepath.Join(s.dir, id.State().Lower(), id.Name())
}

// AgentConfig is the configuration of an authority's agent.
func (s *Sandbox) AgentConfig(id schemas.AuthorityID) string {
	return filepath.Join(s.Home(id), "agent.toml")
}

// BrokerConfig is the configuration of the broker.
func (s *Sandbox) BrokerConfig() string { return filepath.Join(s.dir, "broker", "broker.toml") }

// Credential is the file with which a member of staff proves who they are.
func (s *Sandbox) Credential(id schemas.AuthorityID, p Person) string {
	return filepath.Join(s.Home(id), "people", string(p)+".pem")
}

// Published is the folder of the trust documents.
func (s *Sandbox) Published() string { return filepath.Join(s.dir, "trust") }

// caDir holds the private keys of the State CAs ("qm"), the broker's CA ("broker") and the scheme signers. No agent and
// no broker reads it.
func (s *Sandbox) caDir(name string) string { return filepath.Join(s.dir, "ca", name) }
