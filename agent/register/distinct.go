package register

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"comity/schemas"
)

// Why a decision "not the same person" is refused.
var (
	ErrTwoOfficers = errors.New("the decision takes two different officers")
	ErrNoEntry     = errors.New("there is no such entry")
	ErrCertain     = errors.New("a document number is equal: that is the same person")
)

// decision is who decided what, sealed in the file.
type decision struct {
	By      [2]string `json:"by"`
	At      time.Time `json:"at"`
	Content digest    `json:"c"` // of the entry that they looked at: any change of it undoes the decision
}

// Distinct records the decision of two officers that a person is not the one of an entry. It holds for exactly this identity
// (spelling, order and script aside) until the entry changes, and never against an equal document number.
func (r *Register) Distinct(ctx context.Context, who schemas.Identity, id EntryID, by [2]string) error {
	if by[0] == "" || by[1] == "" || by[0] == by[1] {
		return fmt.Errorf("deciding that a person is not the one registered: %w", ErrTwoOfficers)
	}
	err := r.update(ctx, func(c *change) error {
		e := c.before.byID[id]
		if e == nil {
			return ErrNoEntry
		}
		m := r.keys.mac()
		defer r.keys.release(m)
		asked := m.identity(&who)
		for _, d := range asked.documents {
			if slices.ContainsFunc(e.who.documents, func(o documentCode) bool { return o.number == d.number }) {
				return ErrCertain
			}
		}
		pair := distinction{id, r.keys.person(&who)}
		plain, err := json.Marshal(decision{By: by, At: c.now.UTC(), Content: e.card.Content})
		if err != nil {
			return err
		}
		c.decided[pair] = e.card.Content
		_, err = c.tx.ExecContext(ctx, `INSERT INTO distinction (entry, person, decision) VALUES (?, ?, ?)
			ON CONFLICT (entry, person) DO UPDATE SET decision = excluded.decision`,
			string(id), pair.person[:], r.keys.seal("distinction", pair.row(), plain))
		return err
	})
	if err != nil {
		return fmt.Errorf("deciding that a person is not the one registered: %w", err)
	}
	return nil
}

func (d distinction) row() string { return string(d.entry) + "/" + string(d.person[:]) }

// readDistinctions does not miss a decision that was taken away: without it more is held, not less.
func (r *Register) readDistinctions(ctx context.Context) (map[distinction]digest, error) {
	rows, err := r.db.QueryContext(ctx, "SELECT entry, person, decision FROM distinction")
	if err != nil {
		return nil, damaged(ctx, err)
	}
	defer rows.Close()
	found := map[distinction]digest{}
	for rows.Next() {
		var id string
		var person, sealed []byte
		if err := rows.Scan(&id, &person, &sealed); err != nil {
			return nil, damaged(ctx, err)
		}
		if len(person) != len(digest{}) {
			return nil, ErrCorrupt
		}
		pair := distinction{EntryID(id), digest(person)}
		plain, err := r.keys.open("distinction", pair.row(), sealed)
		if err != nil {
			return nil, err
		}
		var d decision
		if err := json.Unmarshal(plain, &d); err != nil {
			return nil, ErrCorrupt
		}
		found[pair] = d.Content
	}
	if err := rows.Err(); err != nil {
		return nil, damaged(ctx, err)
	}
	return found, nil
}
