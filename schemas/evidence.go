package schemas

import (
	"fmt"
	"slices"
	"strconv"
)

// EvidenceFile is the manifest of a file that travels beside its message, in chunks: what it is, and by what the recipient
// knows each part of it. The signature over the message covers it.
type EvidenceFile struct {
	ID        FileID     `json:"id"`
	Name      string     `json:"name"` // neutral
	MediaType string     `json:"media_type"`
	SHA256    string     `json:"sha256"` // of the content
	Bytes     int64      `json:"bytes"`  // of the content
	Sealed    SealedFile `json:"sealed"`
	Certified bool       `json:"certified"`
	// ChainOfCustody is who held the item until it was added here, by function.
	ChainOfCustody []CustodyEntry `json:"chain_of_custody,omitzero"`
}

// SealedFile is the encrypted form of a file: what the chunks are cut from.
type SealedFile struct {
	Bytes int64 `json:"bytes"`
	// Root is the root of the tree over the chunks (RFC 6962 section 2.1), in lower-case hexadecimal.
	Root string `json:"root"`
}

// Chunks is how many there are.
func (s SealedFile) Chunks() int64 { return (s.Bytes + ChunkBytes - 1) / ChunkBytes }

// CustodyEntry is one step in the chain of custody of an item.
type CustodyEntry struct {
	At     string `json:"at"`     // RFC 3339
	Holder string `json:"holder"` // a function, never a person
	Action string `json:"action"` // seized, produced, sealed, examined, copied, transferred
}

// checkEvidence holds what no schema can say of the manifests of a message, and returns the hashes of their files.
func checkEvidence(payload map[string]any, defects *[]Defect) (hashes []string) {
	list, _ := payload["evidence"].([]any)
	var seen []string
	for i, entry := range list {
		file, _ := entry.(map[string]any)
		at := "/evidence/" + strconv.Itoa(i)
		for _, member := range []string{"id", "name"} {
			text, ok := file[member].(string)
			if !ok {
				continue
			}
			if slices.Contains(seen, member+text) {
				*defects = append(*defects, Defect{Pointer: at + "/" + member, Rule: RuleUnique, Hint: "each file of evidence has one of its own"})
			}
			seen = append(seen, member+text)
		}
		if hash, ok := file["sha256"].(string); ok {
			hashes = append(hashes, hash)
		}
		sealed, _ := file["sealed"].(map[string]any)
		plain, known := file["bytes"].(float64)
		if size, ok := sealed["bytes"].(float64); ok && known && size <= plain {
			*defects = append(*defects, Defect{Pointer: at + "/sealed/bytes", Rule: RuleAttachmentSize, Hint: "the sealed form is longer than the content"})
		}
	}
	if _, inCase := payload["case"].(string); len(list) > 0 && !inCase {
		*defects = append(*defects, Defect{Pointer: "/evidence", Rule: RuleNotAllowed,
			Hint: fmt.Sprintf("files of evidence (%d) belong to a case that is open: a message that opens one carries none", len(list))})
	}
	return hashes
}
