//go:build !linux

package baddisk

import (
	"syscall"
	"time"
)

// Fail makes calls of these kinds fail with errno from here on.
func Fail(syscall.Errno, ...Call) error { return ErrUnsupported }

// SlowSync makes every sync take so much longer from here on.
func SlowSync(time.Duration) error { return ErrUnsupported }
