package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"comity/agent/api"
	"comity/agent/store"
	"comity/schemas"
	"comity/schemas/lifecycle"
)

// The content of a case goes when the time is over for which its channel keeps it (agent/retention). Hashes, numbers, receipts
// and the journal stay: they prove that a file which somebody has was exchanged, and which it was not.
//
//  1. A case that is over is due when its time is, counted from the last thing in it by our own clock, unless it is kept.
//  2. Two persons confirm exactly what stands there, or nobody has to where agent.toml says so.
//  3. One transaction erases the content and leaves its evidence in the home log.
//  4. What that leaves on the disk goes: files of evidence, free pages, the database's log. Until then the erasure is noted as
//     not done, and whoever starts the agent next has it done.
//
// Nothing of it is sent to anybody, and the protection register is not touched. It may tell nobody that something was under
// review: what was, is discarded like any draft, and a case is due whether it holds such a message or not.

// What must end before a case can be erased. The set is closed.
const (
	waitsOnItsWay    = "on-its-way" // a message is about to leave, without a receipt, or not looked at yet
	waitsComparison  = "comparison" // this desk or the peer makes up for a restore
	waitsTeam        = "team"       // another case of the same team is not due
	retentionBatch   = 200
	erasuresAtOnce   = 50
	retentionAgain   = time.Hour
	erasurePause     = 5 * time.Second // at least, between two times that the database is written anew
	erasureConfirmed = 2
)

// closedAt is the time from which a case that is over is kept: the last thing in it by our own clock, so that no peer can move
// it; zero while it is open.
func closedAt(state lifecycle.Case, messages []*store.Message, now time.Time) (last time.Time) {
	if state.Open {
		return time.Time{}
	}
	for _, m := range messages {
		if !m.Counts() {
			continue
		}
		at := m.StoredAt
		if m.Direction == store.Out {
			at = m.ReceiptedAt
			if at.IsZero() {
				at = m.SentAt
			}
		}
		if at.After(last) {
			last = at
		}
	}
	if end := state.Expires; end.After(last) && !end.After(now) {
		last = end
	}
	return last
}

// erasedProblem refuses what needs the content of a case that has none any more.
func erasedProblem(tx *store.Tx, id schemas.CaseID) error {
	e, err := tx.Erased(id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return orProblem(err, ReasonErased, fmt.Sprintf("the content of case %s was erased on %s: the time for which it was kept is over", id, day(e.At)),
		"its hashes and receipts stand in the journal; a file of it that somebody kept can be held against them with comity verify")
}

// standing is a case as retention sees it.
type standing struct {
	file     *store.CaseFile
	messages []*store.Message
	files    []*store.Evidence
	due      time.Time // zero: never
	digest   store.Hash
	waits    string
	hold     store.LegalHold
}

// standingOf reads it. peersToo asks the other cases of a team as well.
func (a *Agent) standingOf(tx *store.Tx, file *store.CaseFile, peersToo bool) (s standing, err error) {
	s.file = file
	if term := a.config.Retention.Of(file.Channel); !term.Never() && !file.ClosedAt.IsZero() {
		s.due = term.After(file.ClosedAt)
	}
	if s.hold, err = tx.LegalHold(file.ID); err != nil && !errors.Is(err, store.ErrNotFound) {
		return s, err
	}
	if s.messages, err = tx.AllOfCase(file.ID); err != nil {
		return s, err
	}
	if s.files, err = tx.EvidenceOfCase(file.ID, maxEvidence); err != nil {
		return s, err
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "comity erasure\n%s\n%d\n", file.ID, file.ClosedAt.UnixMilli())
	for _, m := range s.messages {
		fmt.Fprintf(hash, "message %s %s %x %v\n", m.Sender, m.ID, m.PayloadSHA256, m.Payload == nil)
	}
	for _, e := range s.files {
		fmt.Fprintf(hash, "file %s %s %x\n", e.Owner, e.Manifest.ID, e.SHA256)
	}
	s.digest = store.Hash(hash.Sum(nil))
	s.waits, err = a.waitsFor(tx, s, peersToo)
	return s, err
}

// isDue tells whether the content may go once it is confirmed.
func (s standing) isDue(now time.Time) bool {
	return !s.due.IsZero() && !s.due.After(now) && s.hold.Reason == ""
}

func (a *Agent) waitsFor(tx *store.Tx, s standing, peersToo bool) (string, error) {
	unsettled := []store.State{store.Approved, store.ToPrint, store.Sent, store.Expired}
	unlabelled := []store.Screening{store.ScreenPending, store.ScreenClearing, store.ScreenQuarantining}
	teams := map[string]bool{}
	for _, m := range s.messages {
		if slices.Contains(unsettled, m.State) || m.Direction == store.In && slices.Contains(unlabelled, m.Screening) {
			return waitsOnItsWay, nil
		}
		if m.Team != "" {
			teams[m.Team] = true
		}
	}
	if r, err := a.openRecall(tx, s.file.Peer); err != nil || r != nil {
		return waitsComparison, err
	}
	if !peersToo {
		return "", nil
	}
	// A team is read from all of its items: none goes while another can still be added to.
	others := map[schemas.CaseID]bool{s.file.ID: true}
	for name := range teams {
		items, err := tx.MessagesOfTeam(name)
		if err != nil {
			return "", err
		}
		for _, m := range items {
			if others[m.Case] {
				continue
			}
			others[m.Case] = true
			file, err := tx.Case(m.Case)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return "", err
			}
			other, err := a.standingOf(tx, file, false)
			if err != nil || other.waits != "" || !other.isDue(a.now()) {
				return waitsTeam, err
			}
		}
	}
	return "", nil
}

