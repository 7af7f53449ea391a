// Package baddisk makes the kernel treat the disk of this process as a bad one, for tests: writes that fail, syncs that
// fail or take their time. Nothing of the store is replaced; the system calls themselves answer so (seccomp, on Linux).
//
// What is made bad stays so until the process ends. It trusts that it runs in a process made for one test, and must never
// be called in any other: it is imported by tests alone.
package baddisk

import "errors"

// ErrUnsupported says that this system does not let a process do that to itself.
var ErrUnsupported = errors.New("this system cannot make its disk bad")

// Call is a kind of system call.
type Call int

// The calls.
const (
	Write  Call = iota // at a place in a file, as a database writes, and changes of a file's length
	Sync               // to the disk
	Create             // of a file that is not there
)
