package scan

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
)

// fromWindows reads bytes of the code page that most old documents are in.
func fromWindows(b []byte) string {
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return string(b)
	}
	return string(out)
}

var headerWords = mime.WordDecoder{CharsetReader: func(charset string, input io.Reader) (io.Reader, error) {
	enc, err := htmlindex.Get(charset)
	if err != nil {
		return nil, err
	}
	return enc.NewDecoder().Reader(input), nil
}}

// mail reads a message with all of its headers and parts.
func (x *reader) mail(content []byte, depth int) {
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		x.miss(Broken)
		text, _ := asText(content)
		x.say(text)
		return
	}
	x.headers(textproto.MIMEHeader(m.Header))
	x.part(textproto.MIMEHeader(m.Header), m.Body, depth)
}

func (x *reader) headers(h textproto.MIMEHeader) {
	for name, values := range h {
		for _, v := range values {
			decoded, err := headerWords.DecodeHeader(v)
			if err != nil {
				x.miss(BadEncoding)
				decoded = v
			}
			x.note(name + ": " + decoded)
		}
	}
}

// part reads one part of a message.
func (x *reader) part(h textproto.MIMEHeader, body io.Reader, depth int) {
	if x.entries++; x.entries > maxEntries || depth > maxNesting {
		x.miss(TooMuch)
		return
	}
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		if h.Get("Content-Type") != "" {
			x.miss(Broken)
		}
		mediaType, params = "text/plain", nil
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		if strings.HasSuffix(mediaType, "/encrypted") {
			x.miss(Encrypted)
		}
		x.multipart(body, params["boundary"], depth)
		return
	}
	content, err := x.take(decodedBody(h.Get("Content-Transfer-Encoding"), body))
	if err != nil {
		x.fail(err)
	}
	name := params["name"]
	if _, p, err := mime.ParseMediaType(h.Get("Content-Disposition")); err == nil && p["filename"] != "" {
		name = p["filename"]
	}
	if decoded, err := headerWords.DecodeHeader(name); err == nil {
		name = decoded
	}
	if strings.HasPrefix(mediaType, "text/") {
		content = x.inCharset(content, params["charset"])
	}
	if mediaType == "text/plain" && name == "" {
		if text, ok := asText(content); ok {
			x.say(text)
			return
		}
	}
	x.file(name, mediaType, content, depth+1)
}

func (x *reader) multipart(body io.Reader, boundary string, depth int) {
	if boundary == "" {
		x.miss(Broken)
		return
	}
	parts := multipart.NewReader(body, boundary)
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return
		}
		if err != nil {
			x.miss(Broken)
			return
		}
		x.headers(p.Header)
		x.part(p.Header, p, depth+1)
		if x.entries > maxEntries {
			return
		}
	}
}

func decodedBody(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	}
	return body
}

// inCharset makes UTF-8 of what a part says that it is in.
func (x *reader) inCharset(content []byte, charset string) []byte {
	if utf8.Valid(content) && (charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii")) {
		return content
	}
	enc, err := htmlindex.Get(charset)
	if err != nil {
		x.miss(BadEncoding)
		return content
	}
	out, err := enc.NewDecoder().Bytes(content)
	if err != nil {
		x.miss(BadEncoding)
		return content
	}
	return out
}
