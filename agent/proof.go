package agent

import (
	"crypto"
	"crypto/x509"

	"comity/agent/account"
	"comity/pki/jose"
)

// proofKeys are whose signatures the proofs that are kept with approvals may bear: those of the staff that agent.toml lists, and
// this authority's own, also with a certificate that is not the newest.
func (a *Agent) proofKeys() account.Keys {
	own := map[string]crypto.PublicKey{jose.Thumbprint(a.identity.SigningCertificate): a.identity.Signing.Public()}
	if row, err := a.trust.View().Authority(a.me); err == nil {
		for _, der := range row.Certificates.Signing {
			if certificate, err := x509.ParseCertificate(der); err == nil {
				own[jose.Thumbprint(certificate)] = certificate.PublicKey
			}
		}
	}
	return account.Keys{Person: a.gate.ByCertificate, Agent: func(thumbprint string) crypto.PublicKey { return own[thumbprint] }}
}
