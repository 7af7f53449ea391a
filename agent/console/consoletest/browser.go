// Package consoletest reads pages as a browser without scripts does: it follows redirects, keeps cookies, fills in forms and
// presses their buttons.
//
// It trusts the one listener that a test hands it. It must never be part of the program: it is for tests.
package consoletest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Browser is one browser with its cookies.
type Browser struct {
	Client   *http.Client // with a jar
	Base     string       // address of the console
	Language string       // Accept-Language
}

// Page is what an address answered.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Root   *html.Node

	browser *Browser
}

// Read makes a page of what another browser shows. Nothing can be sent from it.
func Read(at *url.URL, status int, content string) (*Page, error) {
	root, err := html.Parse(strings.NewReader(content))
	return &Page{URL: at, Status: status, Root: root}, err
}

// Get fetches a page.
func (b *Browser) Get(ctx context.Context, path string) (*Page, error) {
	return b.send(ctx, http.MethodGet, path, "", nil)
}

// Post sends values as a form that stands on no page.
func (b *Browser) Post(ctx context.Context, path string, values url.Values) (*Page, error) {
	return b.send(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()))
}

func (b *Browser) send(ctx context.Context, method, path, kind string, body io.Reader) (*Page, error) {
	request, err := http.NewRequestWithContext(ctx, method, b.Base+path, body)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	if b.Language != "" {
		request.Header.Set("Accept-Language", b.Language)
	}
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := b.Client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	root, err := html.Parse(response.Body)
	return &Page{URL: response.Request.URL, Status: response.StatusCode, Header: response.Header, Root: root, browser: b}, err
}

// Text is what stands on the page, without what is hidden in its head.
func (p *Page) Text() string {
	var b strings.Builder
	var write func(*html.Node)
	write = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			write(child)
		}
		if n.Type == html.ElementNode && !slices.Contains(inline, n.Data) {
			b.WriteByte(' ')
		}
	}
	if body := Find(p.Root, "body", nil); body != nil {
		write(body)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// inline are the elements that do not end a word.
var inline = []string{"a", "span", "code", "strong"}

// Link is the address of the first link that bears a text.
func (p *Page) Link(text string) (string, error) {
	link := Find(p.Root, "a", func(n *html.Node) bool { return strings.Contains(Text(n), text) })
	if link == nil {
		return "", fmt.Errorf("%s: no link %q", p.URL.Path, text)
	}
	return Attribute(link, "href"), nil
}

// Form is a form with the values of its controls.
type Form struct {
	Method, Action, Kind string
	Values               url.Values
	Files                map[string][]byte // contents by control; the name of the file is one that says too much

	page *Page
}

// Form finds the first form with an action.
func (p *Page) Form(action string) (*Form, error) {
	n := Find(p.Root, "form", func(n *html.Node) bool { return Attribute(n, "action") == action })
	if n == nil {
		return nil, fmt.Errorf("%s (%d): no form for %s: %.600s", p.URL.Path, p.Status, action, p.Text())
	}
	return &Form{
		Method: strings.ToUpper(Attribute(n, "method")), Action: action, Kind: Attribute(n, "enctype"), Values: Controls(n), Files: map[string][]byte{}, page: p,
	}, nil
}

// Press sends the form by the button of a name and value; both are empty for one without.
func (f *Form) Press(ctx context.Context, name, value string) (*Page, error) {
	if name != "" {
		f.Values.Set(name, value)
	}
	if f.Method != http.MethodPost {
		return f.page.browser.Get(ctx, f.Action+"?"+f.Values.Encode())
	}
	if f.Kind != "multipart/form-data" {
		return f.page.browser.Post(ctx, f.Action, f.Values)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	var errs []error
	for name, values := range f.Values {
		for _, value := range values {
			errs = append(errs, w.WriteField(name, value))
		}
	}
	for name, content := range f.Files {
		part, err := w.CreateFormFile(name, "TESTPERSON ALPHA-01.txt")
		errs = append(errs, err)
		if err == nil {
			_, err = part.Write(content)
			errs = append(errs, err)
		}
	}
	if err := errors.Join(append(errs, w.Close())...); err != nil {
		return nil, err
	}
	return f.page.browser.send(ctx, http.MethodPost, f.Action, w.FormDataContentType(), &body)
}

// Controls are the values of the controls below n that a browser sends, buttons and files left out.
func Controls(n *html.Node) url.Values {
	values := url.Values{}
	Walk(n, func(n *html.Node) {
		name := Attribute(n, "name")
		switch {
		case name == "":
		case n.Data == "input" && Attribute(n, "type") == "checkbox":
			if Has(n, "checked") {
				values.Add(name, Attribute(n, "value"))
			}
		case n.Data == "input" && Attribute(n, "type") != "file":
			values.Add(name, Attribute(n, "value"))
		case n.Data == "textarea":
			values.Add(name, strings.ReplaceAll(Text(n), "\n", "\r\n")) // as browsers send it
		case n.Data == "select":
			values.Add(name, selected(n))
		}
	})
	return values
}

func selected(n *html.Node) string {
	first, chosen := "", ""
	seen, found := false, false
	Walk(n, func(option *html.Node) {
		if option.Data != "option" {
			return
		}
		value := Attribute(option, "value")
		if !Has(option, "value") {
			value = Text(option)
		}
		if !seen {
			first, seen = value, true
		}
		if Has(option, "selected") {
			chosen, found = value, true
		}
	})
	if !found {
		return first
	}
	return chosen
}

// Walk visits every element from n on.
func Walk(n *html.Node, visit func(*html.Node)) {
	if n == nil {
		return
	}
	if n.Type == html.ElementNode {
		visit(n)
	}
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		Walk(child, visit)
	}
}

// Find is the first element of a name that fits, or nil.
func Find(n *html.Node, name string, fits func(*html.Node) bool) (found *html.Node) {
	Walk(n, func(e *html.Node) {
		if found == nil && e.Data == name && (fits == nil || fits(e)) {
			found = e
		}
	})
	return found
}

// Text is all text below n.
func Text(n *html.Node) string {
	if n == nil {
		return ""
	}
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for child := n.FirstChild; child != nil; child = child.NextSibling {
		b.WriteString(Text(child))
	}
	return b.String()
}

// Attribute is the value of an attribute, "" where there is none.
func Attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// Has reports whether there is an attribute.
func Has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
