package api

import (
	"net/http"

	"comity/schemas"
)

// Signing is an act by which a person puts their name to exact bytes. What they sign, by whatever door, is one command: the
// request as the socket takes it. The set is closed.
type Signing string

// The acts about messages, by the last part of their paths, the one about the file of a case, the one about the content of a case, and the one
// about who is away.
const (
	SignApproval   Signing = "approval"
	SignAlone      Signing = "signature"
	SignSecondLook Signing = "second-look"
	SignRelease    Signing = "release"
	SignClear      Signing = "clear"
	SignHandout    Signing = "handout-release"
	SignErasure    Signing = "erasure"
	SignAbsence    Signing = "absence" // at the web door: a stolen session gives nobody roles
)

// Command is the request that an act is, with its body in the one form that a signature covers: canonical JSON. body is an
// Approval, a Release, a HandoutRelease, an Erasure, an Absence,
// or nil.
func (s Signing) Command(id schemas.MessageID, body any) (method, target string, encoded []byte, err error) {
	if body != nil {
		encoded, err = schemas.Canonical(body)
	}
	switch s {
	case SignErasure: // the id is a case's
		return http.MethodPost, socketPrefix + "/retention/" + string(id) + "/erasure", encoded, err
	case SignAbsence:
		return http.MethodPost, socketPrefix + "/absences", encoded, err
	case SignHandout:
		return http.MethodPost, socketPrefix + "/handouts/" + string(id) + "/release", encoded, err
	}
	return http.MethodPost, socketPrefix + "/messages/" + string(id) + "/" + string(s), encoded, err
}
