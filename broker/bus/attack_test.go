package bus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"comity/schemas"
)

// The attacker is QM/border, an honest authority's neighbour in the same State, with a valid certificate and with
// knowledge of every name in the broker: accounts, streams, consumers, subjects. The victim is QN/justice.
const (
	attacker schemas.AuthorityID = "QM/border"
	honest   schemas.AuthorityID = "QM/justice"
	victim   schemas.AuthorityID = "QN/justice"
)

func TestAttacks(t *testing.T) {
	w := newWorld(t)
	for _, attack := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"speaking for another", speakForAnother},
		{"touching another's inbox", touchAnothersInbox},
		{"changing streams and consumers", changeStreams},
		{"forged reply on a submission", forgedReplyOnSubmission},
		{"forged reply on a consumer request", forgedReplyOnConsumerRequest},
		{"listening to others", listenToOthers},
		{"using up another's message id", reuseMessageID},
		{"commands to a stream in headers", streamCommands},
		{"what the relay refuses", refusals},
	} {
		t.Run(attack.name, func(t *testing.T) { attack.run(t, w) })
	}
}

// speakForAnother: the account proves the sender, and the route must say the same.
func speakForAnother(t *testing.T, w *world) {
	c, v := w.connect(t, attacker), w.account(t, victim)

	t.Run("control: for itself", func(t *testing.T) {
		w.accepted(t, c, sealed(t, route(attacker, victim)))
		w.drain(t, victim, 1)
	})
	for name, subject := range map[string]string{
		"its ingress in CORE":          "x." + v.key + ".qm.justice.repatriation",
		"an honest sender's ingress":   "x." + w.account(t, honest).key + ".qn.justice.repatriation",
		"its inbox in CORE":            "inbox." + v.key,
		"a submission without address": "comity.submit.qn",
		"a made-up service reply":      "_R_.abcdef.ghijkl",
		"the auth callout":             "$SYS.REQ.USER.AUTH",
		"the server's own API":         "$SYS.REQ.SERVER.PING",
		"its reply prefix from within": "comity.reply.anything",
	} {
		t.Run(name, func(t *testing.T) {
			c.denied(t, "Publish", subject, sealed(t, route(honest, victim)).wire)
		})
	}
	t.Run("another's name in the route", func(t *testing.T) {
		w.refused(t, c, sealed(t, route(honest, victim)), schemas.RefusedSenderMismatch)
	})
	w.untouched(t, victim)
}

// touchAnothersInbox: of four names in its account, none leads to another's inbox.
func touchAnothersInbox(t *testing.T, w *world) {
	c, v := w.connect(t, attacker), w.account(t, victim)
	h := w.connect(t, honest)
	m := sealed(t, route(honest, victim))
	w.accepted(t, h, m)
	delivery := w.connect(t, victim).pull(t)
	if string(delivery.Data) != string(m.wire) {
		t.Fatal("control: the victim does not get its own message")
	}
	own := v.stream + "." + v.key
	for name, subject := range map[string]string{
		"next":                      "$JS.API.CONSUMER.MSG.NEXT." + own,
		"next by the alias":         "CORE.API.CONSUMER.MSG.NEXT." + own,
		"consumer info":             "$JS.API.CONSUMER.INFO." + own,
		"consumer info by alias":    "CORE.API.CONSUMER.INFO." + own,
		"consumer names":            "$JS.API.CONSUMER.NAMES." + v.stream,
		"consumer list":             "$JS.API.CONSUMER.LIST." + v.stream,
		"consumer list by alias":    "CORE.API.CONSUMER.LIST." + v.stream,
		"stream names":              "$JS.API.STREAM.NAMES",
		"stream list":               "$JS.API.STREAM.LIST",
		"stream info":               "$JS.API.STREAM.INFO." + v.stream,
		"stream info by the alias":  "CORE.API.STREAM.INFO." + v.stream,
		"message get":               "$JS.API.STREAM.MSG.GET." + v.stream,
		"direct get":                "$JS.API.DIRECT.GET." + v.stream,
		"direct get by the alias":   "CORE.API.DIRECT.GET." + v.stream,
		"acknowledging":             delivery.Reply,
		"acknowledging what is not": "$JS.ACK." + own + ".1.1.1.1.0",
		"account info":              "$JS.API.INFO",
	} {
		t.Run(name, func(t *testing.T) { c.denied(t, "Publish", subject, nil) })
	}
	// It was delivered once and never acknowledged by the victim: it must come again.
	w.drain(t, victim, 1)
}

