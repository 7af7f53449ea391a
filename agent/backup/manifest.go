package backup

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"comity/schemas"
)

// The parts that have a fixed name. Files of accepted trust documents stand under TrustFolder.
const (
	AgentPart    = "agent.db"
	RegisterPart = "register.db"
	TrustFolder  = "trust/"
)

const (
	format       = "comity backup 1"
	manifestName = "manifest.json"
	maxManifest  = 1 << 20
	maxParts     = 5_000
)

// Manifest says what a backup is of.
type Manifest struct {
	Format    string              `json:"format"`
	Authority schemas.AuthorityID `json:"authority"`
	MadeAt    time.Time           `json:"made_at"`
	Parts     []Part              `json:"parts"`
}

// Part is one file.
type Part struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Reason is why a file is not a backup that can be used. The set is closed.
type Reason string

// The reasons.
const (
	ReasonKey       Reason = "wrong-key"  // it was not made for this identity
	ReasonMalformed Reason = "malformed"  // not an archive of ours, or cut off
	ReasonFormat    Reason = "format"     // of another version
	ReasonPart      Reason = "part-wrong" // a part is not what the manifest says, is missing or is not named by it
)

// Error is a refusal with its reason.
type Error struct {
	Reason Reason
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("backup %s: %v", e.Reason, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf is the reason of a refusal, "" for any other error.
func ReasonOf(err error) Reason {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Reason
	}
	return ""
}

// segment is one step of a part's name, base64url among them. It cannot lead out of a folder, nor be hidden.
var segment = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)

func checkName(name string) error {
	if name == AgentPart || name == RegisterPart {
		return nil
	}
	rest, ok := strings.CutPrefix(name, TrustFolder)
	steps := strings.Split(rest, "/")
	if !ok || len(steps) > 2 {
		return fmt.Errorf("no part has the name %q", name)
	}
	for _, step := range steps {
		if !segment.MatchString(step) {
			return fmt.Errorf("no part has the name %q", name)
		}
	}
	return nil
}

func (m *Manifest) check() error {
	if m.Format != format {
		return &Error{ReasonFormat, fmt.Errorf("it says %q and this program reads %q", m.Format, format)}
	}
	if _, err := schemas.ParseAuthorityID(string(m.Authority)); err != nil {
		return &Error{ReasonMalformed, err}
	}
	if len(m.Parts) > maxParts {
		return &Error{ReasonMalformed, errors.New("too many parts")}
	}
	seen := map[string]bool{}
	for _, p := range m.Parts {
		if err := checkName(p.Name); err != nil {
			return &Error{ReasonMalformed, err}
		}
		if seen[p.Name] || p.Bytes < 0 {
			return &Error{ReasonMalformed, errors.New("a part is named twice, or has no length")}
		}
		seen[p.Name] = true
	}
	if !seen[AgentPart] {
		return &Error{ReasonPart, errors.New("the agent's database is missing")}
	}
	return nil
}

// Has tells whether the backup has a part.
func (m *Manifest) Has(name string) bool {
	for _, p := range m.Parts {
		if p.Name == name {
			return true
		}
	}
	return false
}
