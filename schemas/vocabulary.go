package schemas

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// StateCode is a State by its ISO 3166-1 alpha-2 code, upper-case in data ("QM") and lower-case in URIs, subjects
// and paths. The sandbox uses the user-assigned codes QM to QZ only.
type StateCode string

var (
	stateForm     = regexp.MustCompile(`^[A-Z]{2}$`)
	authorityForm = regexp.MustCompile(`^([A-Z]{2})/([a-z][a-z0-9]{1,30})$`)
	idForm        = regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{26}$`)
	typeForm      = regexp.MustCompile(`^([a-z]{3,20})\.([a-z]+(?:-[a-z]+)*)/([1-9][0-9]{0,2})$`)
)

// ErrForm is wrapped by every refusal of this file: the text is not in the form that its kind demands.
var ErrForm = errors.New("not in the required form")

// ParseStateCode accepts two upper-case letters.
func ParseStateCode(s string) (StateCode, error) {
	if !stateForm.MatchString(s) {
		return "", fmt.Errorf("state code %w: two upper-case letters", ErrForm)
	}
	return StateCode(s), nil
}

// Lower is the form in URIs, subjects and paths.
func (s StateCode) Lower() string { return strings.ToLower(string(s)) }

// AuthorityID names a competent national authority: its State, a slash, and a name of 2 to 31 lower-case letters
// and digits that the State chose ("QM/justice"). It is never a sub-unit (UNTOC art. 18(13)).
type AuthorityID string

// ParseAuthorityID accepts exactly the form of AuthorityID.
func ParseAuthorityID(s string) (AuthorityID, error) {
	if !authorityForm.MatchString(s) {
		return "", fmt.Errorf("authority id %w: STATE/name, such as QM/justice", ErrForm)
	}
	return AuthorityID(s), nil
}

// State is the part before the slash.
func (a AuthorityID) State() StateCode {
	state, _, _ := strings.Cut(string(a), "/")
	return StateCode(state)
}

// Name is the part after the slash.
func (a AuthorityID) Name() string {
	_, name, _ := strings.Cut(string(a), "/")
	return name
}

// URI is the authority's identity in an X.509 subject alternative name: comity://qm/justice.
func (a AuthorityID) URI() string { return "comity://" + a.State().Lower() + "/" + a.Name() }

// AuthorityFromURI is the inverse of URI. It accepts that one spelling only.
func AuthorityFromURI(uri string) (AuthorityID, error) {
	rest, ok := strings.CutPrefix(uri, "comity://")
	state, name, found := strings.Cut(rest, "/")
	if !ok || !found || state != strings.ToLower(state) {
		return "", fmt.Errorf("authority URI %w: comity://<state>/<authority>", ErrForm)
	}
	return ParseAuthorityID(strings.ToUpper(state) + "/" + name)
}

// MessageID is 128 random bits in 26 characters of lower-case Crockford base32. It says nothing about time, order
// or sender, and is unique within its sender: (from, id) names a message.
type MessageID string

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewMessageID draws an identifier from the operating system's random source.
func NewMessageID() MessageID {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand.Read crashes the program instead
	return MessageID(crockford.EncodeToString(b[:]))
}

// ParseMessageID accepts exactly the form of MessageID.
func ParseMessageID(s string) (MessageID, error) {
	if !idForm.MatchString(s) {
		return "", fmt.Errorf("message id %w: 26 characters of lower-case base32", ErrForm)
	}
	return MessageID(s), nil
}

// CaseID names a case between exactly two authorities. Nobody chooses it: both sides compute it from the message
// that opened the case, so that it cannot collide with a case of another pair.
type CaseID string

// CaseOpenedBy is the id of the case that the message id, sent by from to to, opens.
func CaseOpenedBy(from, to AuthorityID, id MessageID) CaseID {
	sum := sha256.Sum256([]byte("comity case\n" + string(from) + "\n" + string(to) + "\n" + string(id) + "\n"))
	return CaseID(crockford.EncodeToString(sum[:16]))
}

// ParseCaseID accepts exactly the form of CaseID.
func ParseCaseID(s string) (CaseID, error) {
	if !idForm.MatchString(s) {
		return "", fmt.Errorf("case id %w: 26 characters of lower-case base32", ErrForm)
	}
	return CaseID(s), nil
}

// Channel is one kind of cooperation (DOMAIN section 2).
type Channel string

// The channels of the scheme. A channel is in use only where its message types are registered and two States
// have an agreement in force that names it.
const (
	ChannelMLA          Channel = "mla"          // mutual legal assistance, UNTOC art. 18
	ChannelConfiscation Channel = "confiscation" // UNTOC arts. 13 and 14
	ChannelJIT          Channel = "jit"          // joint investigation teams, UNTOC art. 19
	ChannelTransfer     Channel = "transfer"     // transfer of sentenced persons, UNTOC art. 17
	ChannelRepatriation Channel = "repatriation" // return of victims, Trafficking Protocol art. 8
	ChannelBorder       Channel = "border"       // direct channels of border agencies, Trafficking Protocol arts. 10 to 13
)

// Channels lists every channel, in the order of DOMAIN section 2.
func Channels() []Channel {
	return []Channel{ChannelMLA, ChannelConfiscation, ChannelJIT, ChannelTransfer, ChannelRepatriation, ChannelBorder}
}

// ParseChannel accepts the name of a channel in Channels.
func ParseChannel(s string) (Channel, error) {
	for _, c := range Channels() {
		if string(c) == s {
			return c, nil
		}
	}
	return "", fmt.Errorf("channel %w: one of %v", ErrForm, Channels())
}

// MessageType is a type with its version, "mla.request/1".
type MessageType string

// ParseMessageType accepts channel.name/version; it does not ask whether the type is registered.
func ParseMessageType(s string) (MessageType, error) {
	if !typeForm.MatchString(s) {
		return "", fmt.Errorf("message type %w: channel.name/version, such as mla.request/1", ErrForm)
	}
	return MessageType(s), nil
}

// Channel is the part before the dot.
func (t MessageType) Channel() Channel {
	channel, _, _ := strings.Cut(string(t), ".")
	return Channel(channel)
}

// Name is the part between the dot and the slash: "request", "status-report".
func (t MessageType) Name() string {
	_, rest, _ := strings.Cut(string(t), ".")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// Version is the number after the slash, 0 where there is none.
func (t MessageType) Version() int {
	_, version, _ := strings.Cut(string(t), "/")
	n, err := strconv.Atoi(version)
	if err != nil {
		return 0
	}
	return n
}
