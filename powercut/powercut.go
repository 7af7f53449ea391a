// Package powercut lets a test cut the power of a real process at a point that it names: a moment before a durable step
// takes effect, or a moment after it has and before anybody was told. That a message is neither lost nor doubled then is
// shown by trying every point (cmd/comity, TestPowerCut).
//
// It does nothing unless the environment variable COMITY_POWER_CUT was set when the process began, and then trusts whoever
// set it: they could have killed the process as well. It must never do anything but end the process, and never be asked
// whether something may happen.
package powercut

import (
	"os"
	"strings"
	"syscall"
)

// Variable names the file in which the next cut stands, as "point moment". The process reads it at each point that it
// passes, and removes it before it dies of it, so that it lives on when it is started again.
const Variable = "COMITY_POWER_CUT"

// Point is a durable step. The set is closed.
type Point string

// The points of an agent. A step that is one transaction has the name of what is true once it is committed.
const (
	Drafted      Point = "drafted"
	Edited       Point = "edited"
	Discarded    Point = "discarded"
	Approved     Point = "approved"
	SignedAlone  Point = "signed-alone"
	LookedAgain  Point = "looked-again"
	Stopped      Point = "stopped"       // policy put a message under review
	OfficerWord  Point = "officer-word"  // a protection officer decided about it
	Sealed       Point = "sealed"        // numbered, signed, and in the outbox
	Submitted    Point = "submitted"     // the broker has answered; nothing of it is on disk here
	Planned      Point = "planned"       // what the broker answered is on disk
	Received     Point = "received"      // message, case, receipt and evidence
	PutAside     Point = "put-aside"     // bytes that nobody can be shown to have sent
	Acknowledged Point = "acknowledged"  // the broker has forgotten what was received
	Screened     Point = "screened"      // people may read it, or not
	Registered   Point = "registered"    // the protection register has whom it protects; nothing of it is noted here
	Labelled     Point = "labelled"      // and now it is
	Receipted    Point = "receipted"     // the peer's receipt is taken, the outbox let go
	AskedAgain   Point = "asked-again"   // a peer's request for numbers is taken
	Recalled     Point = "recalled"      // what a peer gave back after a restore is in its place
	GaveBack     Point = "gave-back"     // a peer's recall is answered
	Chores       Point = "chores"        // holes asked for, numbers closed, warnings raised
	TrustRenewed Point = "trust-renewed" // newer trust documents are accepted; an agent's and a broker's
)

// The points of a broker.
const (
	RelayStored   Point = "relay-stored"   // in the recipient's inbox stream
	RelayAnswered Point = "relay-answered" // the acceptance is on its way
	AccountsKept  Point = "accounts-kept"  // the accounts of new authorities
	InboxPrepared Point = "inbox-prepared" // stream and consumer of an authority
	HousePrepared Point = "house-prepared" // the broker's own accounts
)

// The points of an erasure, which comes years after everything else: the test of it cuts the power in a process of its own
// (agent, TestAnErasureIsFinishedAfterAPowerCut), so Points does not list them.
const (
	ErasedFiles Point = "erased-files" // files of evidence of a case whose content is erased
	ErasedPages Point = "erased-pages" // what of it was left in the database's file and log
)

// Points are all others.
func Points() []Point {
	return []Point{
		Drafted, Edited, Discarded, Approved, SignedAlone, LookedAgain, Stopped, OfficerWord, Sealed, Submitted, Planned, Received, PutAside,
		Acknowledged, Screened, Registered, Labelled, Receipted, AskedAgain, Recalled, GaveBack, Chores, TrustRenewed,
		RelayStored, RelayAnswered, AccountsKept, InboxPrepared, HousePrepared,
	}
}

// Moment is which side of the effect.
type Moment string

// The moments.
const (
	MomentBefore Moment = "before"
	MomentAfter  Moment = "after"
)

var schedule = os.Getenv(Variable)

// Armed tells whether a cut may come at all.
func Armed() bool { return schedule != "" }

// Before is passed when a step is ready and nothing of it is durable.
func Before(p Point) {
	if schedule != "" {
		pass(p, MomentBefore)
	}
}

// After is passed when a step is durable and nobody knows.
func After(p Point) {
	if schedule != "" {
		pass(p, MomentAfter)
	}
}

// Around is Before, the step and, where it succeeded, After.
func Around(p Point, step func() error) error {
	Before(p)
	err := step()
	if err == nil {
		After(p)
	}
	return err
}

// Cut is what a test writes into the file.
func Cut(p Point, m Moment) []byte { return []byte(string(p) + " " + string(m)) }

func pass(p Point, m Moment) {
	next, err := os.ReadFile(schedule)
	if err != nil || strings.TrimSpace(string(next)) != string(Cut(p, m)) {
		return
	}
	if os.Remove(schedule) != nil {
		return // another goroutine was faster
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
