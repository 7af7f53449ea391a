package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"comity/agent/account"
)

//go:embed static
var staticFiles embed.FS

// asset is a file that pages name. Its name holds its hash, so that a browser may keep it for ever.
type asset struct {
	content   []byte
	mediaType string
}

func (p *pages) loadAssets() error {
	p.assets, p.named = map[string]asset{}, map[string]string{}
	files, err := fs.Glob(staticFiles, "static/*.*")
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := staticFiles.ReadFile(file)
		if err != nil {
			return err
		}
		sum, ending := sha256.Sum256(content), path.Ext(file)
		base := path.Base(file)
		name := strings.TrimSuffix(base, ending) + "-" + hex.EncodeToString(sum[:8]) + ending
		p.assets[name] = asset{content: content, mediaType: mime.TypeByExtension(ending)}
		p.named[base] = name
	}
	return nil
}

func (k *Console) static(w http.ResponseWriter, r *http.Request, _ *account.Session) {
	found, ok := k.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", found.mediaType)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // it has no content of anybody
	w.Write(found.content)
}
