package scan

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/base32"
	"io"
	"math/big"
	"strings"
)

// Ways of writing bytes in letters beside base64 and hexadecimal digits. Each keeps only what comes out as text, which words that
// were never encoded hardly ever do.

// inflate unpacks what was compressed with gzip, zlib or bzip2, up to a limit: a word is short.
func inflate(b []byte) ([]byte, bool) {
	const most = 64 << 10
	var r io.ReadCloser
	var err error
	switch {
	case len(b) > 10 && b[0] == 0x1F && b[1] == 0x8B:
		r, err = gzip.NewReader(bytes.NewReader(b))
	case len(b) > 10 && string(b[:3]) == "BZh":
		r = io.NopCloser(bzip2.NewReader(bytes.NewReader(b)))
	case len(b) > 6 && b[0] == 0x78 && (int(b[0])<<8+int(b[1]))%31 == 0:
		r, err = zlib.NewReader(bytes.NewReader(b))
	default:
		return nil, false
	}
	if err != nil {
		return nil, false
	}
	defer r.Close()
	out, err := io.ReadAll(io.LimitReader(r, most))
	if err != nil && len(out) == 0 {
		return nil, false
	}
	return out, true
}

// decodeArmour reads words in base32, base58 and base85.
func decodeArmour(text string) (view, bool) {
	return replaceWords(text, base64AtLeast, func(word string) (string, bool) {
		const longest = 4096
		if len(word) > longest {
			return "", false
		}
		var seen kind
		for i := range len(word) {
			seen |= kinds[word[i]]
		}
		if seen&high != 0 || seen&(lower|upper) == 0 {
			return "", false
		}
		word = strings.Trim(word, ",;.()")
		if seen&(lower|upper) != lower|upper && seen&(sign|symbol|mask) == 0 && (seen&digit != 0 || seen&upper != 0 && len(word) >= 2*base64AtLeast) ||
			strings.HasSuffix(word, "=") {
			if out, decoded := unbase32(word); decoded {
				return out, true
			}
		}
		if seen&lower == 0 || seen&upper == 0 || turnsOf(word) < turnsAtLeast {
			return "", false
		}
		if out, decoded := unbase64Signs(word); decoded {
			return out, true
		}
		if out, decoded := unbase58(word); decoded {
			return out, true
		}
		return unbase85(word)
	})
}

// turnsAtLeast is how often a code changes between small letters, capitals, digits and signs. Words do so once or twice.
const turnsAtLeast = 4

func turnsOf(word string) int {
	turns := 0
	for i := 1; i < len(word); i++ {
		if kinds[word[i]] != kinds[word[i-1]] {
			turns++
		}
	}
	return turns
}

func unbase32(word string) (string, bool) {
	word = strings.ToUpper(strings.TrimRight(word, "="))
	if strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return "", false
	}
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(word)
	if err != nil {
		return "", false
	}
	return fromBytes(b)
}

// unbase64Signs reads base64 with signs between groups of it.
func unbase64Signs(word string) (string, bool) {
	const signs = ".,:;|~*#"
	if !strings.ContainsAny(word, signs) {
		return "", false
	}
	return unbase64(strings.Map(func(r rune) rune {
		if strings.ContainsRune(signs, r) {
			return -1
		}
		return r
	}, word))
}

func unbase58(word string) (string, bool) {
	const alphabet, longest = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", 128
	if len(word) > longest {
		return "", false
	}
	number, base := new(big.Int), big.NewInt(int64(len(alphabet)))
	for i := range len(word) {
		at := strings.IndexByte(alphabet, word[i])
		if at < 0 {
			return "", false
		}
		number.Add(number.Mul(number, base), big.NewInt(int64(at)))
	}
	return likelyText(number.Bytes())
}

// unbase85 reads the alphabets of RFC 1924, which Python writes, of ZeroMQ (Z85) and of Adobe.
func unbase85(word string) (string, bool) {
	const (
		digits  = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
		zeromq  = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
		atLeast = 8
	)
	if len(word) < atLeast {
		return "", false
	}
	for _, alphabet := range []string{digits, zeromq} {
		if out, decoded := fromBase85(word, alphabet); decoded {
			return out, true
		}
	}
	return fromASCII85(strings.TrimSuffix(strings.TrimPrefix(word, "<~"), "~>"))
}

func fromBase85(word, alphabet string) (string, bool) {
	var out []byte
	for len(word) > 0 {
		n := min(5, len(word))
		var v uint64
		for i := range 5 {
			at := len(alphabet) - 1
			if i < n {
				if at = strings.IndexByte(alphabet, word[i]); at < 0 {
					return "", false
				}
			}
			v = v*85 + uint64(at)
		}
		out = append(out, []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}[:max(0, n-1)]...)
		word = word[n:]
	}
	return likelyText(out)
}

func fromASCII85(word string) (string, bool) {
	out := make([]byte, 4*len(word)+4)
	n, _, err := ascii85.Decode(out, []byte(word), true)
	if err != nil {
		return "", false
	}
	return likelyText(out[:n])
}

// likelyText takes text in one script: so many words may be base85 that everything else is chance.
func likelyText(b []byte) (string, bool) {
	out, decoded := fromBytes(b)
	return out, decoded && plausible([]byte(out), len(b))
}

// decodeUuencode reads the lines between begin and end of uuencode.
func decodeUuencode(text string) (view, bool) {
	head := strings.Index(text, "begin ")
	if head < 0 {
		return view{}, false
	}
	first := strings.IndexByte(text[head:], '\n')
	if first < 0 {
		return view{}, false
	}
	var out []byte
	at := head + first + 1
	for line := range strings.Lines(text[at:]) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line == "`" || line == "end" {
			break
		}
		out = append(out, uuLine(line)...)
	}
	decoded, readable := fromBytes(out)
	if !readable {
		return view{}, false
	}
	var w viewBuilder
	w.copy(text, 0, head)
	w.put("\n"+decoded+"\n", head, len(text))
	return w.view(), true
}

func uuLine(line string) []byte {
	size := int(line[0]-' ') & 0x3F
	var out []byte
	for code := line[1:]; len(code) > 0 && len(out) < size; {
		var v uint32
		for i := range 4 {
			v <<= 6
			if i < len(code) {
				v |= uint32(code[i]-' ') & 0x3F
			}
		}
		out = append(out, byte(v>>16), byte(v>>8), byte(v))
		code = code[min(4, len(code)):]
	}
	return out[:min(size, len(out))]
}
