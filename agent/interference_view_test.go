package agent

import (
	"bytes"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"comity/agent/api"
	"comity/agent/envelope"
	"comity/agent/store"
	"comity/pki/jose"
	"comity/pki/journal"
	"comity/schemas"
)

// The recorder of the non-interference test (DOMAIN section 4, "The test above all tests"). A view is all that one State can
// observe with its credentials, beside its own disks, while a story is played. NONINTERFERENCE.md says what two views are
// compared by.
//
// WHOEVER ADDS SOMETHING THAT A PEER CAN OBSERVE ADDS IT HERE: what travels in an envelope is seen by lookAtWire without
// further ado, and a new member of a row or of an answer by factsOf; a new table, list or answer of the agent belongs in
// lookAtDesk, a new way by which bytes reach a peer in the stage that carries them.

// view is what a State observed, in the order in which it did.
type view struct {
	state schemas.StateCode
	began time.Time
	seen  []observation
	// drawn are the random identifiers and the hashes over them that were made in this world: two worlds never have the
	// same, and so they are compared by where they stand. Whatever else looks like one is compared as it is.
	drawn map[string]bool
	// labelled are those that the story itself has a name for.
	labelled map[string]string
}

// observation is one thing that a State came to know: bytes that reached it, or a row that it holds.
type observation struct {
	what  string
	facts []fact
	// loose: it belongs to a set, whose order means nothing (rows are sorted by what was drawn).
	loose bool
}

// fact is one property of an observation, by the name under which a difference is reported.
type fact struct{ name, value string }

func newView(state schemas.StateCode, began time.Time) *view {
	return &view{state: state, began: began, drawn: map[string]bool{}, labelled: map[string]string{}}
}

func (v *view) note(what string, facts ...fact) {
	v.seen = append(v.seen, observation{what: what, facts: facts})
}

func (v *view) noteOneOf(what string, facts ...fact) {
	v.seen = append(v.seen, observation{what: what, facts: facts, loose: true})
}

// when is a moment of the story, and the tick that it belongs to.
func (v *view) when(at time.Time) string {
	since := at.Sub(v.began)
	return fmt.Sprintf("%s (tick %d)", since, since/time.Minute)
}

// wireFacts is everything that can be told of an envelope by somebody who can open it. What stands in it comes first, and
// what follows from that last: the first difference is then the one to look at.
func (v *view) wireFacts(wire []byte, open ecdh.KeyExchanger) (facts []fact, err error) {
	size := []fact{{"wire size", fmt.Sprint(len(wire))}, {"wire hash", v.hash(wire)}}
	outer, err := jose.ParseEncrypted(wire, jose.TypEnvelope)
	if err != nil {
		return append(size, fact{"wire", string(wire)}), nil
	}
	var route map[string]any
	if err := outer.Header(&route); err != nil {
		return nil, err
	}
	facts = flatten("outer header", route)
	plaintext, err := outer.Decrypt(open)
	if err != nil {
		return append(append(facts, fact{"opens", err.Error()}), size...), nil
	}
	jws := bytes.TrimRight(plaintext, " ")
	facts = append(facts, v.signedFacts(jws)...)
	return append(append(facts, fact{"padded size", fmt.Sprint(len(plaintext))}), size...), nil
}

// signedFacts is everything that stands in a compact JWS, its signature but for its length.
func (v *view) signedFacts(jws []byte) (facts []fact) {
	follows := []fact{{"signed size", fmt.Sprint(len(jws))}, {"signed hash", v.hash(jws)}}
	parts := strings.Split(string(jws), ".")
	if len(parts) != 3 {
		return append(follows, fact{"signed", string(jws)})
	}
	for i, part := range []string{"header", "payload"} {
		raw, err := decodePart(parts[i])
		if err != nil {
			return append(follows, fact{"signed", string(jws)})
		}
		var object map[string]any
		if json.Unmarshal(raw, &object) == nil {
			facts = append(facts, flatten(part, object)...)
		}
		if checkpoint, ok := object["checkpoint"].(string); ok { // the hash of a log, over leaves with identifiers
			v.drew(checkpoint)
		}
		follows = append(follows, fact{part + " size", fmt.Sprint(len(raw))}, fact{part + " hash", v.hash(raw)}, fact{part + " bytes", unfold(string(raw))})
	}
	return append(append(facts, follows...), fact{"signature size", fmt.Sprint(len(parts[2]))})
}

func decodePart(part string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(part) }

// flatten names each member of an object and of the objects in it, two levels down.
func flatten(under string, object map[string]any) (facts []fact) {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		inner, isObject := object[name].(map[string]any)
		if isObject && strings.Count(under, " ") < 2 {
			facts = append(facts, flatten(under+" "+name, inner)...)
			continue
		}
		text, err := schemas.Canonical(object[name])
		if err != nil {
			text = fmt.Append(nil, object[name])
		}
		facts = append(facts, fact{under + " " + name, unfold(string(text))})
	}
	return facts
}

