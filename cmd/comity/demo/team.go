package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"comity/agent/api"
	"comity/cmd/comity/clerk"
	"comity/cmd/comity/sandbox"
	"comity/deploy/samples"
	"comity/schemas"
)

// teamLine is one step of a team's story as it went: an item, or several that crossed.
type teamLine struct {
	step     samples.TeamStep
	copies   []api.Message
	audience []schemas.AuthorityID
	unseen   []schemas.AuthorityID // members who were sent nothing of it, and hold nothing of it
	err      error
}

func (l teamLine) String() string {
	if l.err != nil {
		return fmt.Sprintf("FAILED  %s: %v", l.step.File, l.err)
	}
	slowest := int64(0)
	for _, m := range l.copies {
		slowest = max(slowest, m.ReceiptMillis)
	}
	unseen := ""
	if len(l.unseen) > 0 {
		unseen = ", unseen by " + states(l.unseen)
	}
	return fmt.Sprintf("ok  %s to %s  %-18s  team at %s: %s%s  %d copies, receipts in %d ms", states(l.step.By), states(l.audience),
		l.copies[0].Type.Name(), states(l.audience), l.step.State, unseen, len(l.copies), slowest)
}

func states(list []schemas.AuthorityID) string {
	var names []string
	for _, a := range list {
		names = append(names, string(a.State()))
	}
	return strings.Join(names, ", ")
}

// playTeam plays a team's story step by step. A step that fails ends it: each of the rest has failed with it.
func playTeam(ctx context.Context, s *sandbox.Sandbox, story samples.TeamStory, lines chan<- teamLine) {
	var failed error
	for _, step := range story.Steps {
		l := teamLine{step: step, err: failed}
		if failed == nil {
			bounded, cancel := context.WithTimeout(ctx, stepTimeout)
			l = playItem(bounded, s, story, step)
			cancel()
		}
		lines <- l
		if l.err != nil {
			failed = errors.New("not played: an earlier step failed")
		}
	}
}

// playItem plays one step:
//  1. each author's officer drafts the item once, and another person reads and approves every copy; several do so at the
//     same time;
//  2. each recipient's signed receipt comes back;
//  3. everybody in the audience sees the team where the story says, and nobody else holds the item.
func playItem(ctx context.Context, s *sandbox.Sandbox, story samples.TeamStory, step samples.TeamStep) teamLine {
	l := teamLine{step: step}
	sent := make([][]api.Message, len(step.By))
	failures := make([]error, len(step.By))
	var sending sync.WaitGroup
	for i, by := range step.By {
		sending.Go(func() { sent[i], failures[i] = shareItem(ctx, s, step.File, by) })
	}
	sending.Wait()
	l.copies, l.err = slices.Concat(sent...), errors.Join(failures...)
	if l.err != nil {
		return l
	}
	l.audience = []schemas.AuthorityID{step.By[0]}
	for _, m := range sent[0] {
		l.audience = append(l.audience, m.To)
	}
	for _, member := range story.Members {
		if !slices.Contains(l.audience, member) {
			l.unseen = append(l.unseen, member)
		}
	}
	slices.Sort(l.audience)
	l.err = errors.Join(checkAudience(ctx, s, l), checkUnseen(ctx, s, l))
	return l
}

// shareItem drafts an item, approves every copy and waits for every receipt.
func shareItem(ctx context.Context, s *sandbox.Sandbox, file string, by schemas.AuthorityID) ([]api.Message, error) {
	t := &table{sandbox: s}
	defer t.close()
	officer, err := t.seat(by, sandbox.Officer1)
	if err != nil {
		return nil, err
	}
	approver, err := t.seat(by, sandbox.Approver)
	if err != nil {
		return nil, err
	}
	draft, err := samples.TeamDraft(file, by, time.Now())
	if err != nil {
		return nil, err
	}
	made, err := officer.Draft(ctx, draft)
	if err != nil {
		return nil, explain("drafting at "+string(by), err)
	}
	for _, one := range made {
		m, err := approver.Message(ctx, string(one.ID))
		if err != nil {
			return nil, explain("reading before approval", err)
		}
		if err := clerk.CheckShown(m); err != nil {
			return nil, err
		}
		if _, err := approver.Approve(ctx, m.ID, m.SHA256); err != nil {
			return nil, explain("approving", err)
		}
	}
	for i, one := range made {
		if made[i], err = clerk.Await(ctx, officer, one.ID, "delivered"); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// checkAudience asks each recipient and each author how the team of the case stands.
func checkAudience(ctx context.Context, s *sandbox.Sandbox, l teamLine) error {
	t := &table{sandbox: s}
	defer t.close()
	for _, m := range l.copies {
		for _, who := range []schemas.AuthorityID{m.From, m.To} {
			officer, err := t.seat(who, sandbox.Officer2)
			if err != nil {
				return err
			}
			c, err := officer.Case(ctx, string(m.Case))
			if err != nil {
				return fmt.Errorf("case at %s: %w", who, err)
			}
			if c.Team == nil || c.Team.State != l.step.State {
				return fmt.Errorf("%s does not see the team %s: %+v", who, l.step.State, c.Team)
			}
		}
	}
	return nil
}

// checkUnseen makes sure that a member outside the audience holds no copy.
func checkUnseen(ctx context.Context, s *sandbox.Sandbox, l teamLine) error {
	t := &table{sandbox: s}
	defer t.close()
	for _, who := range l.unseen {
		officer, err := t.seat(who, sandbox.Officer2)
		if err != nil {
			return err
		}
		for _, m := range l.copies {
			if _, err := officer.Message(ctx, string(m.ID)); err == nil {
				return fmt.Errorf("%s holds %s, whose audience it is not in", who, m.ID)
			}
		}
	}
	return nil
}
