package console

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	texttemplate "text/template"
	"time"

	"golang.org/x/text/language"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pages are the templates in every language, and the assets.
type pages struct {
	languages []*Language
	matcher   language.Matcher
	templates map[string]map[string]func() (*template.Template, error) // by language, by page
	assets    map[string]asset                                         // by the name in the address
	named     map[string]string                                        // name of a file → name in the address
}

// framing are the templates that every page is made with.
var framing = []string{"templates/frame.html", "templates/parts.html"}

// loadPages reads every page once, so that a wrong one is an error at the start. It keeps those that are asked for, in the languages
// in which they are: an agent without readers does not hold them all in memory.
func loadPages() (*pages, error) {
	p := &pages{templates: map[string]map[string]func() (*template.Template, error){}}
	var err error
	if p.languages, err = loadLanguages(); err != nil {
		return nil, err
	}
	if err := p.loadAssets(); err != nil {
		return nil, err
	}
	var tags []language.Tag
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	for _, l := range p.languages {
		tags = append(tags, language.MustParse(l.Code))
		set := map[string]func() (*template.Template, error){}
		for _, file := range files {
			name := strings.TrimSuffix(path.Base(file), ".html")
			parse := func() (*template.Template, error) {
				return template.New(name).Funcs(p.functions(l)).ParseFS(templateFiles, append([]string{file}, framing...)...)
			}
			if len(p.templates) == 0 { // the languages differ in their words alone
				if _, err := parse(); err != nil {
					return nil, err
				}
			}
			set[name] = sync.OnceValues(parse)
		}
		p.templates[l.Code] = set
	}
	p.matcher = language.NewMatcher(tags)
	return p, nil
}

// run writes a part of a page in a language.
func (p *pages) run(out io.Writer, language, page, part string, data any) error {
	parsed, err := p.templates[language][page]()
	if err != nil {
		return err
	}
	return parsed.ExecuteTemplate(out, part, data)
}

// functions are what templates can call, in one language.
func (p *pages) functions(l *Language) template.FuncMap {
	return template.FuncMap{
		"t": l.T, "word": l.Word, "number": l.Number, "state": l.State, "authority": l.Authority, "tongue": l.Tongue, "span": l.Span,
		"asset":  func(name string) string { return "/static/" + p.named[name] },
		"short":  func(id any) string { s := fmt.Sprint(id); return s[:min(len(s), 8)] },
		"iso":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"schema": func(s string) schemaText { text, own := l.Schema(s); return schemaText{text, own} },
		"title": func(t schemas.MessageType) schemaText {
			text, own := l.Schema(titleOf(t))
			return schemaText{text, own}
		},
		"args": func(pairs ...any) map[string]any { return pairUp(pairs) },
		"day":  l.Day, "code": l.code,
	}
}

// schemaText is a text of the schemas, and whether it is in the reader's language.
type schemaText struct {
	Text string
	Own  bool
}

func pairUp(pairs []any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}

// page is what the frame of every page is made of.
type page struct {
	Lang      *Language
	Languages []*Language
	Title     string
	Person    *people.Person // nil before the login
	Method    account.Method
	CSRF      string
	Nav       []navigation
	Authority schemas.AuthorityID
	Path      string
	Done      string // what was just done: a key of "done."
	Problem   *api.Problem
	Status    int
	Zone      *time.Location
	Body      any
}

// Moment writes a time in the reader's zone.
func (p page) Moment(t time.Time) string { return p.Lang.Moment(t, p.Zone) }

// May is for parts of pages that some roles have.
func (p page) May(act people.Act) bool { return p.Person.May(act) }

// navigation is one entry of the menu.
type navigation struct {
	Path, Key string
	act       people.Act
	Here      bool
}

var menu = []navigation{
	{Path: "/", Key: "nav.overview", act: people.SignIn},
	{Path: "/border", Key: "nav.border", act: people.SignAlone},
	{Path: "/cases", Key: "nav.cases", act: people.ReadList},
	{Path: "/tasks", Key: "nav.tasks", act: people.ReadList},
	{Path: "/compose", Key: "nav.compose", act: people.Draft},
	{Path: "/approve", Key: "nav.approve", act: people.Approve},
	{Path: "/letters", Key: "nav.letters", act: people.PrintLetter},
	{Path: "/reviews", Key: "nav.reviews", act: people.ReadReviews},
	{Path: "/teams", Key: "nav.teams", act: people.ReadList},
	{Path: "/retention", Key: "nav.retention", act: people.EraseCases},
	{Path: "/directory", Key: "nav.directory", act: people.ReadDirectory},
	{Path: "/journal", Key: "nav.journal", act: people.VerifyLogs},
	{Path: "/decisions", Key: "nav.decisions", act: people.ReadDecisions},
	{Path: "/absences", Key: "nav.absences", act: people.KeepAccounts},
	{Path: "/health", Key: "nav.health", act: people.ReadHealth},
}