// changeStreams: also of one's own inbox nobody changes anything.
func changeStreams(t *testing.T, w *world) {
	c := w.connect(t, attacker)
	before := w.registry(t)
	for _, who := range []account{w.account(t, victim), w.account(t, attacker)} {
		for _, prefix := range []string{"$JS.API.", "CORE.API."} {
			for _, operation := range []string{
				"CONSUMER.CREATE." + who.stream, "CONSUMER.CREATE." + who.stream + ".mine",
				"CONSUMER.CREATE." + who.stream + ".mine.inbox." + who.key,
				"CONSUMER.DURABLE.CREATE." + who.stream + ".mine", "CONSUMER.DELETE." + who.stream + "." + who.key,
				"CONSUMER.PAUSE." + who.stream + "." + who.key, "CONSUMER.RESET." + who.stream + "." + who.key,
				"STREAM.CREATE.mine", "STREAM.UPDATE." + who.stream, "STREAM.DELETE." + who.stream,
				"STREAM.PURGE." + who.stream, "STREAM.MSG.DELETE." + who.stream, "STREAM.SNAPSHOT." + who.stream,
			} {
				c.denied(t, "Publish", prefix+operation, []byte(`{}`))
			}
		}
	}
	if w.registry(t) != before {
		t.Error("the account registry changed")
	}
	t.Run("control: its own consumer's info", func(t *testing.T) {
		if info := string(c.request(t, "CORE.API.CONSUMER.INFO.inbox.desk", nil).Data); !strings.Contains(info, w.account(t, attacker).key) {
			t.Errorf("not the own consumer: %s", info)
		}
	})
}

// forgedReplyOnSubmission: within one shared account the acceptance would land on whatever subject the attacker
// names (nats-server issue 8274). Between accounts it returns to the asker's account and nowhere else.
func forgedReplyOnSubmission(t *testing.T, w *world) {
	c, listening := w.connect(t, attacker), w.connect(t, victim).listen(t, "comity.reply.forged.>")
	v := w.account(t, victim)
	sent := 0
	for name, reply := range map[string]string{
		"the victim's inbox in CORE": "inbox." + v.key,
		"the victim's ingress":       "x." + v.key + ".qm.border.repatriation",
		"the victim's reply prefix":  "comity.reply.forged.here",
		"another submission":         "comity.submit.qn.justice.repatriation",
		"the consumer API":           "CORE.API.CONSUMER.MSG.NEXT.inbox.desk",
		"CORE's consumer API":        "$JS.API.CONSUMER.MSG.NEXT." + v.stream + "." + v.key,
		"deleting in CORE":           "$JS.API.STREAM.DELETE." + v.stream,
	} {
		t.Run(name, func(t *testing.T) {
			c.publishRequest(t, submitTo(victim), reply, sealed(t, route(attacker, victim)).wire)
			sent++
		})
	}
	for name, reply := range map[string]string{
		"an acknowledgement of the victim's": "$JS.ACK." + v.stream + "." + v.key + ".1.1.1.1.0",
		"a service reply":                    "_R_.abcdef.ghijkl",
	} {
		t.Run(name, func(t *testing.T) {
			c.replyDenied(t, submitTo(victim), reply, sealed(t, route(attacker, victim)).wire)
		})
	}
	// The messages themselves are honest and arrive. No acceptance among them, and none at the victim's replies.
	for _, got := range w.drain(t, victim, sent) {
		if !strings.HasPrefix(string(got.Data), "ey") || strings.Count(string(got.Data), ".") != 4 {
			t.Errorf("something that is no envelope in the victim's inbox: %d bytes", len(got.Data))
		}
	}
	listening.silent(t)
	w.untouched(t, victim)
}

