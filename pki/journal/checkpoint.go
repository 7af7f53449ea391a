package journal

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Checkpoint says what a log is at one size. It claims nothing until it is signed.
type Checkpoint struct {
	Origin Origin
	Size   int64
	Root   Hash
}

// MaxSize is the largest size: every JSON reader reads it exactly.
const MaxSize = 1 << 53

const (
	maxText = 1 << 10
	maxNote = 8 << 10 // with its signatures
)

// Checkpoint is the checkpoint of a log with this edge.
func (e Edge) Checkpoint(origin Origin) Checkpoint {
	return Checkpoint{Origin: origin, Size: e.size, Root: e.Root()}
}

// Text is the checkpoint as c2sp.org/tlog-checkpoint spells it, without extension lines.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
}

// ParseCheckpoint reads exactly what Text writes.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(text) > maxText || len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, refuse(ReasonMalformed, "a checkpoint has three lines")
	}
	c := Checkpoint{Origin: Origin(lines[0])}
	if _, _, err := c.Origin.Parties(); err != nil {
		return Checkpoint{}, err
	}
	var err error
	if c.Size, err = parseCount(lines[1]); err != nil {
		return Checkpoint{}, refuse(ReasonMalformed, "the size of a checkpoint is not a decimal number within bounds")
	}
	if c.Root, err = parseHash(lines[2]); err != nil {
		return Checkpoint{}, err
	}
	if c.Size == 0 && c.Root != emptyRoot() {
		return Checkpoint{}, refuse(ReasonMalformed, "a log without leaves has one hash only")
	}
	return c, nil
}

// parseCount reads a size or an index in its one spelling.
func parseCount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > MaxSize || strconv.FormatInt(n, 10) != text {
		return 0, refuse(ReasonMalformed, "not a decimal number within bounds")
	}
	return n, nil
}

var strictBase64 = base64.StdEncoding.Strict()

// parseHash reads a hash in its one spelling. The decoder alone would skip a line break.
func parseHash(text string) (h Hash, err error) {
	raw, err := strictBase64.DecodeString(text)
	if err != nil || len(raw) != len(h) {
		return h, refuse(ReasonMalformed, "not the base64 of a SHA-256")
	}
	copy(h[:], raw)
	if h.String() != text {
		return Hash{}, refuse(ReasonMalformed, "a second spelling of a hash")
	}
	return h, nil
}
