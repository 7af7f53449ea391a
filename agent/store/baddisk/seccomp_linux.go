package baddisk

import (
	"fmt"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

var numbers = map[Call][]uint32{
	Write: {unix.SYS_PWRITE64, unix.SYS_PWRITEV, unix.SYS_FTRUNCATE, unix.SYS_FALLOCATE},
	Sync:  {unix.SYS_FSYNC, unix.SYS_FDATASYNC},
}

// Where the number of the call and its third argument stand in what a filter looks at.
const (
	offsetNumber = 0
	offsetThird  = 32
)

// Fail makes calls of these kinds fail with errno from here on.
func Fail(errno syscall.Errno, kinds ...Call) error {
	refuse := instruction(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ERRNO|uint32(errno))
	program := []unix.SockFilter{instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetNumber)}
	creates := false
	for _, kind := range kinds {
		creates = creates || kind == Create
		for _, number := range numbers[kind] {
			program = append(program, ifElse(unix.BPF_JEQ, number, 0, 1), refuse)
		}
	}
	if creates { // last: it looks at an argument, and not at the number any more
		program = append(program,
			ifElse(unix.BPF_JEQ, unix.SYS_OPENAT, 0, 3),
			instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetThird),
			ifElse(unix.BPF_JSET, unix.O_CREAT, 0, 1), refuse)
	}
	_, err := install(append(program, allow), unix.SECCOMP_FILTER_FLAG_TSYNC)
	return err
}

// SlowSync makes every sync take so much longer from here on.
func SlowSync(by time.Duration) error {
	program := []unix.SockFilter{instruction(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offsetNumber)}
	for _, number := range numbers[Sync] {
		program = append(program, ifElse(unix.BPF_JEQ, number, 0, 1), instruction(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_USER_NOTIF))
	}
	listener, err := install(append(program, allow),
		unix.SECCOMP_FILTER_FLAG_TSYNC|unix.SECCOMP_FILTER_FLAG_TSYNC_ESRCH|unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	if err != nil {
		return err
	}
	go letPass(listener, by)
	return nil
}

// notification and verdict are the kernel's struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	data       [64]byte
}

type verdict struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

const goOn = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE

func letPass(listener uintptr, by time.Duration) {
	for {
		var n notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); errno == unix.EINTR || errno == unix.ENOENT {
			continue
		} else if errno != 0 {
			return
		}
		time.AfterFunc(by, func() {
			v := verdict{id: n.id, flags: goOn}
			_, _, _ = unix.Syscall(unix.SYS_IOCTL, listener, unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&v)))
		})
	}
}

var allow = instruction(unix.BPF_RET|unix.BPF_K, unix.SECCOMP_RET_ALLOW)

func instruction(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }

func ifElse(test uint16, k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, Jt: yes, Jf: no, K: k}
}

func install(program []unix.SockFilter, flags uintptr) (uintptr, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	result, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&filter)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return 0, fmt.Errorf("%w: %w", ErrUnsupported, errno)
	}
	return result, nil
}
