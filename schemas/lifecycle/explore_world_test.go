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

	from, place int    // whose row it stands in, and where, from 0
	event       Event  // as the lifecycle sees it
	text        string // what it is but for seen and lawful, for keys
}

// world is everything that can differ between two moments of one case: what each side wrote, and what of it arrived.
type world struct {
	rows [2][]*letter // by side, the requesting one first
	got  [2]uint32    // bit i: letter i of the other row has arrived here
	// order is how each side came to hold what it holds. It is no part of the key: another order of the same must lead to
	// the same, and each is tried once.
	order    [2][]*letter
	unlawful int
}

var parties = [2]schemas.AuthorityID{qm, qn}

// letterIDs name the letters by side and place.
var letterIDs = func() (ids [2][32]schemas.MessageID) {
	for side := range ids {
		for i := range ids[side] {
			ids[side][i] = schemas.MessageID(fmt.Sprintf("%s%05d", parties[side].State().Lower(), i+1))
		}
	}
	return ids
}()

// write puts a letter at its place in a row.
func (x *explorer) write(side, i int, l letter) *letter {
	l.from, l.place = side, i
	l.event = Event{
		ID: letterIDs[side][i], From: parties[side], To: parties[1-side], Seq: uint64(i + 1), Seen: uint64(l.seen),
		Type: x.types[l.name], InReplyTo: l.reply, Outcome: l.outcome, Continues: side != 0 || i != 0,
	}
	l.text = string(append(binary.BigEndian.AppendUint16(nil, uint16(x.index[l.move])), l.reply...)) + ";"
	return &l
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

func (x *explorer) send(w *world, side int, l *letter) *world {
	next := &world{rows: w.rows, got: w.got, order: w.order, unlawful: w.unlawful}
	next.rows[side] = append(slices.Clip(w.rows[side]), l)
	next.order[side] = append(slices.Clip(w.order[side]), l)
	if !l.lawful {
		next.unlawful++
	}
	return next
}

func (x *explorer) deliver(w *world, side, i int) *world {
	next := &world{rows: w.rows, got: w.got, order: w.order, unlawful: w.unlawful}
	next.got[side] |= 1 << i
	next.order[side] = append(slices.Clip(w.order[side]), w.rows[1-side][i])
	return next
}

// appendRow writes the first n letters of a row so that two rows are the same where their texts are.
func (x *explorer) appendRow(key []byte, row []*letter, n int) []byte {
	for _, l := range row[:n] {
		flags := byte(l.seen) << 1
		if l.lawful {
			flags |= 1
		}
		key = append(append(key, flags), l.text...)
	}
	return append(key, '|')
}

func (x *explorer) setKey(w *world) []byte {
	key := x.appendRow(make([]byte, 0, 256), w.rows[0], len(w.rows[0]))
	return x.appendRow(key, w.rows[1], len(w.rows[1]))
}

func (x *explorer) key(w *world) string {
	key := x.setKey(w)
	key = binary.BigEndian.AppendUint32(key, w.got[0])
	return string(binary.BigEndian.AppendUint32(key, w.got[1]))
}

// viewKey names what a side wrote and saw.
func (x *explorer) viewKey(rows [2][]*letter, side, mine, seen int) []byte {
	var lengths [2]int
	lengths[side], lengths[1-side] = mine, seen
	return x.appendRow(x.appendRow(make([]byte, 0, 256), rows[0], lengths[0]), rows[1], lengths[1])
}

// past are the events of a view.
func (x *explorer) past(rows [2][]*letter, side, mine, seen int) (events []Event) {
	events = make([]Event, 0, mine+seen+1)
	for _, row := range [][]*letter{rows[side][:mine], rows[1-side][:seen]} {
		for _, l := range row {
			if l.lawful {
				events = append(events, l.event)
			}
		}
	}
	return events
}

// view is the case as a side sees it that wrote mine and has seen the first seen letters of the other row. Both sides
// compute the same view of each message's past, so the verdict about an unlawful one is the same too; it is left out.
func (x *explorer) view(rows [2][]*letter, side, mine, seen int) (*Case, error) {
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
func (x *explorer) candidates(w *world, side int) (list []*letter, err error) {
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
				replies = append(replies, letterIDs[1-side][i])
			}
		}
		for _, reply := range replies {
			l := x.write(side, mine, letter{move: m, reply: reply, seen: seen})
			l.lawful = permitted(c, l.event)
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
	for _, row := range w.rows {
		for _, l := range row {
			fmt.Fprintf(&b, "\n  %s %s %s", l.event.ID, l.name, l.outcome)
			if l.reply != "" {
				fmt.Fprintf(&b, " to %s", l.reply)
			}
			fmt.Fprintf(&b, ", had seen %d, lawful %t", l.seen, l.lawful)
		}
	}
	for side, order := range w.order {
		fmt.Fprintf(&b, "\n  %s held them in the order", parties[side])
		for _, l := range order {
			fmt.Fprintf(&b, " %s", l.event.ID)
		}
	}
	return b.String()
}