func (a *Agent) showStanding(tx *store.Tx, s standing) (api.RetentionCase, error) {
	shown := api.RetentionCase{
		Case: s.file.ID, Peer: s.file.Peer, Channel: s.file.Channel, ClosedAt: s.file.ClosedAt, DueAt: s.due, Messages: len(s.messages), Files: len(s.files),
		Digest: hex.EncodeToString(s.digest[:]), Waits: s.waits, Kept: s.hold.Reason, KeptBy: s.hold.Person, KeptAt: s.hold.At,
	}
	var err error
	shown.ConfirmedBy, err = tx.ErasureWords(s.file.ID, s.digest)
	return shown, err
}

// showRetention adds to a case for how long its content is kept, or since when it is gone.
func (a *Agent) showRetention(tx *store.Tx, file *store.CaseFile, shown *api.Case) error {
	e, err := tx.Erased(file.ID)
	if err == nil {
		shown.ErasedAt, shown.MayNow = e.At, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if term := a.config.Retention.Of(file.Channel); !term.Never() && !file.ClosedAt.IsZero() && file.ClosedAt.After(e.Closed) {
		shown.EraseAfter = term.After(file.ClosedAt)
	}
	hold, err := tx.LegalHold(file.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	shown.Kept = hold.Reason
	return err
}

// dueCases are those whose time is over and that nobody keeps, the oldest first, whether something must end before or not.
func (a *Agent) dueCases(tx *store.Tx, limit int) (due []standing, err error) {
	now := a.now()
	for _, channel := range schemas.Channels() {
		term := a.config.Retention.Of(channel)
		if term.Never() {
			continue
		}
		files, err := tx.CasesClosedBy(channel, term.Before(now), limit)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			s, err := a.standingOf(tx, file, true)
			if err != nil {
				return nil, err
			}
			if s.isDue(now) {
				due = append(due, s)
			}
		}
	}
	slices.SortStableFunc(due, func(x, y standing) int { return x.due.Compare(y.due) })
	return due[:min(len(due), limit)], nil
}

// Retention lists what is due and what is kept.
func (a *Agent) Retention(ctx context.Context) (api.Retention, error) {
	shown := api.Retention{Confirm: string(a.config.Retention.Confirm), Terms: map[string]string{}, Due: []api.RetentionCase{}, Kept: []api.RetentionCase{}}
	for channel, term := range a.config.Retention.Terms {
		shown.Terms[string(channel)] = term.String()
	}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		due, err := a.dueCases(tx, retentionBatch)
		if err != nil {
			return err
		}
		holds, err := tx.LegalHolds(retentionBatch)
		if err != nil {
			return err
		}
		for _, hold := range holds {
			file, err := tx.Case(hold.Case)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			s, err := a.standingOf(tx, file, true)
			if err != nil {
				return err
			}
			one, err := a.showStanding(tx, s)
			if err != nil {
				return err
			}
			shown.Kept = append(shown.Kept, one)
		}
		for _, s := range due {
			one, err := a.showStanding(tx, s)
			if err != nil {
				return err
			}
			shown.Due = append(shown.Due, one)
		}
		return nil
	})
	return shown, err
}

// EraseCase is one of the two words that let the content of a case go. It covers exactly what the list showed.
func (a *Agent) EraseCase(ctx context.Context, by string, id schemas.CaseID, e api.Erasure, proof []byte) (shown api.RetentionCase, err error) {
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		s, err := a.erasable(tx, by, id, e.Digest)
		if err != nil {
			return err
		}
		err = errors.Join(
			tx.AddErasureWord(store.ErasureWord{Case: id, Digest: s.digest, Person: by, At: a.now(), Proof: proof}),
			a.recordHome(tx, eventErasure, schemas.MessageID(id), s.digest, by),
		)
		if err != nil {
			return err
		}
		if shown, err = a.showStanding(tx, s); err != nil || len(shown.ConfirmedBy) < erasureConfirmed {
			return err
		}
		shown.ErasedAt = a.now()
		return a.eraseCase(tx, s, by)
	})
	if err == nil && !shown.ErasedAt.IsZero() {
		a.changes.tell(api.Event{Case: id})
		a.erased.give()
	}
	return shown, err
}