// forgedReplyOnConsumerRequest: the same for a fetched message, and for the status messages of a pull.
func forgedReplyOnConsumerRequest(t *testing.T, w *world) {
	c, listening := w.connect(t, attacker), w.connect(t, victim).listen(t, "comity.reply.forged.>")
	v := w.account(t, victim)
	next := "CORE.API.CONSUMER.MSG.NEXT.inbox.desk"
	for name, reply := range map[string]string{
		"the victim's inbox in CORE": "inbox." + v.key,
		"the victim's ingress":       "x." + v.key + ".qm.border.repatriation",
		"the victim's reply prefix":  "comity.reply.forged.here",
		"a submission to the victim": "comity.submit.qn.justice.repatriation",
		"CORE's consumer API":        "$JS.API.CONSUMER.MSG.NEXT." + v.stream + "." + v.key,
		"deleting in CORE":           "$JS.API.STREAM.DELETE." + v.stream,
	} {
		t.Run(name, func(t *testing.T) {
			w.accepted(t, w.connect(t, victim), sealed(t, route(victim, attacker)))
			c.publishRequest(t, next, reply, []byte(`{"batch":1,"no_wait":true}`))
			c.publishRequest(t, next, reply, []byte(`{"batch":1,"no_wait":true}`)) // a status, perhaps
			w.untouched(t, victim)
			w.drain(t, attacker, 1) // it is still the attacker's to get
		})
	}
	for name, reply := range map[string]string{
		"an acknowledgement of the victim's": "$JS.ACK." + v.stream + "." + v.key + ".1.1.1.1.0",
		"a service reply":                    "_R_.abcdef.ghijkl",
	} {
		t.Run(name, func(t *testing.T) { c.replyDenied(t, next, reply, []byte(`{"batch":1,"no_wait":true}`)) })
	}
	listening.silent(t)
}

func listenToOthers(t *testing.T, w *world) {
	c, v := w.connect(t, attacker), w.account(t, victim)
	for _, subject := range []string{
		">", "*", "_INBOX.>", "_R_.>", "$SYS.>", "$JS.>", "x.>", "x." + v.key + ".>", "inbox.>", "inbox." + v.key,
		"comity.>", "comity.submit.>", "CORE.API.>", "$JS.EVENT.>",
	} {
		t.Run(subject, func(t *testing.T) { c.subscribeDenied(t, subject) })
	}
	t.Run("another's reply inbox", func(t *testing.T) {
		// The name is allowed, in an account of its own: nothing of the victim's ever passes there.
		all := c.listen(t, "comity.reply.>")
		honestConn := w.connect(t, honest)
		w.accepted(t, honestConn, sealed(t, route(honest, victim)))
		w.drain(t, victim, 1)
		all.silent(t)
		t.Run("control: its own", func(t *testing.T) {
			c.publishRequest(t, submitTo(victim), "comity.reply.mine", sealed(t, route(attacker, victim)).wire)
			if _, err := all.sub.NextMsg(patience); err != nil {
				t.Errorf("no answer at all: %v", err)
			}
		})
		w.drain(t, victim, 1)
	})
}

// reuseMessageID: duplicates are suppressed per sender. Were they per stream, the attacker could make the inbox
// swallow an honest message whose id it has seen.
func reuseMessageID(t *testing.T, w *world) {
	a, h := w.connect(t, attacker), w.connect(t, honest)
	stolen := schemas.NewMessageID()
	for _, m := range []struct {
		by *client
		r  schemas.Route
	}{{a, route(attacker, victim)}, {h, route(honest, victim)}} {
		m.r.ID = stolen
		w.accepted(t, m.by, sealed(t, m.r))
	}
	w.drain(t, victim, 2)

	t.Run("control: the same attempt is stored once and accepted again", func(t *testing.T) {
		m := sealed(t, route(honest, victim))
		for range 3 {
			w.accepted(t, h, m)
		}
		w.drain(t, victim, 1)
	})
	t.Run("other bytes under the same id are stored: the recipient raises the alarm", func(t *testing.T) {
		r := route(honest, victim)
		w.accepted(t, h, sealed(t, r))
		w.accepted(t, h, sealed(t, r)) // sealed anew, so other bytes
		w.drain(t, victim, 2)
	})
	t.Run("a new attempt of the same bytes is stored", func(t *testing.T) {
		m := sealed(t, route(honest, victim))
		w.accepted(t, h, m)
		w.accepted(t, h, m, "Comity-Attempt", string(schemas.NewMessageID()))
		w.drain(t, victim, 2)
	})
	t.Run("an attempt that is no id", func(t *testing.T) {
		w.refused(t, h, sealed(t, route(honest, victim)), schemas.RefusedMalformed, "Comity-Attempt", "1")
	})
}

