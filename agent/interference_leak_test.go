package agent

import "comity/agent/store"

// leak is a fault that a test plants in the world under protection. The zero value is none.
type leak struct {
	submits func(*stage, *desk, *store.Parcel) bool // may change what is handed to the broker; false withholds it
	holds   func(*stage, *desk, *store.Message)     // when policy has stopped a message
	frees   func(*stage, *desk, *written)           // when two officers have released one
	feeds   func(*stage, *desk)                     // when a register was fed
}
