package scan

import (
	"os/exec"
	"runtime/debug"
	"syscall"
)

const (
	memoryLimit  = 2 << 30 // address space of the child, and of each program that it starts
	filesLimit   = 64
	secondsLimit = 120 // of processor time; the time on the clock is limited by the parent
)

// limitSelf limits this process and those that it will start. A limit that cannot be set leaves the others: the parent
// still has its clock.
func limitSelf() {
	set := func(resource int, value uint64) {
		_ = syscall.Setrlimit(resource, &syscall.Rlimit{Cur: value, Max: value})
	}
	if !raceDetector {
		set(syscall.RLIMIT_AS, memoryLimit)
	}
	set(syscall.RLIMIT_CPU, secondsLimit)
	set(syscall.RLIMIT_CORE, 0)
	set(syscall.RLIMIT_FSIZE, 0) // it writes to its parent and to no file
	set(syscall.RLIMIT_NOFILE, filesLimit)
	debug.SetMemoryLimit(memoryLimit / 2)
}

// ownGroup puts a child in a process group of its own, so that it is killed with all that it started, and lets it die with
// this process.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
