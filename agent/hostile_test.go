package agent

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"comity/agent/store"
	"comity/pki/jose"
	"comity/schemas"
)

// Every way in which a broker can be dishonest is noticed by an agent and has a name, and changes nothing in the end: each
// message is at its recipient once, with its receipt, and both sides see the same case (DESIGN section 1, promises 3 and 5).
func TestAHostileBroker(t *testing.T) {
	inMemory(t)
	var table namedFaults
	defer table.print(t)
	for _, m := range mischiefs() {
		t.Run(m.name, func(t *testing.T) {
			b := newHostileBroker(t, m)
			b.story()
			b.wantEqual(t, qm, qn)
			b.wantEqual(t, qm, qp)
			alarms, noticed := b.named()
			table.add(m.name, distinct(append(slices.Clone(alarms), noticed...))...)
			if m.chance {
				alarms = slices.DeleteFunc(alarms, func(a string) bool { return slices.Contains(m.alarms, a) })
				m.alarms = nil
			}
			if want := slices.Sorted(slices.Values(m.alarms)); !slices.Equal(alarms, want) {
				t.Errorf("alarms %q, want %q", alarms, want)
			}
			for _, want := range m.also {
				if !slices.Contains(noticed, want) {
					t.Errorf("noticed %q, want %q among it", noticed, want)
				}
			}
		})
	}
}