var compactJWS = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)

// unfold shows what stands in signed documents inside a text, such as the receipts of a standing.
func unfold(text string) string {
	return compactJWS.ReplaceAllStringFunc(text, func(jws string) string {
		parts := strings.Split(jws, ".")
		header, err1 := base64.RawURLEncoding.DecodeString(parts[0])
		payload, err2 := base64.RawURLEncoding.DecodeString(parts[1])
		if err1 != nil || err2 != nil {
			return jws
		}
		return fmt.Sprintf("signed(%s %s %d)", header, payload, len(parts[2]))
	})
}

// hash names bytes that hold something drawn: two hashes are one name where they are of the same bytes.
func (v *view) hash(b []byte) string {
	sum := sha256.Sum256(b)
	text := hex.EncodeToString(sum[:])
	v.drawn[text] = true
	return text
}

// lookAtWire notes an envelope at a desk of the State.
func (v *view) lookAtWire(what string, at time.Time, wire []byte, open ecdh.KeyExchanger, more ...fact) error {
	facts, err := v.wireFacts(wire, open)
	if err != nil {
		return fmt.Errorf("looking at an envelope: %w", err)
	}
	v.note(what, append(append([]fact{{"at", v.when(at)}}, more...), facts...)...)
	return nil
}

// lookAtDesk notes what a desk of the State holds and what its own API shows.
func (v *view) lookAtDesk(d *desk) error {
	at := func(what string) string { return fmt.Sprintf("%s has %s", d.me, what) }
	ctx := d.t.Context()
	peers := map[schemas.AuthorityID]bool{}
	err := d.store.View(ctx, func(tx *store.Tx) error {
		messages, err := tx.Messages(store.Filter{Limit: listLimit})
		if err != nil {
			return err
		}
		for _, m := range messages {
			peers[m.Peer()] = true
			v.noteRow(at("a message in its store"), m)
		}
		for _, look := range []func() error{
			func() error { return noteAll(v, at("an alarm"), tx.Alarms, listLimit) },
			func() error { return noteAll(v, at("a hole"), tx.Holes, listLimit) },
			func() error {
				return noteAll(v, at("a comparison after a restore"), func(int) ([]*store.Recall, error) { return tx.Recalls() }, listLimit)
			},
			func() error { return noteAll(v, at("a case file"), tx.Cases, listLimit) },
			func() error {
				return noteAll(v, at("a file of evidence"), func(n int) ([]*store.Evidence, error) { return allEvidence(tx, n) }, listLimit)
			},
			func() error {
				return noteAll(v, at("an open review"), func(n int) ([]*store.Review, error) {
					reviews, err := tx.OpenReviews(n)
					for _, r := range reviews { // over its own message, which has an id
						v.drew(hexOf(r.Digest))
					}
					return reviews, err
				}, listLimit)
			},
			func() error { return noteAll(v, at("an alert"), tx.ProtectionAlerts, listLimit) },
			func() error { return noteAll(v, at("a second look to take"), tx.SecondLooksOwed, listLimit) },
			func() error {
				return noteAll(v, at("a task"), func(n int) ([]store.Task, error) { return tx.Tasks("", n) }, listLimit)
			},
		} {
			if err := look(); err != nil {
				return err
			}
		}
		for _, lane := range []store.Lane{store.Express, store.Ordinary} {
			err := noteAll(v, at("a row in its outbox"), func(n int) ([]*store.Parcel, error) {
				return tx.DueParcels(lane, d.now().AddDate(10, 0, 0), n)
			}, listLimit)
			if err != nil {
				return err
			}
		}
		return v.lookAtPeers(tx, d, peers)
	})
	if err != nil {
		return err
	}
	return v.lookAtAPI(d)
}

// lookAtPeers notes the numbers, arrivals and evidence of each pair.
func (v *view) lookAtPeers(tx *store.Tx, d *desk, peers map[schemas.AuthorityID]bool) error {
	logs, err := tx.Logs()
	if err != nil {
		return err
	}
	for _, log := range logs {
		edge, err := tx.Edge(log)
		if err != nil {
			return err
		}
		v.noteRow(fmt.Sprintf("%s has a log", d.me), edge.Checkpoint(log))
	}
	if err := noteAll(v, fmt.Sprintf("%s has the word of a witness", d.me), func(int) ([]store.Witness, error) { return tx.Witnesses() }, listLimit); err != nil {
		return err
	}
	for _, peer := range sortedKeys(peers) {
		pair, err := tx.Pair(peer)
		if err != nil {
			return err
		}
		v.noteRow(fmt.Sprintf("%s has numbers with %s", d.me, peer), pair)
		for seq := uint64(1); seq <= pair.Highest; seq++ {
			if arrival, err := tx.Arrival(peer, seq); err == nil {
				v.noteRow(fmt.Sprintf("%s has an arrival from %s", d.me, peer), arrival)
			}
		}
	}
	return nil
}

