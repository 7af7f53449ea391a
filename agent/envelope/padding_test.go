package envelope

import (
	"bytes"
	"strings"
	"testing"
)

func TestPaddedSize(t *testing.T) {
	// The last column by the definition in the paper: e = floor(log2 n), s = floor(log2 e) + 1, round up to 2^(e-s).
	tests := []struct{ n, want int }{
		{0, 4096}, {1, 4096}, {4095, 4096}, {4096, 4096},
		{4097, 4352}, {4352, 4352}, {4353, 4608}, {8191, 8192}, {8192, 8192}, {8193, 8704},
		{65536, 65536}, {65537, 67584}, {100000, 100352}, {1 << 20, 1 << 20}, {1<<20 + 1, 1<<20 + 1<<15},
	}
	for _, test := range tests {
		if got := paddedSize(test.n); got != test.want {
			t.Errorf("paddedSize(%d) = %d, want %d", test.n, got, test.want)
		}
	}
	for n := smallest; n < 1<<21; n += 997 {
		size := paddedSize(n)
		if size < n || float64(size) > 1.12*float64(n) {
			t.Fatalf("paddedSize(%d) = %d, out of bounds", n, size)
		}
		if again := paddedSize(size); again != size {
			t.Fatalf("paddedSize(%d) = %d, but %d is a padded size itself", size, again, size)
		}
	}
}

func TestUnpad(t *testing.T) {
	small, large := []byte("a.b.c"), []byte(strings.Repeat("x", 5000)+".b.c")
	tests := []struct {
		name      string
		plaintext []byte
		want      []byte
		reason    Reason
	}{
		{"small", pad(small), small, ""},
		{"large", pad(large), large, ""},
		{"no padding needed", bytes.Repeat([]byte("x"), smallest), bytes.Repeat([]byte("x"), smallest), ""},
		{"no padding", small, nil, Padding},
		{"short by one", pad(small)[:smallest-1], nil, Padding},
		{"long by one", append(pad(small), ' '), nil, Padding},
		{"the next size", append(pad(small), bytes.Repeat([]byte{' '}, 256)...), nil, Padding},
		{"a zero byte", append(pad(small)[:smallest-1], 0), nil, Padding},
		{"a tab", append(pad(small)[:smallest-1], '\t'), nil, Padding},
		{"a line break", append(pad(small)[:smallest-1], '\n'), nil, Padding},
		{"text after a space", append(pad(small)[:smallest-1], 'x'), nil, Padding},
		{"invalid UTF-8", append(pad(small)[:smallest-1], 0xff), nil, Padding},
		{"spaces alone", pad(nil), nil, Malformed},
		{"a space in front", append([]byte{' '}, pad(small)[:smallest-1]...), nil, Malformed},
		{"JSON", append([]byte(`{}`), pad(nil)[:smallest-2]...), nil, Malformed},
		{"nothing", nil, nil, Malformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := unpad(test.plaintext)
			if ReasonOf(err) != test.reason || !bytes.Equal(got, test.want) {
				t.Fatalf("unpad = %d bytes, %v; want %d bytes, reason %q", len(got), err, len(test.want), test.reason)
			}
		})
	}
}
