package lifecycle

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"

	"comity/schemas"
)

// letter is one message in a side's row. Its number is its place in the row, from 1.
type letter struct {
	move
	reply  schemas.MessageID
	seen   int  // how many letters of the other row its sender had, without a hole
	lawful bool // permitted where it stood, by all that its sender had seen and said
}

// world is everything that can differ between two moments of one case: what each side wrote, and what of it arrived.
type world struct {
	rows [2][]letter // by side, the requesting one first
	got  [2]uint32   // bit i: letter i of the other row has arrived here
	// order is how each side came to hold what it holds. It is no part of the key: another order of the same must lead to
	// the same, and each is tried once.
	order    [2][]Event
	unlawful int
}

var parties = [2]schemas.AuthorityID{qm, qn}

func letterID(side, i int) schemas.MessageID {
	return schemas.MessageID(fmt.Sprintf("%s%05d", parties[side].State().Lower(), i+1))
}

// event is letter i of a row as the lifecycle sees it.
func (x *explorer) event(side, i int, l letter) Event {
	return Event{
		ID: letterID(side, i), From: parties[side], To: parties[1-side], Seq: uint64(i + 1), Seen: uint64(l.seen),
		Type: schemas.MessageType(string(x.channel) + "." + l.name + "/1"), InReplyTo: l.reply, Outcome: l.outcome,
		Continues: side != 0 || i != 0,
	}
}

// contiguous is how many letters of the other row a side has without a hole.
func (w *world) contiguous(side int) int {
	n := 0
	for n < len(w.rows[1-side]) && w.got[side]&(1<<n) != 0 {
		n++
	}
	return n
}

// quiet says that nothing is on the way.
func (w *world) quiet() bool {
	return w.got[0] == 1<<len(w.rows[1])-1 && w.got[1] == 1<<len(w.rows[0])-1
}

func (x *explorer) send(w *world, side int, l letter) *world {
	next := &world{rows: w.rows, got: w.got, order: w.order, unlawful: w.unlawful}
	next.rows[side] = append(slices.Clip(w.rows[side]), l)
	next.order[side] = append(slices.Clip(w.order[side]), x.event(side, len(w.rows[side]), l))
	if !l.lawful {
		next.unlawful++
	}
	return next
}

func (x *explorer) deliver(w *world, side, i int) *world {
	next := &world{rows: w.rows, got: w.got, order: w.order, unlawful: w.unlawful}
	next.got[side] |= 1 << i
	next.order[side] = append(slices.Clip(w.order[side]), x.event(1-side, i, w.rows[1-side][i]))
	return next
}

// appendRow writes the first n letters of a row so that two rows are the same where their texts are.
func (x *explorer) appendRow(key []byte, row []letter, n int) []byte {
	for _, l := range row[:n] {
		flags := byte(l.seen) << 1
		if l.lawful {
			flags |= 1
		}
		key = append(key, flags)
		key = binary.BigEndian.AppendUint16(key, uint16(x.index[l.move]))
		key = append(append(key, l.reply...), ';')
	}
	return append(key, '|')
}

func (x *explorer) setKey(w *world) []byte {
	key := x.appendRow(nil, w.rows[0], len(w.rows[0]))
	return x.appendRow(key, w.rows[1], len(w.rows[1]))
}

func (x *explorer) key(w *world) string {
	key := x.setKey(w)
	key = binary.BigEndian.AppendUint32(key, w.got[0])
	return string(binary.BigEndian.AppendUint32(key, w.got[1]))
}

// viewKey names what a side wrote and saw.
func (x *explorer) viewKey(rows [2][]letter, side, mine, seen int) []byte {
	var lengths [2]int
	lengths[side], lengths[1-side] = mine, seen
	return x.appendRow(x.appendRow(nil, rows[0], lengths[0]), rows[1], lengths[1])
}

// past are the events of a view.
func (x *explorer) past(rows [2][]letter, side, mine, seen int) (events []Event) {
	for i, l := range rows[side][:mine] {
		if l.lawful {
			events = append(events, x.event(side, i, l))
		}
	}
	for i, l := range rows[1-side][:seen] {
		if l.lawful {
			events = append(events, x.event(1-side, i, l))
		}
	}
	return events
}

// view is the case as a side sees it that wrote mine and has seen the first seen letters of the other row. Both sides
// compute the same view of each message's past, so the verdict about an unlawful one is the same too; it is left out.
func (x *explorer) view(rows [2][]letter, side, mine, seen int) (*Case, error) {
	key := x.viewKey(rows, side, mine, seen)
	if c, ok := x.views[string(key)]; ok {
		return c, nil
	}
	c, err := x.derive(x.channel, x.past(rows, side, mine, seen))
	if err != nil {
		return nil, err
	}
	x.views[string(key)] = &c
	return &c, nil
}

// candidates are all letters that a side could write now, lawful or not: each row of the table, whoever it is for, as an
// answer to each letter that it could answer and to none; and an outcome that no row has. They follow from what the side
// has written and seen, so they are found once for all worlds in which these are the same; so is that the unlawful ones
// are inert.
func (x *explorer) candidates(w *world, side int) (list []letter, err error) {
	mine, seen := len(w.rows[side]), w.contiguous(side)
	key := string(x.viewKey(w.rows, side, mine, seen)) + string(rune('0'+side))
	if list, ok := x.letters[key]; ok {
		return list, nil
	}
	c, err := x.view(w.rows, side, mine, seen)
	if err != nil {
		return nil, err
	}
	for _, m := range x.moves {
		replies := []schemas.MessageID{""}
		for i, l := range w.rows[1-side][:seen] {
			if x.answers[m.name][l.name] && l.lawful {
				replies = append(replies, letterID(1-side, i))
			}
		}
		for _, reply := range replies {
			l := letter{move: m, reply: reply, seen: seen}
			l.lawful = permitted(c, x.event(side, mine, l))
			if !l.lawful && x.probing {
				if err := x.inert(w, side, l); err != nil {
					return nil, err
				}
			}
			list = append(list, l)
		}
	}
	x.letters[key] = list
	return list, nil
}

// permitted is PermitsEvent without the text for people, which costs more than all the rest.
func permitted(c *Case, e Event) bool {
	_, refused := c.permits(c.SideOf(e.From), e, false)
	return refused == nil
}

// sameCase compares all that two sides must agree on, and what the next message would be held against.
func sameCase(a, b *Case) bool {
	return a.State == b.State && a.main == b.main && a.marks == b.marks && a.Open == b.Open && a.NextToAct == b.NextToAct &&
		a.Requesting == b.Requesting && a.Requested == b.Requested && a.Opened == b.Opened &&
		a.Expires.Equal(b.Expires) && slices.Equal(a.Erase, b.Erase) &&
		slices.Equal(a.questions, b.questions) && maps.Equal(a.Effects, b.Effects)
}

// tell writes a world down for a person who looks for the mistake.
func (w *world) tell() string {
	var b strings.Builder
	for side, row := range w.rows {
		for i, l := range row {
			fmt.Fprintf(&b, "\n  %s %s %s", letterID(side, i), l.name, l.outcome)
			if l.reply != "" {
				fmt.Fprintf(&b, " to %s", l.reply)
			}
			fmt.Fprintf(&b, ", had seen %d, lawful %t", l.seen, l.lawful)
		}
	}
	for side, order := range w.order {
		fmt.Fprintf(&b, "\n  %s held them in the order %v", parties[side], ids(order))
	}
	return b.String()
}
