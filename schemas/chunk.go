package schemas

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// FileID names a file of evidence: 26 characters like a MessageID, unique within its sender.
type FileID string

// NewFileID draws an identifier.
func NewFileID() FileID { return FileID(NewMessageID()) }

// ParseFileID accepts exactly the form of FileID.
func ParseFileID(s string) (FileID, error) {
	if !idForm.MatchString(s) {
		return "", fmt.Errorf("file id %w: 26 characters of lower-case base32", ErrForm)
	}
	return FileID(s), nil
}

// The sizes of what a file of evidence travels in, in bytes.
const (
	// ChunkBytes is every chunk of a sealed file but the last, which may be shorter.
	ChunkBytes = 512 << 10
	// MaxChunkWire bounds a chunk with its head.
	MaxChunkWire = ChunkBytes + chunkHeadRoom
	// chunkHeadRoom holds a route and a proof for 2^32 chunks.
	chunkHeadRoom = 4 << 10
)

// ChunkRoute is what the broker may know of a chunk, and the proof by which the recipient holds it against the manifest of
// the signed message. It says nothing of what the file is.
type ChunkRoute struct {
	From    AuthorityID `json:"from"`
	To      AuthorityID `json:"to"`
	Channel Channel     `json:"channel"`
	File    FileID      `json:"file"`
	Index   uint32      `json:"index"`
	// Proof are the hashes that lead from this chunk to the root of the file's tree (RFC 6962 section 2.1.1), one after the
	// other.
	Proof []byte `json:"proof"`
}

// ErrChunk says that bytes are no chunk: neither its head nor its end can be told.
var ErrChunk = errors.New("not a chunk of a file")

// chunkMagic begins every chunk, so that one is never taken for a sealed message.
const chunkMagic = "CMC1"

// EncodeChunk writes a chunk as it travels: the magic, the length of the head in two bytes, the head as JSON, the bytes.
func EncodeChunk(r ChunkRoute, body []byte) ([]byte, error) {
	if len(body) == 0 || len(body) > ChunkBytes {
		return nil, ErrChunk
	}
	wire, err := AppendChunkHead(make([]byte, 0, chunkHeadRoom+len(body)), r)
	return append(wire, body...), err
}

// AppendChunkHead is EncodeChunk for who writes the bytes behind the head themselves.
func AppendChunkHead(wire []byte, r ChunkRoute) ([]byte, error) {
	head, err := json.Marshal(r)
	if err != nil {
		return wire, fmt.Errorf("encoding a chunk: %w", err)
	}
	if len(head) > chunkHeadRoom-len(chunkMagic)-2 {
		return wire, ErrChunk
	}
	wire = append(wire, chunkMagic...)
	wire = binary.BigEndian.AppendUint16(wire, uint16(len(head)))
	return append(wire, head...), nil
}

// DecodeChunk takes a chunk apart. body is a part of wire. What the head says is a claim of whoever made it.
func DecodeChunk(wire []byte) (r ChunkRoute, body []byte, err error) {
	const start = len(chunkMagic) + 2
	if len(wire) < start || len(wire) > MaxChunkWire || string(wire[:len(chunkMagic)]) != chunkMagic {
		return r, nil, ErrChunk
	}
	end := start + int(binary.BigEndian.Uint16(wire[len(chunkMagic):]))
	if end >= len(wire) || len(wire)-end > ChunkBytes {
		return r, nil, ErrChunk
	}
	if err := Decode(wire[start:end], &r, Limits{Bytes: chunkHeadRoom, Depth: 2}); err != nil {
		return r, nil, fmt.Errorf("%w: %w", ErrChunk, err)
	}
	return r, wire[end:], r.check()
}

func (r ChunkRoute) check() error {
	route := Route{From: r.From, To: r.To, Channel: r.Channel, ID: MessageID(r.File)}
	if err := route.Check(); err != nil {
		return fmt.Errorf("%w: %w", ErrChunk, err)
	}
	if len(r.Proof)%32 != 0 || len(r.Proof) > 32*32 {
		return ErrChunk
	}
	return nil
}