// lookAtAPI notes what the State's own people are shown.
func (v *view) lookAtAPI(d *desk) error {
	ctx := d.t.Context()
	shows := func(what string, answer any, err error) error {
		if err != nil {
			return fmt.Errorf("asking %s for %s: %w", d.me, what, err)
		}
		v.noteRow(fmt.Sprintf("%s shows %s", d.me, what), answer)
		return nil
	}
	messages, err := d.Messages(ctx, api.Query{})
	if err != nil {
		return err
	}
	for _, m := range messages {
		full, err := d.Message(ctx, string(m.ID))
		if err := shows("a message", full, err); err != nil {
			return err
		}
	}
	cases, err := d.Cases(ctx, 0)
	if err != nil {
		return err
	}
	for _, c := range cases {
		full, err := d.Case(ctx, string(c.ID))
		if err := shows("a case", full, err); err != nil {
			return err
		}
	}
	files, err := d.EvidenceList(ctx, "")
	if err := shows("files of evidence on their way", files, err); err != nil {
		return err
	}
	tasks, err := d.Tasks(ctx, true, 0)
	for _, k := range tasks {
		v.noteRow(fmt.Sprintf("%s shows a task", d.me), k)
	}
	if err != nil {
		return err
	}
	for _, line := range strings.Split(d.exposed(d.t), "\n") {
		v.note(fmt.Sprintf("%s exposes a metric", d.me), fact{"line", line})
	}
	health, err := d.Health(ctx)
	return shows("its health", health, err)
}

func noteAll[T any](v *view, what string, list func(int) ([]T, error), limit int) error {
	rows, err := list(limit)
	for _, row := range rows {
		v.noteRow(what, row)
	}
	return err
}

func sortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// noteRow notes a row or an answer, one of a set, and each row inside it as one of another set.
func (v *view) noteRow(what string, row any) {
	facts, inner := v.factsOf(row)
	v.noteOneOf(what, facts...)
	for _, one := range inner {
		of := ""
		if len(facts) > 0 {
			of = facts[0].value
		}
		v.noteOneOf(what+", in it "+one.what, append([]fact{{"of", of}}, one.facts...)...)
	}
}

// factsOf takes a row or an answer apart, so that a member that is added to one is compared without a change here. Sealed and
// signed bytes count by their length, what a person wrote as it is, times from the beginning of the story. Rows within it
// come apart: their order may follow from what was drawn.
func (v *view) factsOf(row any) (facts []fact, inner []observation) {
	w := walk{view: v}
	w.into("", reflect.ValueOf(row))
	return w.facts, w.inner
}

type walk struct {
	*view
	facts []fact
	inner []observation
}

func (w *walk) into(name string, value reflect.Value) {
	add := func(text string) { w.facts = append(w.facts, fact{strings.TrimSpace(name), text}) }
	switch one := value.Interface().(type) {
	case time.Time:
		if one.IsZero() {
			add("never")
		} else {
			add(w.when(one))
		}
		return
	case store.Hash:
		add(hex.EncodeToString(one[:]))
		return
	case envelope.Hash:
		add(one.String())
		return
	case journal.Hash: // always over what was drawn
		w.drew(one.String())
		add(one.String())
		return
	}
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			w.into(name, value.Elem())
		}
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				w.into(name+" "+value.Type().Field(i).Name, value.Field(i))
			}
		}
	case reflect.Slice:
		w.intoSlice(name, value, add)
	default:
		add(fmt.Sprint(value.Interface()))
	}
}

func (w *walk) intoSlice(name string, value reflect.Value, add func(string)) {
	switch value.Type().Elem().Kind() {
	case reflect.Uint8:
		b := value.Bytes()
		if len(b) > 0 && json.Unmarshal(b, new(any)) == nil {
			add(string(b))
		} else {
			add(fmt.Sprintf("%d bytes", len(b)))
		}
		return
	case reflect.Struct:
		for i := range value.Len() {
			facts, inner := w.factsOf(value.Index(i).Interface())
			w.inner = append(append(w.inner, observation{what: strings.TrimSpace(name), facts: facts}), inner...)
		}
	default:
		for i := range value.Len() {
			w.into(fmt.Sprintf("%s %d", name, i+1), value.Index(i))
		}
	}
	add(fmt.Sprintf("%d of them", value.Len()))
}
