package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// Entry is what a State says about itself: its authorities, where and when they work, and their certificates. It is
// published as a compact JWS (jose.TypDirectory), signed under the State's reserved name DirectoryName.
type Entry struct {
	State     schemas.StateCode `json:"state"`
	Version   uint64            `json:"version"` // only grows
	IssuedAt  time.Time         `json:"issued_at"`
	ExpiresAt time.Time         `json:"expires_at"`
	// Signer is the certificate that signs this entry, DER. It proves nothing by being here: the State's CA proves it.
	Signer      []byte      `json:"signer"`
	Authorities []Authority `json:"authorities"`
}

// Authority is a row of a directory entry.
type Authority struct {
	ID        schemas.AuthorityID   `json:"id"`
	Kind      Kind                  `json:"kind"`
	Name      string                `json:"name"`
	Channels  []schemas.Channel     `json:"channels"`
	Types     []schemas.MessageType `json:"types"`     // with versions
	Languages []string              `json:"languages"` // ISO 639-1 codes
	// Requires is what the authority asks for beyond the treaty, so that a request is right the first time.
	Requires []Requirement `json:"requires,omitzero"`
	// UNTOCBasis: the authority takes the Convention itself as the treaty basis where no other agreement names an
	// instrument (UNTOC arts. 13(6), 16(4), 18(7)). It counts where both sides say so.
	UNTOCBasis   bool         `json:"untoc_basis,omitzero"`
	DutyDesk     DutyDesk     `json:"duty_desk"`
	Calendar     Calendar     `json:"calendar"`
	TimeZone     string       `json:"time_zone"` // IANA name
	Certificates Certificates `json:"certificates"`
}

// Requirement is a member of a message that an authority asks for though the schema does not.
type Requirement struct {
	Type   schemas.MessageType `json:"type"`
	Member string              `json:"member"` // JSON pointer (RFC 6901)
	Why    string              `json:"why"`    // one line, shown to whoever drafts
}

// UNTOC is the name of the Convention among instruments.
const UNTOC = "untoc"

// Kind is what an authority is.
type Kind string

// The kinds of authority.
const (
	KindCentralAuthority Kind = "central-authority"
	KindJudicial         Kind = "judicial-authority"
	KindProsecution      Kind = "prosecution-authority"
	KindBorderAgency     Kind = "border-agency"
	KindLawEnforcement   Kind = "law-enforcement"
	KindNotConnected     Kind = "not-connected" // reached by other means than Comity
)

var kinds = []Kind{KindCentralAuthority, KindJudicial, KindProsecution, KindBorderAgency, KindLawEnforcement, KindNotConnected}

// Weekday is a day in three lower-case letters, Monday first.
type Weekday string

var weekdays = []Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// DutyDesk is how to reach a person of the authority, by function and never by name.
type DutyDesk struct {
	Contact string  `json:"contact"`
	Always  bool    `json:"always"` // day and night
	Hours   []Hours `json:"hours"`  // local time, where not always
}

// Hours are opening hours on some weekdays, "08:00" to "17:00".
type Hours struct {
	Days  []Weekday `json:"days"`
	Open  string    `json:"open"`
	Close string    `json:"close"`
}

// Calendar says on which days the authority does not work.
type Calendar struct {
	Weekend  []Weekday `json:"weekend"`
	Holidays []Holiday `json:"holidays"`
}

// Holiday is a day, "2026-12-25".
type Holiday struct {
	Date string `json:"date"`
	Name string `json:"name"`
}

// Certificates of an authority by usage, DER. Old ones stay while old messages may need them.
type Certificates struct {
	TLS        [][]byte `json:"tls"`
	Signing    [][]byte `json:"signing"`
	Encryption [][]byte `json:"encryption"`
}

// Bounds of an entry.
const (
	maxAuthorities          = 500
	maxCertificatesPerUsage = 16
	maxListed               = 400 // channels, types, languages, hours, holidays of one authority
	entryDepth              = 8
	maxEntryText            = 200
)

