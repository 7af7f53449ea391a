package console

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"comity/agent/account"
	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// Config is what the console stands on.
type Config struct {
	Authority schemas.AuthorityID
	Desk      api.Desk
	Records   Records
	Book      *account.Book
	Now       func() time.Time
	Log       *slog.Logger
}

// Console answers browsers. It is safe for concurrent use.
type Console struct {
	Config
	*pages
	guard *account.Guard
}

// New makes a console. Its error is a mistake in what is compiled in.
func New(c Config) (*Console, error) {
	p, err := loadPages()
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	k := &Console{Config: c, pages: p}
	k.guard = account.NewGuard(c.Book, k.refuse, c.Log)
	k.routes()
	return k, nil
}

// ServeHTTP answers one request.
func (k *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { k.guard.ServeHTTP(w, r) }

// Routes lists the routes with the act that each asks for.
func (k *Console) Routes() []account.Route { return k.guard.Routes() }

// visit is one request of somebody who is logged in and may.
type visit struct {
	*account.Session
	lang *Language
	zone *time.Location
}

// maxCompose bounds a form with its files in bytes: what a message may carry, once as it is kept in the form in base64, once anew.
const maxCompose = 4 << 20

func (k *Console) routes() {
	handle := func(pattern string, act people.Act, h func(http.ResponseWriter, *http.Request, *visit)) {
		k.guard.Handle(account.Route{Pattern: pattern, Act: act, MaxBody: maxCompose}, func(w http.ResponseWriter, r *http.Request, s *account.Session) {
			h(w, r, &visit{Session: s, lang: k.languageOf(r), zone: zoneOf(r)})
		})
	}
	k.guard.HandleAnybody("GET /static/{name}", k.static)
	k.guard.HandleAnybody("GET /login", k.loginPage)
	k.guard.HandleAnybody("POST /login", k.login)
	k.guard.HandleAnybody("POST /login/ask", k.askLogin)
	k.guard.HandleAnybody("POST /login/passkey", k.loginByPasskey)
	k.guard.HandleAnybody("POST /preferences", k.prefer)
	handle("GET /{$}", people.SignIn, k.overview)
	handle("POST /logout", people.SignIn, k.logout)
	handle("GET /me", people.SignIn, k.me)
	handle("POST /me/password", people.SignIn, k.changePassword)
	handle("POST /me/passkey/ask", people.SignIn, k.askPasskey)
	handle("POST /me/passkey", people.SignIn, k.addPasskey)

	handle("GET /cases", people.ReadList, k.cases)
	handle("GET /cases/{id}", people.ReadList, k.oneCase)
	handle("POST /cases/{id}/export", people.ExportCase, k.exportCase)
	handle("GET /retention", people.ReadList, k.retention)
	handle("POST /retention/{id}/erasure", people.EraseCases, k.eraseCase)
	handle("POST /retention/{id}/keep", people.KeepCases, k.keepCase)
	handle("POST /retention/{id}/unkeep", people.KeepCases, k.endKeeping)
	handle("GET /messages/{id}", people.ReadList, k.message)
	handle("GET /messages/{id}/letter", people.ReadText, k.letter)
	handle("GET /letters", people.PrintLetter, k.letters)
	handle("POST /messages/{id}/print", people.PrintLetter, k.printLetter)
	handle("GET /messages/{id}/paper", people.ReadText, k.paper)
	handle("GET /messages/{id}/files/{n}", people.ReadText, k.file)
	handle("POST /messages/{id}/discard", people.Draft, k.discard)
	handle("GET /approve", people.Approve, k.approvals)
	handle("POST /messages/{id}/approve", people.Approve, k.approve)
	handle("POST /messages/{id}/sign", people.SignAlone, k.signAlone)
	handle("POST /messages/{id}/look", people.Approve, k.lookAgain)

	k.composeRoutes(handle)
	k.deskRoutes(handle)
	k.evidenceRoutes(handle)
	k.absenceRoutes(handle)
	k.reviewRoutes(handle)
	handle("GET /border", people.SignAlone, k.border)
	handle("GET /border/list", people.SignAlone, k.borderList)
	handle("GET /border/events", people.SignAlone, k.borderEvents)
	handle("GET /teams", people.ReadList, k.teams)
	handle("GET /teams/{id}", people.ReadList, k.team)
	handle("GET /directory", people.ReadDirectory, k.directory)
	handle("GET /directory/{state}/{name}", people.ReadDirectory, k.directoryEntry)
	handle("GET /journal", people.VerifyLogs, k.journal)
	handle("POST /journal/verify", people.VerifyLogs, k.verifyJournal)
	handle("POST /journal/checkpoint", people.SignCheckpoint, k.checkpoint)
	handle("GET /decisions", people.ReadDecisions, k.decisions)
	handle("GET /health", people.ReadHealth, k.health)
}
