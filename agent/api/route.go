package api

import (
	"net/http"
	"slices"

	"comity/agent/people"
)

// doors are the ways in: the unix socket of the agent's owner, and the listener for browsers and case systems.
type doors int

const (
	onSocket doors = 1 << iota
	onWeb
	onBoth = onSocket | onWeb
)

// The prefixes of the paths behind each door. The handlers are the same.
const (
	socketPrefix = "/v1"
	// WebPrefix is where the listener for browsers and case systems has the API.
	WebPrefix = "/api/v1/"
	webPrefix = "/api/v1"
)

// route is one thing that can be asked of the agent. Without an act it cannot be added.
type route struct {
	method, path string // path behind the door's prefix
	doors        doors
	act          people.Act // what a role must allow
	// owner: on the socket nobody need be named. Whoever reaches it is the user who owns the agent's files.
	owner bool
	about description
	// upload: the body is not read before the handler runs. The proof covers an empty one.
	upload bool
	// One of the two. stream writes its answer itself.
	handle func(*request) (int, any, error)
	stream func(http.ResponseWriter, *request)
}

// keyed reports whether a route takes an idempotency key: one that makes something, and whose answer can be kept.
func (r route) keyed() bool { return r.method == http.MethodPost && r.handle != nil }

// Route is a route as a test of roles needs it.
type Route struct {
	Method, Path string // Path is behind the web door's prefix
	Act          people.Act
}

// WebRoutes lists every route of the web door.
func (s *Server) WebRoutes() []Route {
	var out []Route
	for _, r := range s.routes() {
		if r.doors&onWeb != 0 {
			out = append(out, Route{Method: r.method, Path: r.path, Act: r.act})
		}
	}
	return out
}

// routes is the table of everything, for both doors.
func (s *Server) routes() []route {
	all := slices.Concat(s.messageRoutes(), s.caseRoutes(), s.protectionRoutes(), s.handoutRoutes(), s.journalRoutes(), s.evidenceRoutes(), s.accountRoutes(),
		s.eventRoutes(), s.indicatorRoutes(), s.absenceRoutes(), s.assignmentRoutes(), s.intakeRoutes(), s.paperRoutes(), s.translationRoutes(), s.retentionRoutes(), s.agentRoutes())
	for _, r := range all {
		if !people.IsAct(r.act) || r.act == people.Anybody && r.doors&onSocket != 0 || (r.handle == nil) == (r.stream == nil) {
			panic("api: the route " + r.method + " " + r.path + " has no act that some role may do, or not one handler")
		}
	}
	return all
}

func (s *Server) messageRoutes() []route {
	one := describe[Message]
	return []route{
		{method: "POST", path: "/drafts", doors: onBoth, act: people.Draft, handle: s.draft,
			about: describe[Messages]("Hand in a draft: each recipient makes one message").takes(draftBody{}).status(http.StatusCreated)},
		{method: "PUT", path: "/messages/{id}/draft", doors: onBoth, act: people.Draft, handle: s.edit,
			about: one("Replace the content of a message that has not left; its approval is undone").takes(draftBody{})},
		{method: "DELETE", path: "/messages/{id}", doors: onBoth, act: people.Draft, handle: s.discard,
			about: one("Give up a message that has not left")},
		{method: "POST", path: "/messages/{id}/approval", doors: onBoth, act: people.Approve, handle: s.sign(SignApproval, s.desk.Approve),
			about: one("Approve exactly the bytes with this SHA-256: a second person, never a machine").takes(Approval{})},
		{method: "POST", path: "/messages/{id}/signature", doors: onBoth, act: people.SignAlone, handle: s.sign(SignAlone, s.desk.SignAlone),
			about: one("Let a message of one's own go with one signature, where its type allows that").takes(Approval{})},
		{method: "POST", path: "/messages/{id}/second-look", doors: onBoth, act: people.Approve, handle: s.sign(SignSecondLook, s.desk.LookAgain),
			about: one("Be the second pair of eyes on a message that left with one signature").takes(Approval{})},
		{method: "GET", path: "/messages", doors: onBoth, act: people.ReadList, handle: s.messages,
			about: describe[Messages]("List messages without their content, the newest first").query("state", "case", "peer", "limit", "cursor")},
		{method: "GET", path: "/search", doors: onBoth, act: people.ReadText, handle: s.search,
			about: describe[Messages]("Find exchanged messages by words of their content, the last first: at most 100, each with every word").query("words")},
		{method: "GET", path: "/messages/{id}", doors: onBoth, act: people.ReadList, handle: s.message,
			about: one("Show a message, with its content for whom a role lets read it")},
		{method: "GET", path: "/messages/{id}/files/{sha256}", doors: onWeb, act: people.ReadText, stream: s.file,
			about: describe[binary]("A file of a message, by its SHA-256")},
	}
}

func (s *Server) caseRoutes() []route {
	return []route{
		{method: "GET", path: "/cases", doors: onBoth, act: people.ReadList, handle: s.cases,
			about: describe[Cases]("List cases, the last changed first; of one officer, or with assigned=mine or none").query("officer", "assigned", "limit", "cursor")},
		{method: "GET", path: "/cases/{id}", doors: onBoth, act: people.ReadList, handle: s.caseFile,
			about: describe[Case]("Show a case: whose turn it is, what may be sent, its deadlines and messages")},
		{method: "POST", path: "/cases/{id}/export", doors: onBoth, act: people.ExportCase, stream: s.exportCase,
			about: describe[binary]("Hand out the file of a case for a reader, if the rules let all of it go there; without-files=true leaves files of evidence out").query("for", "without-files")},
		{method: "GET", path: "/tasks", doors: onBoth, act: people.ReadList, handle: s.tasks,
			about: describe[Tasks]("List what is due, the next one first; of one officer, or with assigned=mine or none").query("all", "kind", "officer", "assigned", "limit", "cursor")},
	}
}

// agentRoutes are about the agent itself. Its health is answered to whoever reaches the socket: hashes, counts and names of
// authorities.
func (s *Server) agentRoutes() []route {
	return []route{
		{method: "GET", path: "/health", doors: onBoth, act: people.ReadHealth, owner: true, handle: s.health,
			about: describe[Health]("How the agent is: checks, alarms, what it noticed")},
		{method: "GET", path: "/directory", doors: onWeb, act: people.ReadDirectory, handle: s.directory,
			about: describe[Directory]("Who can be written to, on which channels, in which languages, and when somebody is there")},
		{method: "GET", path: "/openapi.json", doors: onWeb, act: people.Anybody, handle: s.openAPI,
			about: describe[object]("This document")},
		{method: "POST", path: "/backup", doors: onSocket, act: people.ReadHealth, owner: true, stream: s.backup},
	}
}