var (
	timeZoneForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z0-9_+-]{1,30}){0,2}$`)
	languageForm = regexp.MustCompile(`^[a-z]{2}$`)
	memberForm   = regexp.MustCompile(`^(/[a-z0-9_]+)+$`)
)

// heldEntry is an entry with its certificates parsed.
type heldEntry struct {
	raw         []byte
	payload     []byte
	entry       *Entry
	signer      *x509.Certificate
	authorities []*heldAuthority
}

type heldAuthority struct {
	row        *Authority
	tls        []*x509.Certificate
	signing    []*x509.Certificate
	encryption []*x509.Certificate
}

// readEntry parses an entry and verifies it under the certificate that it carries. Whether that certificate is the
// State's is not decided here: stateTrust.proveEntry does.
func readEntry(raw []byte) (h *heldEntry, err error) {
	signed, err := jose.ParseSigned(raw, jose.TypDirectory)
	if err == nil {
		err = signed.Header(&struct{}{})
	}
	if err != nil {
		return nil, &Error{Reason: ReasonEntryInvalid, What: "directory entry", Err: err}
	}
	payload, err := signed.VerifyCarried(func(unverified []byte) (crypto.PublicKey, error) {
		if h, err = decodeEntry(unverified); err != nil {
			return nil, &Error{Reason: ReasonEntryInvalid, What: "directory entry", Err: err}
		}
		if jose.Thumbprint(h.signer) != signed.Thumbprint() {
			return nil, refuse(ReasonEntryForged, "directory entry of %s carries another certificate than it is signed with", h.entry.State)
		}
		return h.signer.PublicKey, nil
	})
	if jose.ReasonOf(err) != "" {
		return nil, &Error{Reason: ReasonEntryForged, What: "directory entry", Err: err}
	}
	if err != nil {
		return nil, err
	}
	h.raw, h.payload = raw, payload
	return h, nil
}

func decodeEntry(payload []byte) (*heldEntry, error) {
	entry := &Entry{}
	if err := schemas.Decode(payload, entry, schemas.Limits{Bytes: jose.MaxSize, Depth: entryDepth}); err != nil {
		return nil, err
	}
	if _, err := schemas.ParseStateCode(string(entry.State)); err != nil {
		return nil, err
	}
	if entry.Version == 0 || !entry.IssuedAt.Before(entry.ExpiresAt) || len(entry.Authorities) > maxAuthorities {
		return nil, fmt.Errorf("no version, expired when issued, or too many authorities")
	}
	signer, err := parseCertificate(entry.Signer, "directory signer of "+string(entry.State))
	if err != nil {
		return nil, err
	}
	h := &heldEntry{entry: entry, signer: signer}
	seen := map[schemas.AuthorityID]bool{}
	for i := range entry.Authorities {
		row := &entry.Authorities[i]
		if seen[row.ID] {
			return nil, fmt.Errorf("an authority is listed twice")
		}
		seen[row.ID] = true
		authority, err := readAuthority(row, entry.State)
		if err != nil {
			return nil, err
		}
		h.authorities = append(h.authorities, authority)
	}
	return h, nil
}

func readAuthority(row *Authority, state schemas.StateCode) (*heldAuthority, error) {
	if err := row.check(state); err != nil {
		return nil, err
	}
	h := &heldAuthority{row: row}
	for _, set := range []struct {
		usage Usage
		ders  [][]byte
		certs *[]*x509.Certificate
	}{
		{UsageTLS, row.Certificates.TLS, &h.tls},
		{UsageSigning, row.Certificates.Signing, &h.signing},
		{UsageEncryption, row.Certificates.Encryption, &h.encryption},
	} {
		if len(set.ders) > maxCertificatesPerUsage {
			return nil, fmt.Errorf("%s lists too many %s certificates", row.ID, set.usage)
		}
		for _, der := range set.ders {
			cert, err := parseCertificate(der, fmt.Sprintf("%s certificate of %s", set.usage, row.ID))
			if err != nil {
				return nil, err
			}
			if id, err := CheckProfile(cert, state, set.usage); err != nil {
				return nil, fmt.Errorf("%s certificate of %s: %w", set.usage, row.ID, err)
			} else if id != row.ID {
				return nil, fmt.Errorf("%s lists a certificate of %s", row.ID, id)
			}
			*set.certs = append(*set.certs, cert)
		}
	}
	return h, nil
}

// check refuses a row whose text is not in its exact form.
func (a *Authority) check(state schemas.StateCode) error {
	if _, err := schemas.ParseAuthorityID(string(a.ID)); err != nil {
		return err
	}
	if a.ID.State() != state || a.ID.Name() == DirectoryName {
		return fmt.Errorf("%s is not an authority of %s", a.ID, state)
	}
	if !slices.Contains(kinds, a.Kind) || a.Name == "" || len(a.Name) > maxEntryText || len(a.DutyDesk.Contact) > maxEntryText {
		return fmt.Errorf("%s has no kind, or a name or contact that is empty or too long", a.ID)
	}
	if !timeZoneForm.MatchString(a.TimeZone) {
		return fmt.Errorf("%s has no time zone", a.ID)
	}
	if max(len(a.Channels), len(a.Types), len(a.Languages), len(a.Requires), len(a.DutyDesk.Hours), len(a.Calendar.Holidays)) > maxListed {
		return fmt.Errorf("%s lists too much", a.ID)
	}
	for _, channel := range a.Channels {
		if _, err := schemas.ParseChannel(string(channel)); err != nil {
			return err
		}
	}
	for _, t := range a.Types {
		if _, err := schemas.ParseMessageType(string(t)); err != nil {
			return err
		}
	}
	for _, r := range a.Requires {
		if _, err := schemas.ParseMessageType(string(r.Type)); err != nil {
			return err
		}
		if !memberForm.MatchString(r.Member) || len(r.Member) > maxEntryText || r.Why == "" || len(r.Why) > maxEntryText {
			return fmt.Errorf("%s: a requirement needs the pointer of a member and why", a.ID)
		}
	}
	for _, language := range a.Languages {
		if !languageForm.MatchString(language) {
			return fmt.Errorf("%s: a language is not an ISO 639-1 code", a.ID)
		}
	}
	return a.checkTimes()
}

func (a *Authority) checkTimes() error {
	isDay := func(d Weekday) bool { return slices.Contains(weekdays, d) }
	days := slices.Clone(a.Calendar.Weekend)
	for _, hours := range a.DutyDesk.Hours {
		days = append(days, hours.Days...)
		open, errOpen := time.Parse("15:04", hours.Open)
		closing, errClose := time.Parse("15:04", hours.Close)
		if errOpen != nil || errClose != nil || !open.Before(closing) {
			return fmt.Errorf("%s: hours of the duty desk are not in order", a.ID)
		}
	}
	for _, day := range days {
		if !isDay(day) {
			return fmt.Errorf("%s: a weekday is not one of %v", a.ID, weekdays)
		}
	}
	for _, holiday := range a.Calendar.Holidays {
		if _, err := time.Parse(time.DateOnly, holiday.Date); err != nil || len(holiday.Name) > maxEntryText {
			return fmt.Errorf("%s: a holiday is not a date", a.ID)
		}
	}
	return nil
}

// checkFresh refuses an entry from the past or the future.
func (h *heldEntry) checkFresh(now time.Time) error {
	if h.expired(now) {
		return refuse(ReasonEntryExpired, "directory entry %d of %s, since %s", h.entry.Version, h.entry.State, h.entry.ExpiresAt.Format(time.RFC3339))
	}
	if h.entry.IssuedAt.After(now.Add(clockSkewAllowed)) {
		return refuse(ReasonNotYetValid, "directory entry %d of %s", h.entry.Version, h.entry.State)
	}
	return nil
}

func (h *heldEntry) expired(at time.Time) bool { return !at.Before(h.entry.ExpiresAt) }
