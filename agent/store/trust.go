package store

import (
	"crypto/sha256"
	"time"

	"comity/pki"
	"comity/schemas"
)

// The kinds of published documents.
const (
	trustList  = "trust-list"
	trustEntry = "entry"
	trustCRL   = "crl"
)

// KeepTrust keeps published documents that it has not kept yet.
func (t *Tx) KeepTrust(d pki.Documents, at time.Time) error {
	for _, list := range d.TrustLists {
		if err := t.keepTrust(trustList, "", "", list, at); err != nil {
			return err
		}
	}
	for state, entry := range d.Entries {
		if err := t.keepTrust(trustEntry, state, "", entry, at); err != nil {
			return err
		}
	}
	for state, lists := range d.CRLs {
		for issuer, crl := range lists {
			if err := t.keepTrust(trustCRL, state, issuer, crl, at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Tx) keepTrust(kind string, state schemas.StateCode, issuer string, content []byte, at time.Time) error {
	hash := sha256.Sum256(content)
	return t.exec(`INSERT OR IGNORE INTO trust_document (sha256, kind, state, issuer, content, taken_at) VALUES (?,?,?,?,?,?)`,
		hash[:], kind, state, issuer, content, millis(at))
}

// TrustAsOf reads the documents about some States that were kept by a time: of each the latest, and every trust list, the
// oldest first.
func (t *Tx) TrustAsOf(at time.Time, states ...schemas.StateCode) (pki.Documents, error) {
	d := pki.Documents{Entries: map[schemas.StateCode][]byte{}, CRLs: map[schemas.StateCode]map[string][]byte{}}
	err := t.eachTrust(trustList, "", at, func(_ string, content []byte) { d.TrustLists = append(d.TrustLists, content) })
	for _, state := range states {
		if err == nil {
			err = t.eachTrust(trustEntry, state, at, func(_ string, content []byte) { d.Entries[state] = content })
		}
		d.CRLs[state] = map[string][]byte{}
		if err == nil {
			err = t.eachTrust(trustCRL, state, at, func(issuer string, content []byte) { d.CRLs[state][issuer] = content })
		}
	}
	return d, err
}

// eachTrust calls each for every document of a kind, the oldest first: what comes later takes the place of what came before.
func (t *Tx) eachTrust(kind string, state schemas.StateCode, at time.Time, each func(issuer string, content []byte)) error {
	_, err := collect(t, func(s scanner) (struct{}, error) {
		var issuer string
		var content []byte
		err := s.Scan(&issuer, &content)
		each(issuer, content)
		return struct{}{}, err
	}, `SELECT issuer, content FROM trust_document WHERE kind = ? AND state = ? AND taken_at <= ? ORDER BY taken_at, sha256`, kind, state, millis(at))
	return err
}
