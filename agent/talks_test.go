package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestChunksLetMessagesBy: how long a chunk waits, to the millisecond, whatever is on its way meanwhile.
func TestChunksLetMessagesBy(t *testing.T) {
	for _, test := range []struct {
		name string
		play func(*talks)
		want time.Duration
	}{
		{"nothing", func(*talks) {}, 0},
		{"one that has just passed", func(x *talks) { x.touch() }, afterwards},
		{"one that takes 20 ms", func(x *talks) { x.begin(); time.AfterFunc(20*time.Millisecond, x.end) }, 20*time.Millisecond + afterwards},
		{"two, one within the other", func(x *talks) {
			x.begin()
			x.begin()
			time.AfterFunc(5*time.Millisecond, x.end)
			time.AfterFunc(25*time.Millisecond, x.end)
		}, 25*time.Millisecond + afterwards},
		{"another that comes while it waits", func(x *talks) { x.touch(); time.AfterFunc(20*time.Millisecond, x.touch) }, 20*time.Millisecond + afterwards},
		{"one that never ends", func(x *talks) { x.begin() }, quietFor},
		{"ever new ones", func(x *talks) {
			x.touch()
			for at := time.Duration(0); at < time.Second; at += 10 * time.Millisecond {
				time.AfterFunc(at, x.touch)
			}
		}, quietFor},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var x talks
				began := time.Now()
				test.play(&x)
				x.letBy(t.Context())
				if took := time.Since(began); took != test.want {
					t.Errorf("waited %s, not %s", took, test.want)
				}
				time.Sleep(2 * time.Second) // of this bubble: until what was to come has come
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var x talks
		x.begin()
		began := time.Now()
		time.AfterFunc(7*time.Millisecond, cancel)
		x.letBy(ctx)
		if took := time.Since(began); took != 7*time.Millisecond {
			t.Errorf("an agent that ends waited %s for its chunks", took)
		}
	})
}
