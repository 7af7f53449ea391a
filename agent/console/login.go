package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"comity/agent/account"
	"comity/agent/api"
	"comity/schemas"
)

// loginForm is what the page of the login shows.
type loginForm struct {
	Failed  bool
	Passkey *account.Challenge // to be answered by a script
	Options string
}

func (k *Console) loginPage(w http.ResponseWriter, r *http.Request, s *account.Session) {
	if s != nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	k.showLogin(w, r, http.StatusOK, loginForm{})
}

func (k *Console) showLogin(w http.ResponseWriter, r *http.Request, status int, form loginForm) {
	if form.Passkey != nil {
		form.Options = string(form.Passkey.Options)
	}
	v := &visit{lang: k.languageOf(r), zone: zoneOf(r)}
	k.render(w, status, "login", k.pageOf(r, v, v.lang.T("login.title"), form))
}

func (k *Console) login(w http.ResponseWriter, r *http.Request, _ *account.Session) {
	entry, err := k.Book.Login(r.Context(), r.PostFormValue("name"), r.PostFormValue("password"))
	k.entered(w, r, entry, err)
}

// entered opens the console, asks for the passkey, or says once more that it was not right: always the same words.
func (k *Console) entered(w http.ResponseWriter, r *http.Request, entry account.Entry, err error) {
	switch {
	case errors.Is(err, account.ErrLogin):
		k.showLogin(w, r, http.StatusUnauthorized, loginForm{Failed: true})
	case err != nil:
		k.fail(w, r, &visit{lang: k.languageOf(r), zone: zoneOf(r)}, err)
	case entry.Passkey != nil:
		k.showLogin(w, r, http.StatusOK, loginForm{Passkey: entry.Passkey})
	default:
		http.SetCookie(w, entry.Cookie)
		if entry.Session.MustChange {
			back(w, r, "/me", "")
			return
		}
		back(w, r, "/", "")
	}
}

// askLogin hands a script the question for the authenticator of whoever is there.
func (k *Console) askLogin(w http.ResponseWriter, r *http.Request, _ *account.Session) {
	challenge, err := k.Book.AskLogin()
	k.answerChallenge(w, r, challenge, err)
}

func (k *Console) loginByPasskey(w http.ResponseWriter, r *http.Request, _ *account.Session) {
	entry, err := k.Book.FinishLogin(r.Context(), r.PostFormValue("token"), []byte(r.PostFormValue("answer")))
	k.entered(w, r, entry, err)
}

// answerChallenge writes a challenge as JSON.
func (k *Console) answerChallenge(w http.ResponseWriter, _ *http.Request, c *account.Challenge, err error) {
	if err != nil {
		http.Error(w, http.StatusText(http.StatusConflict), http.StatusConflict)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"token": c.Token, "options": json.RawMessage(c.Options)})
}

func (k *Console) logout(w http.ResponseWriter, r *http.Request, v *visit) {
	gone, err := k.Book.Logout(r.Context(), v.Session)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	http.SetCookie(w, gone)
	back(w, r, "/login", "")
}

// mePage is what a person sees of themselves.
type mePage struct {
	Zones      []string
	MustChange bool
	Passkeys   bool
	Refused    string // a key of "me."
}

func (k *Console) me(w http.ResponseWriter, r *http.Request, v *visit) { k.showMe(w, r, v, "") }

func (k *Console) showMe(w http.ResponseWriter, r *http.Request, v *visit, refused string) {
	p := k.pageOf(r, v, v.lang.T("me.title"), mePage{Zones: zones, MustChange: v.MustChange, Passkeys: v.HasPasskeys, Refused: refused})
	if refused != "" {
		p.Status = http.StatusUnprocessableEntity
	}
	k.render(w, p.Status, "me", p)
}

