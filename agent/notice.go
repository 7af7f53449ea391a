package agent

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"comity/agent/api"
	"comity/schemas"
)

// NoticeKind is something that the agent dealt with by itself. An honest network gives cause for each now and then; an
// officer who sees many knows where to look. The set is closed.
type NoticeKind string

// The notices. What an honest network gives no cause for is an alarm.
const (
	NoticeDuplicate    NoticeKind = "duplicate"         // what was here already came again, and had its receipt again
	NoticeOutOfOrder   NoticeKind = "out-of-order"      // a number came after a later one
	NoticeAsked        NoticeKind = "asked-for-missing" // a peer was asked for numbers that had not come
	NoticeAskedByPeer  NoticeKind = "asked-by-peer"     // a peer asked for numbers of ours
	NoticePeerRestored NoticeKind = "peer-restored"     // a peer has lost what it had, and was given back what was its own
	NoticeSentAgain    NoticeKind = "sent-again"        // no receipt came in time: the same bytes were submitted again
	NoticeNoAcceptance NoticeKind = "no-acceptance"     // the broker gave no answer to rely on: the bytes were submitted again
)

const (
	// replayedAfter is how many copies of one number are still taken for the work of an honest sender whose receipts get
	// lost: with doubled pauses it has sent so many after some hours.
	replayedAfter = 8
	maxCounted    = 10_000 // numbers whose copies are counted at one time
)

// notices counts what was noticed since the start. It is not kept over a restart: the alarms are.
type notices struct {
	mu     sync.Mutex
	seen   map[noticed]*api.Noticed
	counts map[numberOf]int
}

type noticed struct {
	kind NoticeKind
	peer schemas.AuthorityID
}

type numberOf struct {
	peer schemas.AuthorityID
	seq  uint64
}

func newNotices() *notices {
	return &notices{seen: map[noticed]*api.Noticed{}, counts: map[numberOf]int{}}
}

func (n *notices) note(kind NoticeKind, peer schemas.AuthorityID, at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	row := n.seen[noticed{kind, peer}]
	if row == nil {
		row = &api.Noticed{Kind: string(kind), Peer: peer}
		n.seen[noticed{kind, peer}] = row
	}
	row.Count++
	row.LastAt = at.UTC().Truncate(time.Millisecond)
}

// copies counts one more copy of a number that was here already, and returns how many there were.
func (n *notices) copies(peer schemas.AuthorityID, seq uint64) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.counts) >= maxCounted {
		clear(n.counts) // a flood of many numbers counts itself again soon enough
	}
	n.counts[numberOf{peer, seq}]++
	return n.counts[numberOf{peer, seq}]
}

// list is what was noticed, in a fixed order.
func (n *notices) list() []api.Noticed {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []api.Noticed
	for _, row := range n.seen {
		all = append(all, *row)
	}
	slices.SortFunc(all, func(a, b api.Noticed) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Peer, b.Peer))
	})
	return all
}
