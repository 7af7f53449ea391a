package evidence

import (
	"math/bits"

	"comity/schemas"
)

// leastPadded is what every small file is padded to, in bytes.
const leastPadded = 4 << 10

// padded is the length to which content of n bytes is padded before it is encrypted: the Padmé size, 12 % more at the most
// and 2 % for files of gigabytes, so that the number of chunks, which the broker sees, says no more than a class of sizes.
func padded(n int64) int64 {
	if n <= leastPadded {
		return leastPadded
	}
	exponent := bits.Len64(uint64(n)) - 1
	low := exponent - bits.Len64(uint64(exponent))
	step := int64(1) << low
	return (n + step - 1) / step * step
}

// MaxBytes is the largest file: 1 TiB. Its chunks are counted in 32 bits with room to spare.
const MaxBytes = 1 << 40

// sealedRoom is what encryption adds at the most: the head with the stanzas of two recipients, and 16 bytes for each 64 KiB.
func sealedRoom(n int64) int64 {
	const head = 8 << 10
	return padded(n) + (padded(n)/(64<<10)+1)*16 + head
}

// MostSealed is the longest sealed form of content of n bytes: a manifest that claims more is refused before anything is
// asked for.
func MostSealed(n int64) int64 { return sealedRoom(n) }

// plausible holds the sizes of a manifest against each other.
func plausible(f schemas.EvidenceFile) bool {
	return f.Bytes > 0 && f.Bytes <= MaxBytes && f.Sealed.Bytes > padded(f.Bytes) && f.Sealed.Bytes <= MostSealed(f.Bytes)
}
