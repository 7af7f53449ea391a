package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"maps"
	"slices"
	"time"

	"comity/pki/jose"
	"comity/schemas"
)

// View is what was known at one moment. It never changes, and what it returns must not be changed.
type View struct {
	list          *TrustList // nil before the first
	rawList       []byte     // the list as published
	states        map[schemas.StateCode]*stateTrust
	authorities   map[schemas.AuthorityID]*heldAuthority
	owners        map[string]schemas.StateCode // of CAs, by thumbprint
	clientCAs     *x509.CertPool
	brokerRoots   *x509.CertPool
	brokerSigners map[string]crypto.PublicKey
	unproven      []error // entries that a change of CAs or a revocation has taken out of use
}

// newView puts the last good documents together. An entry is proven again as of its date of issue, because CAs and
// revocations may have changed since it was taken.
func newView(h *heldList, entries map[schemas.StateCode]*heldEntry, crls map[string]*heldCRL) *View {
	v := &View{states: map[schemas.StateCode]*stateTrust{}, authorities: map[schemas.AuthorityID]*heldAuthority{},
		owners: map[string]schemas.StateCode{}, clientCAs: x509.NewCertPool(), brokerRoots: x509.NewCertPool(),
		brokerSigners: map[string]crypto.PublicKey{}}
	if h == nil {
		return v
	}
	v.list, v.rawList = h.list, h.raw
	for state, cas := range h.cas {
		trust := &stateTrust{state: state, cas: len(cas), roots: x509.NewCertPool(), crls: map[string]*heldCRL{}}
		for _, ca := range cas {
			x5t := jose.Thumbprint(ca)
			trust.roots.AddCert(ca)
			v.clientCAs.AddCert(ca)
			v.owners[x5t] = state
			if crl := crls[x5t]; crl != nil {
				trust.crls[x5t] = crl
			}
		}
		v.states[state] = trust
		v.addEntry(trust, entries[state])
	}
	for _, broker := range h.brokers {
		v.brokerRoots.AddCert(broker.ca)
		for _, cert := range broker.signing {
			v.brokerSigners[jose.Thumbprint(cert)] = cert.PublicKey
		}
	}
	return v
}

func (v *View) addEntry(trust *stateTrust, entry *heldEntry) {
	if entry == nil {
		return
	}
	if err := trust.proveEntry(entry, entry.entry.IssuedAt); err != nil {
		v.unproven = append(v.unproven, &Error{Reason: ReasonOf(err), What: "directory entry of " + string(trust.state), Err: err})
		return
	}
	trust.entry = entry
	for _, authority := range entry.authorities {
		v.authorities[authority.row.ID] = authority
	}
}

// TrustList is the list in use, nil before the first.
func (v *View) TrustList() *TrustList { return v.list }

// Expired tells whether there is no trust list, or one that has run out. Nothing is proven then.
func (v *View) Expired(at time.Time) bool { return v.usable(at) != nil }