func menuFor(person *people.Person, at string) (list []navigation) {
	for _, n := range menu {
		if person.May(n.act) {
			n.Here = n.Path == at || n.Path != "/" && strings.HasPrefix(at, n.Path+"/")
			list = append(list, n)
		}
	}
	return list
}

// doneNotices are what a page can say was just done. The set is closed: the address names one of them.
var doneNotices = []string{
	"approved", "signed", "looked", "discarded", "drafted", "edited", "released", "returned", "blocked", "cleared", "ended", "password", "passkey",
	"saved", "dropped", "distinguished", "assigned", "printed", "confirmed", "erased", "kept", "unkept", "evidence", "absent", "returned-here",
}

// show writes a page for somebody who is logged in.
func (k *Console) show(w http.ResponseWriter, r *http.Request, v *visit, name, titleKey string, body any) {
	k.render(w, http.StatusOK, name, k.pageOf(r, v, v.lang.T(titleKey), body))
}

func (k *Console) pageOf(r *http.Request, v *visit, title string, body any) page {
	p := page{
		Lang: v.lang, Languages: k.languages, Title: title, Authority: k.Authority, Path: r.URL.Path, Zone: v.zone, Body: body, Status: http.StatusOK,
	}
	if v.Session != nil {
		p.Person, p.CSRF, p.Method, p.Nav = v.Person, v.CSRF, v.Method, menuFor(v.Person, r.URL.Path)
	}
	for _, known := range doneNotices {
		if r.URL.Query().Get("done") == known {
			p.Done = "done." + known
		}
	}
	return p
}

// render writes a whole page or, where the template fails, none of it.
func (k *Console) render(w http.ResponseWriter, status int, name string, p page) {
	var out bytes.Buffer
	if err := k.run(&out, p.Lang.Code, name, "frame", p); err != nil {
		k.Log.Error("making a page", slog.String("page", name), slog.Any("error", withoutContent(err)))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(out.Bytes()) // the browser may be gone; nothing to do about it
}

// withoutContent keeps of an error of a template where it happened: what stands behind can be what somebody wrote.
func withoutContent(err error) error {
	if failed, ok := errors.AsType[texttemplate.ExecError](err); ok {
		return errors.New("template " + failed.Name)
	}
	return errors.New("template failed")
}

// fragment writes a part of a page.
func (k *Console) fragment(w http.ResponseWriter, v *visit, name, part string, data any) {
	var out bytes.Buffer
	if err := k.run(&out, v.lang.Code, name, part, data); err != nil {
		k.Log.Error("making a part of a page", slog.String("page", name), slog.Any("error", withoutContent(err)))
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(out.Bytes())
}

// problemOf is what a person is told of an error. What the agent did not expect goes to the log.
func (k *Console) problemOf(err error) (*api.Problem, int) {
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok {
		k.Log.Error("request failed", slog.Any("error", err))
		return &api.Problem{Reason: api.ReasonInternal}, http.StatusInternalServerError
	}
	switch problem.Reason {
	case "not-found":
		return problem, http.StatusNotFound
	case api.ReasonRequest:
		return problem, http.StatusBadRequest
	}
	return problem, http.StatusConflict
}

// fail shows an error on a page of its own.
func (k *Console) fail(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	problem, status := k.problemOf(err)
	p := k.pageOf(r, v, v.lang.T("problem.title"), nil)
	p.Problem, p.Status = problem, status
	k.render(w, status, "problem", p)
}

// refuse is the guard's answer. Who is not logged in is asked to.
func (k *Console) refuse(w http.ResponseWriter, r *http.Request, s *account.Session, status int) {
	v := &visit{Session: s, lang: k.languageOf(r), zone: zoneOf(r)}
	switch {
	case status == http.StatusUnauthorized && r.Method == http.MethodGet:
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return
	case status == http.StatusForbidden && s != nil && s.MustChange && r.Method == http.MethodGet:
		http.Redirect(w, r, "/me", http.StatusSeeOther)
		return
	}
	p := k.pageOf(r, v, v.lang.T("refused.title"), nil)
	p.Status = status
	k.render(w, status, "refused", p)
}

// back goes to a page after something was done.
func back(w http.ResponseWriter, r *http.Request, to, done string) {
	if done != "" {
		to += "?done=" + done
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// titleOf is what the schema calls a type.
func titleOf(t schemas.MessageType) string {
	if d := described(t); d != nil {
		return d.Title
	}
	return string(t)
}