func mischiefs() []mischief {
	return []mischief{
		{
			name: "none",
		}, {
			name:  "drops each envelope the first time",
			carry: func(_ *hostileBroker, d delivery) []delivery { return when(d.copy > 0, d) },
			also:  []string{"QM/justice sent-again", "QN/justice sent-again", "QP/justice sent-again"},
		}, {
			name:   "drops one number until an hour has passed",
			carry:  func(_ *hostileBroker, d delivery) []delivery { return when(d.seq != 1 || d.to != qn, d) },
			until:  time.Hour + time.Minute,
			alarms: []string{"QM/justice receipt-late", "QN/justice hole"},
			also:   []string{"QN/justice asked-for-missing", "QM/justice asked-by-peer", "QN/justice out-of-order"},
		}, {
			name: "delays everything by two hours",
			carry: func(_ *hostileBroker, d delivery) []delivery {
				d.at = d.at.Add(2 * time.Hour)
				return []delivery{d}
			},
			alarms: []string{"QM/justice receipt-late", "QN/justice receipt-late", "QP/justice receipt-late"},
			also:   []string{"QM/justice sent-again", "QN/justice duplicate"},
		}, {
			name:   "replays all that it ever carried",
			after:  replay,
			alarms: []string{"QM/justice replayed", "QN/justice replayed", "QP/justice replayed"},
			also:   []string{"QN/justice duplicate"},
		}, {
			name:  "reorders what waits",
			order: func(all []delivery) { slices.Reverse(all) },
			also:  []string{"QN/justice out-of-order"},
		}, {
			name:  "duplicates everything",
			carry: func(_ *hostileBroker, d delivery) []delivery { return []delivery{d, d} },
			also:  []string{"QM/justice duplicate", "QN/justice duplicate", "QP/justice duplicate"},
		}, {
			name:   "truncates each envelope the first time",
			carry:  spoilFirst(func(wire []byte) []byte { return wire[:len(wire)/2] }),
			alarms: []string{"QM/justice unreadable malformed", "QN/justice unreadable malformed", "QP/justice unreadable malformed"},
			also:   []string{"QM/justice sent-again"},
		}, {
			name: "flips a bit in each envelope the first time",
			carry: spoilFirst(func(wire []byte) []byte {
				at := bytes.LastIndexByte(wire, '.') - 10 // in the ciphertext, and base64url before and after
				wire[at] = map[bool]byte{true: 'B', false: 'A'}[wire[at] == 'A']
				return wire
			}),
			alarms: []string{"QM/justice unreadable not-decryptable", "QN/justice unreadable not-decryptable", "QP/justice unreadable not-decryptable"},
		}, {
			name:   "swaps recipients the first time",
			carry:  swap,
			alarms: []string{"QM/justice unreadable wrong-recipient", "QN/justice unreadable wrong-recipient", "QP/justice unreadable wrong-recipient"},
			also:   []string{"QM/justice sent-again"},
		}, {
			name:   "writes another recipient's name on it the first time",
			carry:  readdress,
			alarms: []string{"QM/justice unreadable wrong-key", "QN/justice unreadable wrong-key", "QP/justice unreadable wrong-key"},
			also:   []string{"QM/justice sent-again"},
		}, {
			name: "withholds what one peer sends",
			carry: func(b *hostileBroker, d delivery) []delivery {
				if d.from == qn {
					d.at = b.began.Add(2 * time.Hour)
				}
				return []delivery{d}
			},
			alarms: []string{"QM/justice receipt-late", "QN/justice receipt-late"},
			also:   []string{"QN/justice duplicate"},
		}, {
			name:   "withholds receipts",
			carry:  func(_ *hostileBroker, d delivery) []delivery { return when(d.kind != store.KindReceipt, d) },
			until:  12 * time.Hour,
			alarms: []string{"QM/justice receipt-late", "QM/justice replayed", "QN/justice receipt-late", "QN/justice replayed", "QP/justice receipt-late", "QP/justice replayed"},
		}, {
			name: "accepts and stores nothing",
			answer: func(b *hostileBroker, from *desk, p *store.Parcel) answer {
				return answer{acceptance: b.truth(from, p)}
			},
			until:  2 * time.Hour,
			alarms: []string{"QM/justice receipt-late", "QN/justice receipt-late", "QP/justice receipt-late"},
			also:   []string{"QM/justice sent-again"},
		}, {
			name: "accepts other bytes than it was given",
			answer: lie(func(b *hostileBroker, from *desk, p *store.Parcel) []byte {
				return b.truth(from, p, func(a *schemas.Acceptance) { a.SHA256 = sha256Hex([]byte("other")) })
			}),
			until:  time.Hour / 2,
			alarms: []string{"QM/justice acceptance-wrong other-submission", "QN/justice acceptance-wrong other-submission", "QP/justice acceptance-wrong other-submission"},
			also:   []string{"QM/justice no-acceptance"},
		}, {
			name: "accepts in another's name",
			answer: lie(func(b *hostileBroker, from *desk, p *store.Parcel) []byte {
				said := schemas.Acceptance{From: from.me, To: p.Peer, ID: p.ID, SHA256: sha256Hex(p.Wire), AcceptedAt: b.clock.Now()}
				return acceptance(b.t, b.scheme.Authority(qp).Signing, jose.TypAcceptance, said)
			}),
			until:  time.Hour / 2,
			alarms: []string{"QM/justice acceptance-wrong unknown-broker", "QN/justice acceptance-wrong unknown-broker", "QP/justice acceptance-wrong unknown-broker"},
		}, {
			name: "accepts with a broken signature",
			answer: lie(func(b *hostileBroker, from *desk, p *store.Parcel) []byte {
				good := b.truth(from, p)
				return append(good[:len(good)-4:len(good)-4], "AAAA"...)
			}),
			until:  time.Hour / 2,
			alarms: []string{"QM/justice acceptance-wrong signature-invalid", "QN/justice acceptance-wrong signature-invalid", "QP/justice acceptance-wrong signature-invalid"},
		}, {
			name:   "accepts without a signature",
			answer: lie(func(*hostileBroker, *desk, *store.Parcel) []byte { return []byte("accepted") }),
			until:  time.Hour / 2,
			alarms: []string{"QM/justice acceptance-wrong malformed", "QN/justice acceptance-wrong malformed", "QP/justice acceptance-wrong malformed"},
		}, {
			name: "says another time",
			answer: lie(func(b *hostileBroker, from *desk, p *store.Parcel) []byte {
				return b.truth(from, p, func(a *schemas.Acceptance) { a.AcceptedAt = a.AcceptedAt.Add(3 * time.Hour) })
			}),
			also: []string{"QM/justice doctor clock", "QN/justice doctor clock", "QP/justice doctor clock"},
		}, {
			name:   "answers nothing",
			answer: func(*hostileBroker, *desk, *store.Parcel) answer { return answer{} },
			until:  2 * time.Hour,
			alarms: []string{"QM/justice receipt-late", "QN/justice receipt-late", "QP/justice receipt-late"},
			also:   []string{"QM/justice no-acceptance"},
		}, {
			name:   "stores and answers nothing",
			answer: func(*hostileBroker, *desk, *store.Parcel) answer { return answer{stores: true} },
			until:  time.Minute,
			also:   []string{"QM/justice no-acceptance", "QN/justice no-acceptance"},
		}, {
			name: "refuses what it should take",
			answer: func(*hostileBroker, *desk, *store.Parcel) answer {
				return answer{refused: schemas.RefusedRouteNotInForce}
			},
			until:  time.Hour / 2,
			alarms: []string{"QM/justice broker-refuses", "QN/justice broker-refuses", "QP/justice broker-refuses"},
		}, {
			name:   "does all of it at random for half an hour",
			carry:  atRandom(rand.New(rand.NewPCG(20261127, 6))),
			until:  time.Hour / 2,
			chance: true,
			alarms: []string{
				"QM/justice unreadable malformed", "QM/justice unreadable wrong-recipient", "QN/justice unreadable malformed",
				"QN/justice unreadable wrong-recipient", "QP/justice unreadable malformed", "QP/justice unreadable wrong-recipient",
				"QN/justice hole", "QP/justice hole", "QM/justice hole",
			},
		},
	}
}