// erasable asks whether a person may confirm that the content of a case goes.
func (a *Agent) erasable(tx *store.Tx, by string, id schemas.CaseID, digest string) (s standing, err error) {
	file, err := tx.Case(id)
	if errors.Is(err, store.ErrNotFound) {
		return s, problem(ReasonNotFound, "no such case", "comity retention list shows those that are due")
	}
	if err != nil {
		return s, err
	}
	if s, err = a.standingOf(tx, file, true); err != nil {
		return s, err
	}
	words, err := tx.ErasureWords(id, s.digest)
	if err != nil {
		return s, err
	}
	together, err := a.sameSide(tx, by, slices.DeleteFunc(slices.Clone(words), func(name string) bool { return name == by }))
	switch {
	case err != nil:
		return s, err
	case s.hold.Reason != "":
		return s, problem(ReasonState, "this case is kept beyond its time: "+s.hold.Reason, "comity retention unhold ends that")
	case !s.isDue(a.now()):
		return s, problem(ReasonState, "the time for which this case is kept is not over", "comity retention list shows those that are due")
	case s.waits != "":
		return s, problem(ReasonState, "something in this case must end first: "+s.waits, "confirm again later")
	case digest != hex.EncodeToString(s.digest[:]):
		return s, problem(ReasonOtherBytes, "what stands in this case is not what you were shown", "comity retention list, then confirm again")
	case together:
		return s, problem(ReasonFourEyes, "a person and who stands in for them are not two persons", "ask a colleague")
	}
	return s, nil
}

// KeepCase has the content of a case stay beyond its time, open or over.
func (a *Agent) KeepCase(ctx context.Context, by, prefix string, k api.Keeping) (api.RetentionCase, error) {
	if !slices.Contains(api.KeepReasons(), k.Reason) {
		return api.RetentionCase{}, problem(api.ReasonRequest, "that is no reason to keep a case", fmt.Sprintf("one of %v", api.KeepReasons()))
	}
	return a.onKept(ctx, prefix, func(tx *store.Tx, file *store.CaseFile) error {
		if err := erasedProblem(tx, file.ID); err != nil {
			return err
		}
		return errors.Join(
			tx.PutLegalHold(store.LegalHold{Case: file.ID, Reason: k.Reason, Person: by, At: a.now()}),
			a.recordHome(tx, eventKept, schemas.MessageID(file.ID), sha256.Sum256([]byte(k.Reason)), by),
		)
	})
}

// EndKeeping has it stay no longer than its time.
func (a *Agent) EndKeeping(ctx context.Context, by, prefix string) (api.RetentionCase, error) {
	return a.onKept(ctx, prefix, func(tx *store.Tx, file *store.CaseFile) error {
		hold, err := tx.LegalHold(file.ID)
		if errors.Is(err, store.ErrNotFound) {
			return problem(ReasonState, "nobody keeps this case beyond its time", "comity retention list shows those that are kept")
		}
		return errors.Join(err, tx.DropLegalHold(file.ID), a.recordHome(tx, eventUnkept, schemas.MessageID(file.ID), sha256.Sum256([]byte(hold.Reason)), by))
	})
}

func (a *Agent) onKept(ctx context.Context, prefix string, change func(*store.Tx, *store.CaseFile) error) (shown api.RetentionCase, err error) {
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		found, err := tx.CasesByPrefix(prefix, 2)
		if err != nil {
			return err
		}
		if err := exactlyOne(len(found), "case"); err != nil {
			return err
		}
		if err := change(tx, found[0]); err != nil {
			return err
		}
		s, err := a.standingOf(tx, found[0], true)
		if err == nil {
			shown, err = a.showStanding(tx, s)
		}
		return err
	})
	return shown, err
}

// checkRetention says how long things are kept, and names what never goes.
func (a *Agent) checkRetention(tx *store.Tx) (api.Check, error) {
	check := api.Check{Name: "retention", OK: true, Detail: a.config.Retention.String()}
	if kept := a.config.Retention.Kept(); len(kept) > 0 {
		check.Hint = fmt.Sprintf("content of %v is never erased: see that the law wants it so ([retention] in agent.toml)", kept)
	}
	due, err := a.countDue(tx)
	left, failed := tx.ErasuresLeft(1)
	switch {
	case len(left) > 0:
		check.OK, check.Hint = false, "something that was erased is still on the disk: start the agent again, and look at its log"
	case due > 0:
		check.Detail += fmt.Sprintf("; %d cases are due", due)
		check.Hint = "comity retention list shows them; two persons confirm with comity retention run"
	}
	return check, errors.Join(err, failed)
}

// countDue counts what is due as far as one list shows it, and reads no message.
func (a *Agent) countDue(tx *store.Tx) (n int, err error) {
	for _, channel := range schemas.Channels() {
		term := a.config.Retention.Of(channel)
		if term.Never() {
			continue
		}
		files, err := tx.CasesClosedBy(channel, term.Before(a.now()), retentionBatch)
		if err != nil {
			return n, err
		}
		for _, file := range files {
			_, err := tx.LegalHold(file.ID)
			if errors.Is(err, store.ErrNotFound) && !term.After(file.ClosedAt).After(a.now()) {
				n++
			}
		}
	}
	return n, nil
}
