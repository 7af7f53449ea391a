package agent

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"comity/agent/api"
	"comity/agent/search"
	"comity/agent/store"
)

const (
	searchBatch = 500 // messages that are added to the index in one transaction
	searchLimit = 100 // that one search shows
	// searchPause keeps many messages from each writing a block by itself.
	searchPause = 2 * time.Second
)

// Search finds the exchanged messages whose content has every one of some words, the last first, without their content. What is a
// draft, under review or withheld is not in the index, so the answer is the same for everybody who may read content, and neither
// it nor its time tells of what one may not read.
func (a *Agent) Search(ctx context.Context, words string) ([]api.Message, error) {
	asked := search.InText(words)
	if len(asked) == 0 || len(asked) > search.MaxQuery {
		return nil, problem(api.ReasonRequest, "a search has 1 to 12 different words", "comity search WORD [WORD…]")
	}
	if err := a.makeSearchable(ctx); err != nil {
		return nil, err
	}
	shown := []api.Message{}
	var damaged []int64
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		damaged, err = tx.Find(asked, func(k store.Key) (bool, error) {
			m, err := tx.BareMessage(k)
			if err != nil {
				return false, err
			}
			one := show(m, nil)
			if !one.Withheld && m.Payload != nil {
				shown = append(shown, one)
			}
			return len(shown) < searchLimit, nil
		})
		return err
	})
	if err == nil && len(damaged) > 0 {
		a.log.Warn("the index of words is damaged, and is made anew", slog.Int("blocks", len(damaged)))
		if err = a.store.Update(ctx, func(tx *store.Tx) error { return tx.DropBlocks(damaged) }); err == nil {
			return a.Search(ctx, words)
		}
	}
	return shown, err
}

// makeSearchable adds to the index what it lacks: all of it, where it was lost.
func (a *Agent) makeSearchable(ctx context.Context) error {
	for {
		lacks := 0
		err := a.store.View(ctx, func(tx *store.Tx) error {
			some, err := tx.Unsearchable(1)
			lacks = len(some)
			return err
		})
		if err != nil || lacks == 0 {
			return err
		}
		err = a.store.Update(ctx, func(tx *store.Tx) error {
			some, err := tx.Unsearchable(searchBatch)
			if err != nil {
				return err
			}
			var entries []store.Entry
			for _, m := range some {
				entries = append(entries, store.Entry{Key: m.Key, Words: search.InPayload(m.Payload)})
			}
			return tx.AddEntries(entries)
		})
		if err != nil {
			return err
		}
	}
}

// searchAll keeps the index up to date while nobody searches. It returns when ctx ends.
func (a *Agent) searchAll(ctx context.Context) error {
	events, stop := a.changes.listen()
	defer stop()
	for {
		if err := a.makeSearchable(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, store.ErrClosed) {
			a.log.Error("adding to the index of words", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-events:
		}
		timer := time.NewTimer(searchPause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}
