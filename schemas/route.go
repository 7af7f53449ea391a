package schemas

// MaxSealed bounds a sealed message in bytes: a payload of PayloadLimits, encoded three times over and padded, fits. Desks
// and broker share it, so that nothing is numbered and sealed that the broker would then refuse for its size.
const MaxSealed = 2 << 20

// Route is what the broker may know of a message: who sends it to whom on which channel, under which id. It stands in
// the protected header of the sealed envelope (DESIGN section 6); the recipient's desk refuses a message whose signed
// inner header says anything else.
type Route struct {
	From    AuthorityID `json:"from"`
	To      AuthorityID `json:"to"`
	Channel Channel     `json:"channel"`
	// ID is unique within From. The broker suppresses a second submission of the same (From, ID) for two minutes only.
	ID MessageID `json:"id"`
	// Suite is the number of the cryptographic suite (agent/envelope).
	Suite int `json:"suite"`
	// Key is the SHA-256 thumbprint (RFC 7515 section 4.1.8 form) of the recipient's encryption certificate.
	Key string `json:"kid"`
}

// Check parses each member again and so refuses a route whose text is not in its exact form.
func (r Route) Check() error {
	if _, err := ParseAuthorityID(string(r.From)); err != nil {
		return err
	}
	if _, err := ParseAuthorityID(string(r.To)); err != nil {
		return err
	}
	if _, err := ParseChannel(string(r.Channel)); err != nil {
		return err
	}
	_, err := ParseMessageID(string(r.ID))
	return err
}
