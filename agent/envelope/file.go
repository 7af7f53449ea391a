package envelope

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"comity/pki"
	"comity/schemas"
)

// Want asks the sender of a message for chunks of the files that the message names. It follows from the message's bytes and
// from what has arrived of the files, never from policy or register.
type Want struct {
	Message schemas.MessageID
	Files   []WantedFile // 1 to MaxWantFiles
}

// WantedFile is what of one file is missing.
type WantedFile struct {
	File   schemas.FileID `json:"file"`
	Ranges []ChunkRange   `json:"ranges"` // ascending and apart, 1 to MaxWantRanges
}

// ChunkRange is the chunks First to Last, both included.
type ChunkRange struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
}

// Bounds of a want: what is missing beyond them is asked for next time.
const (
	MaxWantFiles  = 100
	MaxWantRanges = 64
)

// Completion is the recipient's signed word about one whole file: that it stands here as its manifest says, or that it never
// will. It is another thing than the receipt of the message that named the file.
type Completion struct {
	Message schemas.MessageID
	File    schemas.FileID
	SHA256  string // of the content, as the manifest has it
	Bytes   int64
	Outcome Outcome
	Reason  FileRejection // with Rejected only
	At      time.Time     // to the second
}

// FileRejection is why a file is refused for good. Each follows from the manifest and the chunks alone.
type FileRejection string

// RejectedFileContent: every chunk is what the manifest says, and the content in them is not.
const RejectedFileContent FileRejection = "content-differs"

type (
	wireWant struct {
		Message schemas.MessageID `json:"message"`
		Files   []WantedFile      `json:"files"`
	}
	wireCompletion struct {
		Message schemas.MessageID `json:"message"`
		File    schemas.FileID    `json:"file"`
		SHA256  string            `json:"sha256"`
		Bytes   int64             `json:"bytes"`
		Outcome Outcome           `json:"outcome"`
		Reason  FileRejection     `json:"reason,omitzero"`
		At      wireTime          `json:"at"`
	}
)

// SealWant seals a want.
func SealWant(h Header, w Want, s Signer, to pki.Proof) (*Sealed, error) {
	if err := w.check(); err != nil {
		return nil, fmt.Errorf("sealing a want: %w", err)
	}
	return sealControl(KindWant, h, wireWant(w), s, to)
}

// SealCompletion seals a completion.
func SealCompletion(h Header, c Completion, s Signer, to pki.Proof) (*Sealed, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("sealing a completion: %w", err)
	}
	return sealControl(KindCompletion, h, wireCompletion{Message: c.Message, File: c.File, SHA256: c.SHA256, Bytes: c.Bytes,
		Outcome: c.Outcome, Reason: c.Reason, At: wireTime(c.At)}, s, to)
}

func (w Want) check() error {
	if _, err := schemas.ParseMessageID(string(w.Message)); err != nil {
		return err
	}
	if len(w.Files) == 0 || len(w.Files) > MaxWantFiles {
		return fmt.Errorf("a want names 1 to %d files", MaxWantFiles)
	}
	var seen []schemas.FileID
	for _, f := range w.Files {
		if _, err := schemas.ParseFileID(string(f.File)); err != nil {
			return err
		}
		if slices.Contains(seen, f.File) || len(f.Ranges) == 0 || len(f.Ranges) > MaxWantRanges {
			return fmt.Errorf("a want names each file once, with 1 to %d ranges", MaxWantRanges)
		}
		seen = append(seen, f.File)
		for i, r := range f.Ranges {
			if r.Last < r.First || i > 0 && r.First <= f.Ranges[i-1].Last {
				return errors.New("the ranges of a want are ascending and apart")
			}
		}
	}
	return nil
}

func (c Completion) check() error {
	_, err := schemas.ParseMessageID(string(c.Message))
	_, bad := schemas.ParseFileID(string(c.File))
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	if hash, err := hex.DecodeString(c.SHA256); err != nil || len(hash) != 32 || hex.EncodeToString(hash) != c.SHA256 || c.Bytes <= 0 {
		return errors.New("a completion names the hash and the size of a file")
	}
	switch {
	case !wholeSecond(c.At):
		return errors.New("at is not a whole second in UTC")
	case c.Outcome == Stored && c.Reason == "", c.Outcome == Rejected && c.Reason == RejectedFileContent:
		return nil
	}
	return errors.New("outcome is neither stored nor rejected with its reason")
}

func readWant(payload []byte) (Want, error) {
	var w wireWant
	if err := schemas.Decode(payload, &w, schemas.PayloadLimits); err != nil {
		return Want{}, err
	}
	return Want(w), Want(w).check()
}

func readCompletion(payload []byte) (Completion, error) {
	var w wireCompletion
	if err := schemas.Decode(payload, &w, schemas.DefaultLimits); err != nil {
		return Completion{}, err
	}
	c := Completion{Message: w.Message, File: w.File, SHA256: w.SHA256, Bytes: w.Bytes, Outcome: w.Outcome, Reason: w.Reason, At: time.Time(w.At)}
	return c, c.check()
}
