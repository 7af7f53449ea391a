package account

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"comity/agent/people"
)

func requestWith(cookie *http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://localhost/", nil)
	if cookie != nil {
		r.AddCookie(cookie)
	}
	return r
}

func newGuard(d *desk) *Guard {
	g := NewGuard(d.Book, nil, slog.New(slog.DiscardHandler))
	who := func(w http.ResponseWriter, _ *http.Request, s *Session) {
		name := "nobody"
		if s != nil {
			name = s.Person.Name
		}
		io.WriteString(w, name)
	}
	g.HandleAnybody("GET /login", who)
	g.Handle(Route{Pattern: "GET /cases", Act: people.ReadList}, who)
	g.Handle(Route{Pattern: "POST /drafts", Act: people.Draft, MaxBody: 1000}, who)
	g.Handle(Route{Pattern: "POST /password", Act: people.SignIn}, who)
	return g
}

func TestGuard(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer).with(t, "key-9", people.KeyOfficer)
	oneTime, err := d.Add(t.Context(), "key-1", "newcomer", []people.Role{people.CaseOfficer})
	if err != nil {
		t.Fatal(err)
	}
	officer, keeper, newcomer := d.login(t, "officer-1", good), d.login(t, "key-9", good), d.login(t, "newcomer", oneTime)
	g := newGuard(d)
	form := func(token string) string { return url.Values{CSRFField: {token}}.Encode() }
	tests := []struct {
		name           string
		method, target string
		entry          Entry
		header         [2]string
		body           string
		status         int
		says           string
	}{
		{name: "nobody at the login", method: "GET", target: "/login", status: 200, says: "nobody"},
		{name: "nobody at the cases", method: "GET", target: "/cases", status: 401},
		{name: "nobody drafts", method: "POST", target: "/drafts", body: form("x"), status: 401},
		{name: "officer at the login", method: "GET", target: "/login", entry: officer, status: 200, says: "officer-1"},
		{name: "officer at the cases", method: "GET", target: "/cases", entry: officer, status: 200, says: "officer-1"},
		{name: "key officer at the cases", method: "GET", target: "/cases", entry: keeper, status: 403},
		{name: "key officer drafts", method: "POST", target: "/drafts", entry: keeper, body: form(keeper.Session.CSRF), status: 403},
		{name: "officer drafts", method: "POST", target: "/drafts", entry: officer, body: form(officer.Session.CSRF), status: 200, says: "officer-1"},
		{name: "by header", method: "POST", target: "/drafts", entry: officer, header: [2]string{CSRFHeader, officer.Session.CSRF}, status: 200},
		{name: "without the token", method: "POST", target: "/drafts", entry: officer, body: form(""), status: 403},
		{name: "with another's token", method: "POST", target: "/drafts", entry: officer, body: form(keeper.Session.CSRF), status: 403},
		{name: "token in the address", method: "POST", target: "/drafts?" + form(officer.Session.CSRF), entry: officer, status: 403},
		{name: "from another site", method: "POST", target: "/drafts", entry: officer, header: [2]string{"Sec-Fetch-Site", "cross-site"}, body: form(officer.Session.CSRF), status: 403},
		{name: "from another origin", method: "POST", target: "/drafts", entry: officer, header: [2]string{"Origin", "https://evil.example"}, body: form(officer.Session.CSRF), status: 403},
		{name: "too large", method: "POST", target: "/drafts", entry: officer, body: form(strings.Repeat("x", 2000)), status: 413},
		{name: "newcomer at the cases", method: "GET", target: "/cases", entry: newcomer, status: 403},
		{name: "newcomer changes the password", method: "POST", target: "/password", entry: newcomer, body: form(newcomer.Session.CSRF), status: 200, says: "newcomer"},
		{name: "no such page", method: "GET", target: "/else", entry: officer, status: 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "https://localhost"+tt.target, strings.NewReader(tt.body))
			if tt.body != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if tt.entry.Cookie != nil {
				r.AddCookie(tt.entry.Cookie)
			}
			if tt.header[0] != "" {
				r.Header.Set(tt.header[0], tt.header[1])
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code != tt.status || tt.says != "" && w.Body.String() != tt.says {
				t.Errorf("%d %q, want %d %q", w.Code, w.Body, tt.status, tt.says)
			}
			for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Cross-Origin-Opener-Policy": "same-origin"} {
				if w.Header().Get(name) != want {
					t.Errorf("%s: %q", name, w.Header().Get(name))
				}
			}
			if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self';") || strings.Contains(csp, "unsafe") {
				t.Errorf("content security policy %q", csp)
			}
		})
	}
}

func TestTheCookie(t *testing.T) {
	d := newDesk(t).with(t, "officer-1", people.CaseOfficer)
	c := d.login(t, "officer-1", good).Cookie
	if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || len(c.Value) != 43 {
		t.Errorf("cookie %+v", c)
	}
	for key := range d.sessions {
		if strings.Contains(string(key[:]), c.Value) {
			t.Error("the cookie itself is kept")
		}
	}
	for _, value := range []string{"", c.Value + "x", strings.ToLower(c.Value)} {
		other := *c
		other.Value = value
		if s, err := d.Session(t.Context(), requestWith(&other)); s != nil || err != nil {
			t.Errorf("cookie %q is %+v, %v", value, s, err)
		}
	}
}

func TestARouteWithoutAnActCannotBe(t *testing.T) {
	d := newDesk(t)
	for _, act := range []people.Act{"", "rule", people.Anybody} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a route with the act %q was taken", act)
				}
			}()
			newGuard(d).Handle(Route{Pattern: "GET /x", Act: act}, func(http.ResponseWriter, *http.Request, *Session) {})
		}()
	}
}