func (v *View) usable(at time.Time) error {
	if v.list == nil {
		return refuse(ReasonTrustListMissing, "no trust list yet")
	}
	if !at.Before(v.list.ExpiresAt) {
		return refuse(ReasonTrustListExpired, "trust list %d, since %s", v.list.Version, v.list.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}

// Warnings is what an operator should know: entries and revocation lists that are missing, stale or out of use.
func (v *View) Warnings(at time.Time) []error {
	var out []error
	if err := v.usable(at); err != nil {
		out = append(out, err)
	}
	out = append(out, v.unproven...)
	for _, state := range slices.Sorted(maps.Keys(v.states)) {
		trust := v.states[state]
		switch {
		case trust.entry != nil && trust.entry.expired(at):
			out = append(out, refuse(ReasonEntryExpired, "directory entry %d of %s", trust.entry.entry.Version, state))
		case trust.entry == nil:
			out = append(out, refuse(ReasonNotInDirectory, "no directory entry of %s in use", state))
		}
		fresh := 0
		for _, crl := range trust.crls {
			if !crl.stale(at) {
				fresh++
			}
		}
		if fresh < len(v.casOf(state)) {
			out = append(out, refuse(ReasonCRLStale, "revocation list of %s is missing or out of date: proofs are pending", state))
		}
	}
	return out
}

func (v *View) casOf(state schemas.StateCode) [][]byte {
	for _, row := range v.list.States {
		if row.State == state {
			return row.CAs
		}
	}
	return nil
}

// Authority is the directory's row of an authority.
func (v *View) Authority(id schemas.AuthorityID) (*Authority, error) {
	authority, ok := v.authorities[id]
	if !ok {
		return nil, refuse(ReasonUnknownAuthority, "%s is in no directory entry", id)
	}
	return authority.row, nil
}

// Authorities are all rows of all directory entries, sorted by id.
func (v *View) Authorities() []*Authority {
	out := make([]*Authority, 0, len(v.authorities))
	for _, id := range slices.Sorted(maps.Keys(v.authorities)) {
		out = append(out, v.authorities[id].row)
	}
	return out
}

// ClientCAs are the CAs of all States, for a TLS server. It is a first sieve only: VerifyClient decides.
func (v *View) ClientCAs() *x509.CertPool { return v.clientCAs.Clone() }

// BrokerRoots are the CAs of the brokers' TLS server certificates.
func (v *View) BrokerRoots() *x509.CertPool { return v.brokerRoots.Clone() }

// BrokerSigner is the key of a broker's acceptance-signing certificate. Being on the list is what makes it good.
func (v *View) BrokerSigner(x5t string) (crypto.PublicKey, error) {
	key, ok := v.brokerSigners[x5t]
	if !ok {
		return nil, refuse(ReasonUnknownBroker, "no broker on the trust list signs with this certificate")
	}
	return key, nil
}

// VerifyClient proves who is at the other end of a TLS connection. It takes tls.ConnectionState.VerifiedChains, and
// trusts no more in them than that the peer holds the leaf's key.
//  1. The State is the one whose CA ends the chain; the certificate is proven again, by that State's CAs alone.
//  2. That State's directory lists exactly this certificate.
func (v *View) VerifyClient(chains [][]*x509.Certificate, at time.Time) (Proof, error) {
	if err := v.usable(at); err != nil {
		return Proof{}, err
	}
	if len(chains) == 0 || len(chains[0]) == 0 {
		return Proof{}, refuse(ReasonNoCertificate, "no verified certificate chain")
	}
	chain := chains[0]
	state, ok := v.owners[jose.Thumbprint(chain[len(chain)-1])]
	if !ok {
		return Proof{}, refuse(ReasonUntrustedCA, "the chain does not end in a listed CA")
	}
	proof, err := v.states[state].prove(chain[0], UsageTLS, at)
	if err != nil {
		return Proof{}, err
	}
	authority, ok := v.authorities[proof.authority]
	if !ok {
		return Proof{}, refuse(ReasonUnknownAuthority, "%s is in no directory entry", proof.authority)
	}
	if !slices.ContainsFunc(authority.tls, func(c *x509.Certificate) bool { return bytes.Equal(c.Raw, chain[0].Raw) }) {
		return Proof{}, refuse(ReasonNotInDirectory, "this TLS certificate of %s", proof.authority)
	}
	return proof, nil
}

// Signer proves the certificate that an authority signs with: the directory selects it by thumbprint, the State's CA
// proves it. at is the time for which it must hold.
func (v *View) Signer(from schemas.AuthorityID, x5t string, at time.Time) (Proof, error) {
	if err := v.usable(at); err != nil {
		return Proof{}, err
	}
	authority, ok := v.authorities[from]
	if !ok {
		return Proof{}, refuse(ReasonUnknownAuthority, "%s is in no directory entry", from)
	}
	for _, cert := range authority.signing {
		if jose.Thumbprint(cert) == x5t {
			return v.states[from.State()].proveListed(cert, UsageSigning, at)
		}
	}
	return Proof{}, refuse(ReasonNotInDirectory, "this signing certificate of %s", from)
}

// EncryptionKey proves the certificate to seal for: of those in force, the one that began last. Because it leads to a
// disclosure, an expired directory entry is a refusal here.
func (v *View) EncryptionKey(to schemas.AuthorityID, at time.Time) (Proof, error) {
	if err := v.reachable(to, at); err != nil {
		return Proof{}, err
	}
	var best Proof
	last := refuse(ReasonNotInDirectory, "%s has no encryption certificate", to)
	for _, cert := range v.authorities[to].encryption {
		proof, err := v.states[to.State()].proveListed(cert, UsageEncryption, at)
		switch {
		case err != nil:
			last = err
		case best.certificate == nil || cert.NotBefore.After(best.certificate.NotBefore):
			best = proof
		}
	}
	if best.certificate == nil {
		return Proof{}, last
	}
	return best, nil
}

// reachable refuses an authority that is unknown, not connected, or whose State's entry has run out.
func (v *View) reachable(id schemas.AuthorityID, at time.Time) error {
	if err := v.usable(at); err != nil {
		return err
	}
	authority, ok := v.authorities[id]
	if !ok {
		return refuse(ReasonUnknownAuthority, "%s is in no directory entry", id)
	}
	if authority.row.Kind == KindNotConnected {
		return refuse(ReasonNotConnected, "%s", id)
	}
	if v.states[id.State()].entry.expired(at) {
		return refuse(ReasonEntryExpired, "directory entry of %s", id.State())
	}
	return nil
}

// onPaper refuses an authority that is unknown, that Comity reaches, or whose State's entry has run out.
func (v *View) onPaper(id schemas.AuthorityID, at time.Time) error {
	err := v.reachable(id, at)
	switch {
	case err == nil:
		return refuse(ReasonConnected, "%s", id)
	case ReasonOf(err) != ReasonNotConnected:
		return err
	case v.states[id.State()].entry.expired(at):
		return refuse(ReasonEntryExpired, "directory entry of %s", id.State())
	}
	return nil
}

// Route finds the agreement that lets one authority write to another on a channel. It asks shared public state only,
// so both desks and the broker come to the same answer.
func (v *View) Route(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) (*Agreement, error) {
	return v.route(from, to, ch, at, v.reachable)
}

// PaperRoute is Route to an authority that is not connected: everything is asked as of a connected one, but that nothing
// goes over Comity. It refuses a connected authority, to which nothing goes on paper.
func (v *View) PaperRoute(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) (*Agreement, error) {
	return v.route(from, to, ch, at, v.onPaper)
}

func (v *View) route(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time, recipient func(schemas.AuthorityID, time.Time) error) (*Agreement, error) {
	for _, end := range []struct {
		id    schemas.AuthorityID
		check func(schemas.AuthorityID, time.Time) error
	}{{from, v.reachable}, {to, recipient}} {
		if err := end.check(end.id, at); err != nil {
			return nil, err
		}
		if !slices.Contains(v.authorities[end.id].row.Channels, ch) {
			return nil, refuse(ReasonChannelNotServed, "%s on %s", end.id, ch)
		}
	}
	for i := range v.list.Agreements {
		if a := &v.list.Agreements[i]; a.covers(from, to, ch, at) {
			return a, nil
		}
	}
	return nil, refuse(ReasonRouteNotInForce, "%s to %s on %s", from, to, ch)
}

// Instruments lists what a message between two authorities on a channel may rest on: the instruments of every agreement
// in force that covers them, and the Convention itself where both directory rows take it as a basis.
func (v *View) Instruments(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) []string {
	var names []string
	for i := range v.list.Agreements {
		if a := &v.list.Agreements[i]; a.covers(from, to, ch, at) {
			names = append(names, a.Instruments...)
		}
	}
	a, b := v.authorities[from], v.authorities[to]
	if a != nil && b != nil && a.row.UNTOCBasis && b.row.UNTOCBasis {
		names = append(names, UNTOC)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// covers tells whether an agreement lets one authority write to another on a channel.
func (a *Agreement) covers(from, to schemas.AuthorityID, ch schemas.Channel, at time.Time) bool {
	return from.State() != to.State() && slices.Contains(a.Parties, from.State()) && slices.Contains(a.Parties, to.State()) &&
		slices.Contains(a.Channels, ch) && a.InForce(at)
}
