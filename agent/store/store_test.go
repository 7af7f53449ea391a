package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"comity/schemas"
)

func testColumns(t testing.TB) *Columns {
	t.Helper()
	columns, err := NewColumns(bytes.Repeat([]byte{7}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return columns
}

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, testColumns(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func sample(id schemas.MessageID) *Message {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	return &Message{
		Key:       Key{Sender: "QM/justice", ID: id},
		Recipient: "QN/justice", Direction: Out, State: InReview, Channel: schemas.ChannelMLA, Type: "mla.request/1",
		Case: "c", InReplyTo: "r", Outcome: "o", Urgency: "routine", Language: "en",
		Payload: []byte(`{"who":"TESTPERSON ALPHA-01"}`), PayloadSHA256: Hash{1}, DraftedAt: at, ApprovedBy: "approver", ApprovedAt: at,
		Approval: []byte("proof"), Seq: 3, Seen: 2, Prev: Hash{2}, JWS: []byte("jws"), JWSSHA256: Hash{3}, Wire: []byte("wire"),
		SentAt: at, ValidUntil: at.Add(time.Hour), StoredAt: at, Receipt: []byte("receipt"), Acceptance: []byte("acceptance"),
	}
}

func TestMessageRoundTrip(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	want := sample(schemas.NewMessageID())
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(want) }); err != nil {
		t.Fatal(err)
	}
	var got *Message
	if err := s.View(t.Context(), func(tx *Tx) (err error) { got, err = tx.Message(want.Key); return err }); err != nil {
		t.Fatal(err)
	}
	if !equalMessages(got, want) {
		t.Errorf("read back %+v\nwant %+v", got, want)
	}
}

func equalMessages(a, b *Message) bool {
	x, y := *a, *b
	same := bytes.Equal(x.Payload, y.Payload) && bytes.Equal(x.JWS, y.JWS) && bytes.Equal(x.Wire, y.Wire) &&
		bytes.Equal(x.Approval, y.Approval) && bytes.Equal(x.Receipt, y.Receipt) && bytes.Equal(x.Acceptance, y.Acceptance) &&
		x.DraftedAt.Equal(y.DraftedAt) && x.ValidUntil.Equal(y.ValidUntil)
	return same && x.Key == y.Key && x.State == y.State && x.Seq == y.Seq && x.Seen == y.Seen && x.Prev == y.Prev &&
		x.JWSSHA256 == y.JWSSHA256 && x.PayloadSHA256 == y.PayloadSHA256 && x.Case == y.Case && x.InReplyTo == y.InReplyTo
}

func TestFileHoldsNoPayloadInTheClear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	s := open(t, path)
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(sample(schemas.NewMessageID())) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	var found bool
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(content, []byte("TESTPERSON")) {
			t.Errorf("%s holds a payload in the clear", filepath.Base(file))
		}
		found = found || bytes.Contains(content, []byte("mla.request/1"))
	}
	if !found {
		t.Error("no file holds the row at all: the search above proves nothing")
	}
}

func TestAValueCannotBeMovedToAnotherRow(t *testing.T) {
	c := testColumns(t)
	sealed := c.seal("payload", "QM/justice/a", []byte("text"))
	if _, err := c.open("payload", "QM/justice/b", sealed); !errors.Is(err, ErrColumn) {
		t.Errorf("another row: %v, want ErrColumn", err)
	}
	if _, err := c.open("jws", "QM/justice/a", sealed); !errors.Is(err, ErrColumn) {
		t.Errorf("another column: %v, want ErrColumn", err)
	}
	if plain, err := c.open("payload", "QM/justice/a", sealed); err != nil || string(plain) != "text" {
		t.Errorf("its own place: %q, %v", plain, err)
	}
}

func TestOneProcessHoldsTheDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agent.db")
	open(t, path)
	if _, err := Open(t.Context(), path, testColumns(t)); !errors.Is(err, ErrInUse) {
		t.Errorf("second opening: %v, want ErrInUse", err)
	}
}

