package scan

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outOfHeap gives room for a large table of which most is never looked at: pages of a file without a name, which the system
// takes back and brings again as it likes. On the heap it would be resident as a whole, and the collector would let as much
// garbage grow beside it. Where the system gives no such pages, it is the heap.
func outOfHeap(n int) (table []uint16, settle func()) {
	onHeap := func() ([]uint16, func()) { return make([]uint16, n), func() {} }
	file, err := os.CreateTemp("", "comity-table-*") // mode 0600
	if err != nil {
		return onHeap()
	}
	defer file.Close()
	bytes := 2 * n
	if os.Remove(file.Name()) != nil || bytes == 0 || file.Truncate(int64(bytes)) != nil {
		return onHeap()
	}
	pages, err := unix.Mmap(int(file.Fd()), 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return onHeap()
	}
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(pages))), n), func() {
		// What was written stays in the file. A failure leaves it resident, which is all that it does.
		_ = unix.Madvise(pages, unix.MADV_DONTNEED)
	}
}
