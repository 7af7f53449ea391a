package console

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"comity/agent/api"
)

// fileKinds are the files that can be attached, by what is found in them; the ending is that of the neutral name.
var fileKinds = map[string]string{
	"application/pdf": ".pdf", "image/jpeg": ".jpg", "image/png": ".png", "text/plain; charset=utf-8": ".txt", "application/zip": ".zip",
	"application/octet-stream": ".bin",
}

// maxFile bounds the files of a message, in bytes, before base64.
const maxFile = 512 << 10

// addFiles adds the files that were chosen to the list of attachments, each under a neutral name: what the file was called on the
// officer's machine can be a person's name, and is forgotten here.
func addFiles(r *http.Request, form *node) error {
	list := form.at("/attachments")
	if r.MultipartForm == nil || list == nil {
		return nil
	}
	for _, header := range r.MultipartForm.File["file"] {
		if header.Size == 0 {
			continue
		}
		if header.Size > maxFile {
			return &api.Problem{Reason: "file-too-large", Message: fmt.Sprintf("a file is larger than %d KiB", maxFile>>10)}
		}
		opened, err := header.Open()
		if err != nil {
			return err
		}
		content, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
		if err := errors.Join(err, opened.Close()); err != nil {
			return err
		}
		list.addItem(fill(list.item(), list.Name+"/"+strconv.Itoa(len(list.Nodes)), newFile(list, content), false))
		list.Open = true
	}
	return nil
}

func newFile(list *node, content []byte) map[string]any {
	kind := http.DetectContentType(content)
	ending, known := fileKinds[kind]
	if !known {
		kind, ending = "application/octet-stream", ".bin"
	}
	media := kind
	if kind == "text/plain; charset=utf-8" {
		media = "text/plain"
	}
	sum := sha256.Sum256(content)
	return map[string]any{
		"name": neutralName(list, ending), "media_type": media, "sha256": hex.EncodeToString(sum[:]),
		"bytes": strconv.Itoa(len(content)), "content": base64.StdEncoding.EncodeToString(content),
	}
}

// neutralName is the first of annex-1, annex-2 and so on that no file of the list has.
func neutralName(list *node, ending string) string {
	for i := 1; ; i++ {
		name := "annex-" + strconv.Itoa(i) + ending
		if !slices.ContainsFunc(list.Nodes, func(n *node) bool { return n.Member("name").Value == name }) {
			return name
		}
	}
}