func TestAFailedTransactionTakesNothingWithIt(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	refused := errors.New("refused")
	var group sync.WaitGroup
	keys := make([]Key, 40)
	for i := range keys {
		m := sample(schemas.NewMessageID())
		m.Seq = 0
		keys[i] = m.Key
		group.Go(func() {
			err := s.Update(context.Background(), func(tx *Tx) error {
				if err := tx.PutMessage(m); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					return refused
				case 2:
					panic("broken caller")
				}
				return nil
			})
			if failed := i%4 == 1 || i%4 == 2; failed != (err != nil) {
				t.Errorf("transaction %d: error %v", i, err)
			}
		})
	}
	group.Wait()
	for i, k := range keys {
		err := s.View(t.Context(), func(tx *Tx) error { _, err := tx.Message(k); return err })
		if want := i%4 == 1 || i%4 == 2; errors.Is(err, ErrNotFound) != want {
			t.Errorf("message %d: %v, want absent %v", i, err, want)
		}
	}
}

func TestNoTwoMessagesShareANumber(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	a, b := sample(schemas.NewMessageID()), sample(schemas.NewMessageID())
	put := func(m *Message) error {
		return s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(m) })
	}
	if err := put(a); err != nil {
		t.Fatal(err)
	}
	if err := put(b); err == nil {
		t.Error("a second message took the same number")
	}
	b.Seq++
	if err := put(b); err != nil {
		t.Errorf("the next number: %v", err)
	}
}

func TestAlarmIsRaisedOnceUntilCleared(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	alarm := Alarm{Kind: "hole", Peer: "QN/justice", Subject: "7", RaisedAt: time.UnixMilli(1000)}
	for i, want := range []bool{true, false, true} {
		err := s.Update(t.Context(), func(tx *Tx) error {
			if i == 2 {
				if err := tx.ClearAlarm("hole", "QN/justice", "7", time.UnixMilli(2000)); err != nil {
					return err
				}
			}
			raised, err := tx.RaiseAlarm(alarm)
			if raised != want {
				t.Errorf("raising it for the %d. time: new = %v, want %v", i+1, raised, want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkGroupCommit(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "agent.db"))
	payload := bytes.Repeat([]byte("x"), 4096)
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m := sample(schemas.NewMessageID())
			m.Payload, m.Seq = payload, 0
			if err := s.Update(context.Background(), func(tx *Tx) error { return tx.PutMessage(m) }); err != nil {
				b.Error(err)
			}
		}
	})
}

// What Update returned for is on the disk, not in a cache: a power cut is not to be had in a test, so the database's own
// settings are asked.
func TestEveryCommitIsSynced(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1"} { // 2: FULL
		var got string
		if err := s.writer.sql.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
}

// A commit that fails takes its whole group with it, and the writer goes on.
func TestTheWriterOutlivesAFailedCommit(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	broken := errors.New("broken")
	if err := s.writer.transaction(t.Context(), beginWriting, func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("%v, want %v", err, broken)
	}
	if _, err := s.writer.ExecContext(t.Context(), "ROLLBACK"); err == nil {
		t.Error("a transaction was left open")
	}
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(sample(schemas.NewMessageID())) }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Close waits for whoever reads, and may be called again.
func TestCloseWaitsForReaders(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	reading, read, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.View(context.Background(), func(tx *Tx) error {
			close(reading)
			<-read
			_, err := tx.OutboxDepth()
			return err
		})
	}()
	<-reading
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	<-s.closed
	if err := s.View(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("reading while it closes: %v, want %v", err, ErrClosed)
	}
	close(read)
	if err := <-ended; err != nil {
		t.Errorf("the reader: %v", err)
	}
	if err := errors.Join(<-closed, s.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := s.View(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("reading what is closed: %v, want %v", err, ErrClosed)
	}
}

func BenchmarkRead(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "agent.db"))
	m := sample(schemas.NewMessageID())
	if err := s.Update(context.Background(), func(tx *Tx) error { return tx.PutMessage(m) }); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.View(context.Background(), func(tx *Tx) error { _, err := tx.Message(m.Key); return err }); err != nil {
			b.Fatal(err)
		}
	}
}

