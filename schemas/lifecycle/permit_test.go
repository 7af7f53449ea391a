package lifecycle

import (
	"testing"

	"comity/schemas"
)

// A refusal is told to people with what they may send instead, so it costs more than a yes; agents ask about every draft.
func BenchmarkPermits(b *testing.B) {
	c, err := Derive(schemas.ChannelMLA, []Event{{ID: "1", From: qm, To: qn, Seq: 1, Type: "mla.request/1"}})
	if err != nil {
		b.Fatal(err)
	}
	for name, t := range map[string]schemas.MessageType{"permitted": "mla.acknowledgement/1", "refused with a hint": "mla.result/1"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = c.Permits(Requested, t, "full")
			}
		})
	}
}
