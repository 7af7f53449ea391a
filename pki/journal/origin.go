package journal

import (
	"strings"

	"comity/schemas"
)

// Origin names a log. Like all that is spelled as an address it is lower-case: comity/qm/justice is a home log, and
// comity/qm/justice/qn/justice the log of what QM/justice sent to QN/justice.
type Origin string

const originPrefix = "comity/"

// Home is the home log of an authority.
func Home(of schemas.AuthorityID) Origin { return Origin(originPrefix + path(of)) }

// Between is the log of what one authority sent to another.
func Between(from, to schemas.AuthorityID) Origin {
	return Origin(originPrefix + path(from) + "/" + path(to))
}

func path(id schemas.AuthorityID) string { return id.State().Lower() + "/" + id.Name() }

// Parties are the sender and the recipient of a pair's log; of a home log to is empty.
func (o Origin) Parties() (from, to schemas.AuthorityID, err error) {
	rest, ok := strings.CutPrefix(string(o), originPrefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 2 && len(parts) != 4 {
		return "", "", refuse(ReasonMalformed, "not the origin of a log of Comity")
	}
	if from, err = authority(parts[0], parts[1]); err != nil || len(parts) == 2 {
		return from, "", err
	}
	if to, err = authority(parts[2], parts[3]); err == nil && from == to {
		err = refuse(ReasonMalformed, "the origin of a log between an authority and itself")
	}
	return from, to, err
}

func authority(state, name string) (schemas.AuthorityID, error) {
	id, err := schemas.AuthorityFromURI("comity://" + state + "/" + name)
	if err != nil {
		return "", refuse(ReasonMalformed, "an origin that names no authority")
	}
	return id, nil
}