// Who reads a message without its sealed form and puts it back leaves the form as it is, and the erased one is gone.
func TestTheSealedFormOutlivesBareReaders(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	m := sample(schemas.NewMessageID())
	update := func(work func(*Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), work); err != nil {
			t.Fatal(err)
		}
	}
	now := func() *Message {
		t.Helper()
		var got *Message
		update(func(tx *Tx) (err error) { got, err = tx.Message(m.Key); return err })
		return got
	}
	update(func(tx *Tx) error { return tx.PutMessage(m) })
	update(func(tx *Tx) error {
		bare, err := tx.BareMessage(m.Key)
		if err != nil {
			return err
		}
		if bare.JWS != nil || bare.Wire != nil || !bytes.Equal(bare.Payload, m.Payload) {
			t.Errorf("a bare message is %+v", bare)
		}
		bare.State = Delivered
		return tx.PutMessage(bare)
	})
	if got := now(); got.State != Delivered || !bytes.Equal(got.JWS, m.JWS) || !bytes.Equal(got.Wire, m.Wire) {
		t.Errorf("after a bare reader: %+v", got)
	}
	update(func(tx *Tx) error { // a void takes the place of what was sent
		whole, err := tx.Message(m.Key)
		if err != nil {
			return err
		}
		whole.Wire = []byte("void")
		return tx.PutMessage(whole)
	})
	if got := now(); !bytes.Equal(got.JWS, m.JWS) || string(got.Wire) != "void" {
		t.Errorf("after a void: %+v", got)
	}
	update(func(tx *Tx) error {
		whole, err := tx.Message(m.Key)
		if err != nil {
			return err
		}
		whole.Payload, whole.JWS, whole.Wire = nil, nil, nil
		return tx.PutMessage(whole)
	})
	if got := now(); got.Payload != nil || got.JWS != nil || got.Wire != nil {
		t.Errorf("after it was erased: %+v", got)
	}
}

// A message is put back with no more than what changed of it, and whatever that was, it is read back so.
func TestWhatChangedOfAMessageIsKept(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "agent.db"))
	at := time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC)
	m := sample(schemas.NewMessageID())
	if err := s.Update(t.Context(), func(tx *Tx) error { return tx.PutMessage(m) }); err != nil {
		t.Fatal(err)
	}
	for i, change := range []func(*Message){
		func(m *Message) { m.State, m.Reason = Rejected, "fork" },
		func(m *Message) { m.Receipt, m.StoredAt, m.ReceiptedAt, m.Warned = []byte("r2"), at, at, 2 },
		func(m *Message) { m.ApprovedBy, m.Approval, m.ApprovedAt = "", nil, time.Time{} },
		func(m *Message) { m.Seq, m.Seen, m.Prev, m.JWSSHA256 = 9, 8, Hash{7}, Hash{6} },
		func(m *Message) {
			m.VoidID, m.VoidSHA256, m.SentAt, m.ValidUntil, m.SealedAt = "v", Hash{5}, at, at, at
		},
		func(m *Message) { m.Payload, m.PayloadSHA256 = []byte("edited"), Hash{4} },
		func(m *Message) {
			m.Home, m.Case, m.Team, m.Outcome, m.Urgency, m.Language = []byte("h"), "c2", "t", "o2", "urgent", "fr"
		},
		func(m *Message) {
			m.Channel, m.Type, m.InReplyTo, m.DraftedAt = schemas.ChannelBorder, "border.alert/1", "r2", at
		},
		func(m *Message) { m.Screening, m.Acceptance = ScreenClear, []byte("a2") },
		func(m *Message) { m.Payload, m.Home = nil, nil },
	} {
		var want Message
		err := s.Update(t.Context(), func(tx *Tx) error {
			m, err := tx.BareMessage(m.Key)
			if err != nil {
				return err
			}
			change(m)
			want = *m
			return tx.PutMessage(m)
		})
		if err != nil {
			t.Fatalf("change %d: %v", i, err)
		}
		var got *Message
		if err := s.View(t.Context(), func(tx *Tx) (err error) { got, err = tx.BareMessage(m.Key); return err }); err != nil {
			t.Fatal(err)
		}
		got.was, want.was = nil, nil
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("change %d: read back %+v\nwant %+v", i, *got, want)
		}
	}
}
