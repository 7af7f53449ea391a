package account

import (
	"context"

	"comity/agent/store"
)

// Challenge is what a browser hands to its authenticator, and by which the answer finds back.
type Challenge struct {
	Token   string // good once, for a few minutes
	Options []byte // JSON, for navigator.credentials.get or create
}

// purpose is what a challenge was made for. The set is closed.
type purpose string

// The purposes.
const (
	purposeSecond purpose = "second-factor"
)

func (b *Book) askPasskey(_ context.Context, _ *store.Account, _ []*store.Passkey, _ purpose, _ []byte) (*Challenge, error) {
	return nil, ErrLogin
}
