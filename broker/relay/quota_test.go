package relay

import (
	"testing"
	"time"

	"comity/schemas"
)

func TestBucketsBoundMessagesAndBytes(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	b := newBuckets(Quota{Messages: 1, MessageBurst: 2, Bytes: 100, ByteBurst: 250})
	for i, step := range []struct {
		after time.Duration
		who   schemas.AuthorityID
		size  int
		want  bool
	}{
		{0, "QM/justice", 100, true},
		{0, "QM/justice", 200, false}, // bytes: and takes no message token
		{0, "QM/justice", 100, true},
		{0, "QM/justice", 1, false}, // messages
		{0, "QM/border", 100, true}, // another's bucket
		{time.Second, "QM/justice", 100, true},
		{time.Second, "QM/justice", 1, false},
	} {
		if got := b.take(step.who, step.size, at.Add(step.after)); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestRoomLeavesSpaceForOthers(t *testing.T) {
	r := newRoom(Config{Waiting: 3, WaitingBytes: 100, PerSender: 2})
	enter := func(who schemas.AuthorityID, size int, want bool) {
		t.Helper()
		if got := r.enter(who, size); got != want {
			t.Errorf("%s with %d bytes: %v, want %v", who, size, got, want)
		}
	}
	enter("QM/justice", 10, true)
	enter("QM/justice", 10, true)
	enter("QM/justice", 10, false) // its own share
	enter("QN/justice", 81, false) // the bytes of all
	enter("QN/justice", 10, true)
	enter("QP/justice", 10, false) // the number of all
	r.leave("QM/justice", 10)
	enter("QP/justice", 10, true)
}
