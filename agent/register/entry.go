package register

import (
	"crypto/rand"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/register/name"
	"comity/schemas"
)

// entry is one entry as it stands in memory. It is never changed: a change makes another.
type entry struct {
	id   EntryID
	ref  digest
	row  digest // of the row, in the roll
	who  identity
	card card
}

// card is the small record of an entry, sealed in the file.
type card struct {
	Status           Status              `json:"s"`
	Origins          []schemas.StateCode `json:"o,omitzero"`
	Feared           []schemas.StateCode `json:"f,omitzero"`
	Linked           []digest            `json:"l,omitzero"`
	Cleared          []digest            `json:"c,omitzero"`
	Consents         ConsentRecords      `json:"e1,omitzero"`
	SuspensiveRemedy bool                `json:"r,omitzero"`
	Informed         bool                `json:"i,omitzero"`
	Withdrawal       bool                `json:"w,omitzero"`
	Witness          bool                `json:"pw,omitzero"`
	Expires          time.Time           `json:"x,omitzero"` // when it stops to count
	Updated          time.Time           `json:"u,omitzero"` // by the authority
	Sources          []string            `json:"src,omitzero"`
	Content          digest              `json:"d"` // of all that was given, but for Updated
}

func (e *entry) expired(now time.Time) bool {
	return !e.card.Expires.IsZero() && !now.Before(e.card.Expires)
}

var entryIDs = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

func newEntryID() EntryID {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand.Read crashes the program instead
	return EntryID(entryIDs.EncodeToString(b[:]))
}

// content is all that a record says, but for when it was written.
func content(r Record) string {
	r.Updated = ""
	b, err := json.Marshal(r, json.Deterministic(true))
	if err != nil { // strings that are not UTF-8, which no feed gets this far
		return err.Error()
	}
	return string(b)
}

// encode makes the entry of a record that was checked.
func (k *keys) encode(id EntryID, r *Record) entry {
	m := k.mac()
	defer k.release(m)
	updated, _ := parseUpdated(r.Updated) // checked
	e := entry{id: id, ref: m.digest(forRef, r.Ref), who: m.identity(&r.Identity)}
	e.card = card{
		Status: r.Status, Origins: r.origins(), Feared: sortedStates(r.FearedStates), Consents: slices.Clone(r.Consents),
		SuspensiveRemedy: r.SuspensiveRemedy, Informed: r.InformedOfSharing, Withdrawal: r.Withdrawal.counts(),
		Witness: r.ProtectedWitness, Updated: updated, Content: m.digest(forContent, content(*r)),
	}
	if end, err := endOfDay(r.Expires); err == nil {
		e.card.Expires = end
	}
	for _, ref := range r.Linked {
		e.card.Linked = append(e.card.Linked, m.digest(forRef, ref))
	}
	for _, ref := range r.Cleared {
		e.card.Cleared = append(e.card.Cleared, m.digest(forRef, ref))
	}
	return e
}

// sealedRow is an entry as it stands in the file.
type sealedRow struct {
	id            EntryID
	ref           digest
	codes, record []byte
}

func (k *keys) sealEntry(e *entry) (sealedRow, error) {
	record, err := json.Marshal(e.card)
	if err != nil {
		return sealedRow{}, err
	}
	row := sealedRow{id: e.id, ref: e.ref, codes: k.seal("codes", string(e.id), e.who.marshal()), record: k.seal("record", string(e.id), record)}
	m := k.mac()
	defer k.release(m)
	e.row = m.rowDigest(row.id, row.ref, row.codes, row.record)
	return row, nil
}

func (k *keys) openEntry(row sealedRow) (entry, error) {
	m := k.mac()
	defer k.release(m)
	e := entry{id: row.id, ref: row.ref, row: m.rowDigest(row.id, row.ref, row.codes, row.record)}
	plain, err := k.open("codes", string(row.id), row.codes)
	if err != nil {
		return entry{}, err
	}
	if e.who, err = unmarshalIdentity(plain); err != nil {
		return entry{}, err
	}
	if plain, err = k.open("record", string(row.id), row.record); err != nil {
		return entry{}, err
	}
	if err := json.Unmarshal(plain, &e.card); err != nil {
		return entry{}, ErrCorrupt
	}
	return e, nil
}

// person is the keyed hash of an identity as it is compared: folded, in no order.
func (k *keys) person(id *schemas.Identity) digest {
	var lines []string
	for _, list := range [][]string{id.Names, id.FormerNames} {
		for _, n := range list {
			var words []string
			for _, w := range name.Words(n) {
				if w.From == w.To {
					words = append(words, w.Letters)
				}
			}
			slices.Sort(words)
			lines = append(lines, "n "+strings.Join(words, " "))
		}
	}
	for _, d := range id.Documents {
		lines = append(lines, "d "+documentNumber(d.Number)+" "+string(d.Issuer))
	}
	slices.Sort(lines)
	return k.digest(forPerson, string(id.BirthDate)+"\n"+strings.Join(slices.Compact(lines), "\n"))
}
