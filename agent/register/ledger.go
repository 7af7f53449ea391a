package register

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/go-json-experiment/json"
)

// ledger is what the register says about itself, sealed in one row: when it was last fed, and the roll, a sum over all rows. A
// row that another program changed, added, took away or put back from an older copy of the file makes the roll wrong. An older
// copy of the *whole* file is not noticed here; it is stale by its feed time.
type ledger struct {
	Fed   time.Time // when the authority made the newest feed
	Rows  int
	Roll  digest
	Feeds int // how many feeds there were
}

const ledgerName = "ledger"

// roll adds or takes away one row: the operation is its own inverse.
func (l *ledger) roll(row digest) {
	for i := range l.Roll {
		l.Roll[i] ^= row[i]
	}
}

// rowDigest stands for one row of entry.
func (m *mac) rowDigest(id EntryID, ref digest, codes, record []byte) digest {
	b := make([]byte, 0, len(id)+len(ref)+len(codes)+len(record)+2)
	b = append(b, id...)
	b = append(b, 0)
	b = append(b, ref[:]...)
	b = append(b, codes...)
	b = append(b, record...)
	return m.digest(forRoll, string(b))
}

func (r *Register) writeLedger(ctx context.Context, tx *sql.Tx, l ledger) error {
	plain, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		ledgerName, r.keys.seal("meta", ledgerName, plain))
	return err
}

// readLedger is also where a key of another register shows.
func (r *Register) readLedger(ctx context.Context) (ledger, error) {
	var sealed []byte
	err := r.db.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", ledgerName).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return ledger{}, ErrCorrupt
	}
	if err != nil {
		return ledger{}, damaged(ctx, err)
	}
	plain, err := r.keys.open("meta", ledgerName, sealed)
	if err != nil {
		return ledger{}, ErrForeignKey
	}
	var l ledger
	if err := json.Unmarshal(plain, &l); err != nil {
		return ledger{}, ErrCorrupt
	}
	return l, nil
}