func when(ok bool, d delivery) []delivery {
	if !ok {
		return nil
	}
	return []delivery{d}
}

// lie stores as it should and answers with a lie.
func lie(say func(*hostileBroker, *desk, *store.Parcel) []byte) func(*hostileBroker, *desk, *store.Parcel) answer {
	return func(b *hostileBroker, from *desk, p *store.Parcel) answer {
		return answer{acceptance: say(b, from, p), stores: true}
	}
}

func spoilFirst(spoil func([]byte) []byte) func(*hostileBroker, delivery) []delivery {
	return func(_ *hostileBroker, d delivery) []delivery {
		if d.copy == 0 {
			d.wire = spoil(bytes.Clone(d.wire))
		}
		return []delivery{d}
	}
}

// swap gives the first copy of each envelope to the next desk in the alphabet.
func swap(b *hostileBroker, d delivery) []delivery {
	if d.copy == 0 {
		ids := b.ids()
		d.to = ids[(slices.Index(ids, d.to)+1)%len(ids)]
	}
	return []delivery{d}
}

// readdress does the same, and writes that desk's name where the recipient's stands.
func readdress(b *hostileBroker, d delivery) []delivery {
	before := d.to
	d = swap(b, d)[0]
	header, rest, _ := bytes.Cut(d.wire, []byte("."))
	plain, err := base64.RawURLEncoding.DecodeString(string(header))
	if err != nil {
		b.t.Fatal(err)
	}
	plain = bytes.Replace(plain, []byte(`"to":"`+string(before)), []byte(`"to":"`+string(d.to)), 1)
	d.wire = append([]byte(base64.RawURLEncoding.EncodeToString(plain)+"."), rest...)
	return []delivery{d}
}

func replay(b *hostileBroker) {
	all := slices.Clone(b.carried)
	for range replayedAfter {
		for _, d := range all {
			d.at = b.clock.Now()
			b.held = append(b.held, d)
		}
	}
}

// atRandom does something else to each envelope.
func atRandom(random *rand.Rand) func(*hostileBroker, delivery) []delivery {
	return func(b *hostileBroker, d delivery) []delivery {
		switch random.IntN(6) {
		case 0:
			return nil
		case 1:
			d.at = d.at.Add(time.Duration(random.IntN(1200)) * time.Second)
		case 2:
			return []delivery{d, d}
		case 3:
			d.wire = d.wire[:random.IntN(len(d.wire))]
		case 4:
			return swap(b, d)
		}
		return []delivery{d}
	}
}
