package agent

import (
	"crypto"
	"crypto/x509"
	"errors"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/store"
	"comity/pki/jose"
	"comity/pki/journal"
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

// approvals holds what is kept of an approval, and of the second look that followed one signature, against the message: who gave
// it, and that it was over these bytes. What a peer gave back after a restore has no approval here any more.
func (v *verification) approvals(log journal.Origin, m *store.Message) error {
	if m.ApprovedBy == "" {
		return nil
	}
	act := api.SignApproval
	look, err := v.tx.SecondLook(m.Key)
	switch {
	case err == nil:
		act = api.SignAlone
		if look.Person != "" {
			v.signed(log, m, api.SignSecondLook, look.Person, look.Proof)
		}
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	v.signed(log, m, act, m.ApprovedBy, m.Approval)
	return nil
}

// signed holds one proof against the message that it is of.
func (v *verification) signed(log journal.Origin, m *store.Message, act api.Signing, by string, kept []byte) {
	method, target, body, err := act.Command(m.ID, api.Approval{SHA256: hexOf(m.PayloadSHA256)})
	if err != nil {
		v.note(defectUnproved, log, int64(m.Seq), "its %s cannot be proved", act)
		return
	}
	proof, err := account.ReadProof(kept, v.keys)
	switch {
	case errors.Is(err, account.ErrGone):
		v.report.Unlisted++
	case err != nil:
		v.note(defectUnproved, log, int64(m.Seq), "its %s cannot be proved", act)
	case proof.Person != by || !proof.Command.Is(v.a.me, method, target, body):
		v.note(defectUnproved, log, int64(m.Seq), "what stands for its %s is somebody else's, or over something else", act)
	default:
		v.report.Approvals++
		if proof.Own {
			v.report.OwnKey++
		}
	}
}
