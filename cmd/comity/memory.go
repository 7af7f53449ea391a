package main

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Chunks of files of any size go through broker and agent, and each leaves half a MiB and more for the collector. How often it
// works decides what a file costs and how much a process has resident. So a process that serves does not go by a share of what
// is in use, which is little, but by a room: the collector works when that is full.

// The rooms, in bytes, of all that the Go runtime has from the system. Some 35 MiB of the program itself come on top.
const (
	brokerRoom = 52 << 20
	agentRoom  = 58 << 20
	// leastFree is how much a room has beside what is in use: an agent that has more to keep in memory, such as a large register, has a
	// larger room, and never one in which the collector does nothing but work.
	leastFree = 16 << 20
	// A tenth of a room is lost between what is in use, and not worth the work of giving it back.
	lost      = 10
	lookAgain = time.Second
)

// thrifty keeps this process to a room until ctx ends. Whoever sets GOGC or GOMEMLIMIT knows better.
func thrifty(ctx context.Context, room int64) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	fitRoom(room)
	go func() {
		tick := time.NewTicker(lookAgain)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				fitRoom(room)
			}
		}
	}()
}

// besides are the parts of what the runtime has that are not on the heap.
var besides = []string{
	"/memory/classes/heap/stacks:bytes",
	"/memory/classes/metadata/mcache/inuse:bytes",
	"/memory/classes/metadata/mspan/inuse:bytes",
	"/memory/classes/metadata/other:bytes",
	"/memory/classes/profiling/buckets:bytes",
	"/memory/classes/other:bytes",
}

// fitRoom has the collector begin when what the runtime has fills a room, or what is in use and leastFree where that is more.
func fitRoom(room int64) {
	live := max(1, sizeOf("/gc/heap/live:bytes"))
	other := sizeOf(besides...)
	room = max(room, (live+other+leastFree)*(lost+1)/lost)
	free := room*lost/(lost+1) - live - other
	debug.SetGCPercent(int(free * 100 / live))
	debug.SetMemoryLimit(room)
}

func sizeOf(names ...string) (sum int64) {
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	metrics.Read(samples)
	for _, s := range samples {
		sum += int64(s.Value.Uint64())
	}
	return sum
}

// forgetStart gives back the pages of the program's own file that only the start has read: the lexicon, the schemas and the pages of
// the console as they were embedded. What is needed again comes back from the file.
func forgetStart() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return // no such file system: then they stay
	}
	for line := range bytes.Lines(maps) {
		fields := strings.Fields(string(line))
		if len(fields) != 6 || fields[5] != self || strings.Contains(fields[1], "w") {
			continue // what was written to has no file to come back from
		}
		from, to, _ := strings.Cut(fields[0], "-")
		start, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 != nil || err2 != nil {
			return
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED) // advice: if it is not taken, they stay
	}
}
