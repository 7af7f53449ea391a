package envelope

import (
	"bytes"
	"math/bits"
)

// smallest is the plaintext size of everything up to it: all control messages and most messages.
const smallest = 4 << 10

// paddedSize is the plaintext size for n bytes of JWS: 4 KiB, and above it the Padmé size (Nikitin et al., PETS 2019),
// which leaks O(log log n) bits of the length and costs at most 12 %.
func paddedSize(n int) int {
	if n <= smallest {
		return smallest
	}
	exponent := bits.Len(uint(n)) - 1    // floor(log2 n)
	kept := bits.Len(uint(exponent))     // bits that the size may show
	mask := uint(1)<<(exponent-kept) - 1 // the rest is rounded up
	return int((uint(n) + mask) &^ mask)
}

func pad(jws []byte) []byte {
	return append(bytes.Clone(jws), bytes.Repeat([]byte{' '}, paddedSize(len(jws))-len(jws))...)
}

// unpad accepts exactly the output of pad: what else could stand behind the JWS would be a hidden channel, and a reader
// who took less than all for the message would see another than a reader who took it all.
func unpad(plaintext []byte) ([]byte, error) {
	jws := plaintext
	if end := bytes.IndexFunc(plaintext, func(r rune) bool { return !isCompact(r) }); end >= 0 {
		jws = plaintext[:end]
	}
	if len(jws) == 0 {
		return nil, refuse(Malformed, "no compact JWS in the envelope")
	}
	padding := plaintext[len(jws):]
	if len(bytes.Trim(padding, " ")) != 0 {
		return nil, refuse(Padding, "something else than spaces behind the JWS")
	}
	if len(plaintext) != paddedSize(len(jws)) {
		return nil, refuse(Padding, "not the length that the JWS calls for")
	}
	return jws, nil
}

// isCompact tells whether r may stand in a compact serialisation: base64url and dots.
func isCompact(r rune) bool {
	return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
}
