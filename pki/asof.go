package pki

import (
	"maps"
	"slices"
	"time"

	"comity/schemas"
)

// Documents are published documents, as they were published: what shows later what was known when.
type Documents struct {
	// TrustLists are in the order in which they were taken; the last is in force. Where signers changed, the lists between
	// the pin and it are needed too.
	TrustLists [][]byte
	Entries    map[schemas.StateCode][]byte
	CRLs       map[schemas.StateCode]map[string][]byte // DER, by thumbprint of the CA
}

// Documents are those that the view rests on, as far as they are about the States given.
func (v *View) Documents(states ...schemas.StateCode) (d Documents) {
	d.Entries, d.CRLs = map[schemas.StateCode][]byte{}, map[schemas.StateCode]map[string][]byte{}
	if v.rawList != nil {
		d.TrustLists = [][]byte{v.rawList}
	}
	for _, state := range states {
		trust, ok := v.states[state]
		if !ok {
			continue
		}
		if trust.entry != nil {
			d.Entries[state] = trust.entry.raw
		}
		d.CRLs[state] = map[string][]byte{}
		for ca, crl := range trust.crls {
			d.CRLs[state][ca] = crl.raw
		}
	}
	return d
}

// AsOf is the view of somebody who began with the pin and had exactly these documents at a time. They are held to all that
// a Keeper demands, but for their age: what had run out by then is in the view, and the view's own answers say what follows
// from that. A document of later than that time is refused: nobody had it.
func AsOf(pin Pin, d Documents, at time.Time) (*View, error) {
	if err := pin.check(); err != nil {
		return nil, err
	}
	now := at
	k := newKeeper("", pin, func() time.Time { return now })
	// asIssued has the next document be judged as of its own date.
	asIssued := func(issued time.Time, what string) error {
		if issued.After(at.Add(clockSkewAllowed)) {
			return refuse(ReasonNotYetValid, "%s, of %s", what, issued.UTC().Format(time.RFC3339))
		}
		now = issued
		return nil
	}
	for _, raw := range d.TrustLists {
		var trusted heldList
		if k.list != nil {
			trusted = *k.list
		}
		h, _, err := readTrustList(raw, trusted.signers)
		if err != nil {
			return nil, err
		}
		if err := asIssued(h.list.IssuedAt, "trust list"); err != nil {
			return nil, err
		}
		if _, err := k.takeTrustList(raw); err != nil {
			return nil, err
		}
	}
	now = at
	for _, state := range slices.Sorted(maps.Keys(d.CRLs)) {
		for _, ca := range slices.Sorted(maps.Keys(d.CRLs[state])) {
			if _, err := k.takeCRL(d.CRLs[state][ca], state); err != nil {
				return nil, err
			}
		}
	}
	for _, state := range slices.Sorted(maps.Keys(d.Entries)) {
		h, err := readEntry(d.Entries[state])
		if err != nil {
			return nil, err
		}
		if err := asIssued(h.entry.IssuedAt, "directory entry of "+string(state)); err != nil {
			return nil, err
		}
		if _, err := k.takeEntry(d.Entries[state], state); err != nil {
			return nil, err
		}
	}
	return newView(k.list, k.entries, k.crls), nil
}
