package link

import (
	"context"
	"fmt"
)

// CheckInbox asks the broker for this authority's inbox, without taking anything from it.
func (l *Link) CheckInbox(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if _, err := l.js.Consumer(ctx, inboxStream, inboxConsumer); err != nil {
		return fmt.Errorf("asking for the inbox: %w", err)
	}
	return nil
}
