package sandbox

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"comity/pki"
	"comity/pki/ca"
	"comity/schemas"
)

// Revoke puts every certificate of an authority on its State's revocation list, as if its keys were stolen, and publishes
// the list: broker and peers cut it off when they next look. It cannot be undone; the authority would need new keys.
func (s *Sandbox) Revoke(id schemas.AuthorityID, now func() time.Time) error {
	what := fmt.Sprintf("revoking %s", id)
	view, err := s.view()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	row, err := view.Authority(id)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	authority, err := ca.Load(s.caDir(id.State().Lower()), now)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, list := range [][][]byte{row.Certificates.TLS, row.Certificates.Signing, row.Certificates.Encryption} {
		for _, der := range list {
			certificate, err := x509.ParseCertificate(der)
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if err := authority.Revoke(certificate, pki.CRLKeyCompromise); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
		}
	}
	if err := publishCRL(s, authority); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// renewAhead is how long before a document goes stale it is due to be renewed: a sandbox may run for a day.
const renewAhead = 24 * time.Hour

// Due reports whether a published document is stale or will be within a day.
func (s *Sandbox) Due(now time.Time) (bool, error) {
	view, err := s.view()
	if err != nil {
		return false, err
	}
	return len(view.Warnings(now.Add(renewAhead))) > 0, nil
}

// Renew publishes every document anew, under the next versions and with the same content.
func (s *Sandbox) Renew(now func() time.Time) error {
	view, err := s.view()
	if err != nil {
		return fmt.Errorf("renewing: %w", err)
	}
	var signers []*ca.SchemeSigner
	for i := range signerCount {
		signer, err := ca.LoadSchemeSigner(s.caDir(filepath.Join("scheme", fmt.Sprintf("signer-%d", i+1))))
		if err != nil {
			return fmt.Errorf("renewing: %w", err)
		}
		signers = append(signers, signer)
	}
	list := *view.TrustList()
	list.Version++
	list.IssuedAt = now().UTC().Truncate(time.Second)
	list.ExpiresAt = list.IssuedAt.Add(listLifetime)
	if err := signList(s, &list, signers); err != nil {
		return fmt.Errorf("renewing the trust list: %w", err)
	}
	for _, state := range s.mark.States {
		authority, err := ca.Load(s.caDir(state.Lower()), now)
		if err != nil {
			return fmt.Errorf("renewing what %s publishes: %w", state, err)
		}
		if err := publishState(s, authority, rowsOf(view, state)); err != nil {
			return fmt.Errorf("renewing what %s publishes: %w", state, err)
		}
	}
	return nil
}

func rowsOf(view *pki.View, state schemas.StateCode) []pki.Authority {
	var rows []pki.Authority
	for _, row := range view.Authorities() {
		if row.ID.State() == state {
			rows = append(rows, *row)
		}
	}
	return rows
}

// view reads the published folder as a newcomer would, from the pin on and at the time of its publication: a sandbox that
// lay in a drawer for a year is renewed from what it said then.
func (s *Sandbox) view() (*pki.View, error) {
	var pin pki.Pin
	content, err := os.ReadFile(filepath.Join(s.dir, "broker", "pin.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the pin: %w", err)
	}
	if err := schemas.Decode(content, &pin, schemas.DefaultLimits); err != nil {
		return nil, fmt.Errorf("reading the pin: %w", err)
	}
	info, err := os.Stat(filepath.Join(s.Published(), listFile))
	if err != nil {
		return nil, fmt.Errorf("reading the trust list: %w", err)
	}
	dir, err := os.MkdirTemp("", "comity-trust-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	keeper, err := pki.OpenKeeper(dir, pin, info.ModTime)
	if err != nil {
		return nil, err
	}
	_, refused := keeper.Refresh(s.Published())
	view := keeper.View()
	if view.TrustList() == nil {
		return nil, errors.Join(errors.New("no trust list that the pin makes good"), refused)
	}
	if len(view.Authorities()) != len(s.Authorities()) {
		return nil, errors.Join(errors.New("the published directory is incomplete"), refused)
	}
	return view, nil
}