func (k *Console) changePassword(w http.ResponseWriter, r *http.Request, v *visit) {
	next := r.PostFormValue("new")
	if next != r.PostFormValue("again") {
		k.showMe(w, r, v, "me.refused.differ")
		return
	}
	entry, err := k.Book.ChangePassword(r.Context(), v.Session, r.PostFormValue("old"), next)
	switch {
	case errors.Is(err, account.ErrLogin):
		k.showMe(w, r, v, "me.refused.old")
	case errors.Is(err, account.ErrPasswordSame):
		k.showMe(w, r, v, "me.refused.same")
	case isWeak(err):
		k.showMe(w, r, v, "me.refused.weak")
	case err != nil:
		k.fail(w, r, v, err)
	default:
		http.SetCookie(w, entry.Cookie)
		back(w, r, "/me", "password")
	}
}

// isWeak reports whether a new password is one that is not taken.
func isWeak(err error) bool {
	for _, refusal := range []error{account.ErrPasswordShort, account.ErrPasswordLong, account.ErrPasswordName, account.ErrPasswordText} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

func (k *Console) askPasskey(w http.ResponseWriter, r *http.Request, v *visit) {
	challenge, err := k.Book.AskPasskey(r.Context(), v.Session, r.PostFormValue("password"))
	k.answerChallenge(w, r, challenge, err)
}

func (k *Console) addPasskey(w http.ResponseWriter, r *http.Request, v *visit) {
	entry, err := k.Book.AddPasskey(r.Context(), v.Session, r.PostFormValue("token"), []byte(r.PostFormValue("answer")))
	if err != nil {
		k.showMe(w, r, v, "me.refused.passkey")
		return
	}
	http.SetCookie(w, entry.Cookie)
	back(w, r, "/me", "passkey")
}

// prefer keeps a choice of language or zone in the browser.
func (k *Console) prefer(w http.ResponseWriter, r *http.Request, _ *account.Session) {
	keep := func(name, value string, known []string) {
		if slices.Contains(known, value) {
			http.SetCookie(w, &http.Cookie{
				Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 400 * 24 * 3600,
			})
		}
	}
	var codes []string
	for _, l := range k.languages {
		codes = append(codes, l.Code)
	}
	keep(languageCookie, r.PostFormValue("language"), codes)
	keep(zoneCookie, r.PostFormValue("zone"), zones)
	http.Redirect(w, r, localPath(r.PostFormValue("back")), http.StatusSeeOther)
}

// localPath is a path of this console, or its beginning: nobody is sent elsewhere.
func localPath(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n?#") {
		return "/"
	}
	return path
}

// prove makes the proof of a command that a person gives in the browser. Whoever has a passkey gives it with the passkey: the
// page that asks for it is then written here, and proof is nil. The page repeats the form that was sent.
func (k *Console) prove(w http.ResponseWriter, r *http.Request, v *visit, what api.Signing, id schemas.MessageID, body any) (proof []byte, ok bool) {
	method, target, canonical, err := what.Command(id, body)
	if err != nil {
		k.fail(w, r, v, err)
		return nil, false
	}
	if token := r.PostFormValue("passkey-token"); token != "" {
		proof, err = k.Book.ProveByPasskey(r.Context(), v.Session, token, []byte(r.PostFormValue("passkey-answer")))
		if errors.Is(err, account.ErrPasskeyAnswer) {
			err = &api.Problem{Reason: "passkey", Message: err.Error(), Hint: "try again"}
		}
	} else {
		proof, err = k.Book.Prove(v.Session, method, target, canonical)
	}
	if errors.Is(err, account.ErrPasskey) {
		challenge, err := k.Book.AskApproval(r.Context(), v.Session, method, target, canonical)
		if err != nil {
			k.fail(w, r, v, err)
			return nil, false
		}
		k.show(w, r, v, "confirm", "confirm.title", confirmation{
			Token: challenge.Token, Options: string(challenge.Options), Action: r.URL.Path, Fields: repeat(r),
		})
		return nil, false
	}
	if err != nil {
		k.fail(w, r, v, err)
		return nil, false
	}
	return proof, true
}

// confirmation is the page that asks for the passkey.
type confirmation struct {
	Token, Options, Action string
	Fields                 []field
}

type field struct{ Name, Value string }

func repeat(r *http.Request) (fields []field) {
	for name, values := range r.PostForm {
		if name != account.CSRFField && !strings.HasPrefix(name, "passkey-") {
			for _, value := range values {
				fields = append(fields, field{name, value})
			}
		}
	}
	return fields
}