// streamCommands: headers that NATS takes as commands stay behind at the relay.
func streamCommands(t *testing.T, w *world) {
	h := w.connect(t, honest)
	w.accepted(t, h, sealed(t, route(honest, victim))) // what a rollup would delete
	m := sealed(t, route(honest, victim))
	w.accepted(t, h, m, "Nats-Rollup", "all", "Nats-Expected-Last-Sequence", "4711", "Nats-TTL", "1s", "Nats-Msg-Id", "mine",
		"Nats-Request-Info", `{"acc":"forged"}`, "Nats-Schedule", "@every 1s")
	got := w.drain(t, victim, 2)
	for _, msg := range got {
		for name := range msg.Header {
			if name != "Nats-Msg-Id" {
				t.Errorf("header %q went along", name)
			}
		}
		if id := msg.Header.Get("Nats-Msg-Id"); id == "mine" || strings.Contains(id, string(m.route.ID)) {
			t.Errorf("the sender chose the duplicate id")
		}
	}
	t.Run("a trace of the message's way", func(t *testing.T) {
		msg := nats.NewMsg(submitTo(victim))
		msg.Header.Set("Nats-Trace-Dest", "comity.reply.trace")
		if err := h.conn.PublishMsg(msg); err != nil {
			t.Fatal(err)
		}
		h.violation(t, `Permissions Violation for Publish to "comity.reply.trace"`)
	})
}

func refusals(t *testing.T, w *world) {
	h := w.connect(t, honest)
	for _, refusal := range []struct {
		name   string
		m      message
		reason schemas.RefusalReason
	}{
		{"garbage", message{route: route(honest, victim), wire: []byte("not a message")}, schemas.RefusedMalformed},
		{"nothing", message{route: route(honest, victim)}, schemas.RefusedMalformed},
		{"a JWS", message{route: route(honest, victim), wire: []byte("eyJhbGciOiJFUzI1NiJ9.e30.AA")}, schemas.RefusedMalformed},
		{"an unknown member in the route", sealedHeader(t, route(honest, victim), map[string]any{"more": 1}), schemas.RefusedMalformed},
		{"a route of another form", sealedHeader(t, route(honest, victim), map[string]any{"to": "qn/Justice"}), schemas.RefusedMalformed},
		{"another recipient in the route", message{route: route(honest, "QP/justice"), wire: sealed(t, route(honest, victim)).wire}, schemas.RefusedRouteMismatch},
		{"another channel in the route", func() message {
			m := sealed(t, route(honest, victim))
			m.route.Channel = schemas.ChannelBorder
			return m
		}(), schemas.RefusedRouteMismatch},
		{"a recipient that nobody knows", sealed(t, route(honest, "QN/nobody")), schemas.RefusedUnknownRecipient},
		{"its own State", sealed(t, route(honest, attacker)), schemas.RefusedRouteNotInForce},
		{"too large", sealedSize(t, route(honest, victim), maxMessage), schemas.RefusedTooLarge},
	} {
		t.Run(refusal.name, func(t *testing.T) { w.refused(t, h, refusal.m, refusal.reason) })
	}
	w.untouched(t, victim)
	t.Run("control: nearly too large", func(t *testing.T) {
		m := sealedSize(t, route(honest, victim), maxMessage*3/4-2048)
		w.accepted(t, h, m)
		if got := w.drain(t, victim, 1); string(got[0].Data) != string(m.wire) {
			t.Error("not the bytes that were sent")
		}
	})
	t.Run("far too large", func(t *testing.T) {
		c := w.connect(t, honest)
		c.publishRequest(t, submitTo(victim), "comity.reply.mine", make([]byte, 0))
		if err := c.conn.Publish(submitTo(victim), make([]byte, c.conn.MaxPayload()+1)); err != nats.ErrMaxPayload {
			t.Errorf("%v, want %v", err, nats.ErrMaxPayload)
		}
	})
}

const (
	patience = 5 * time.Second
	quiet    = 100 * time.Millisecond
)
