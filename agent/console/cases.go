package console

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// casesPage is the list of cases with what narrows it.
type casesPage struct {
	CasePage
	Query    CaseQuery
	Channels []schemas.Channel
	Pages    int
	Previous string // address of the page before; "" on the first
	Next     string
	Me       schemas.AuthorityID
	Assigned string // mine | none | ""
	Assign   *assigning
}

func (k *Console) cases(w http.ResponseWriter, r *http.Request, v *visit) {
	q, assigned := caseQuery(r.URL.Query()), ""
	q.Whose, assigned = whoseOf(r.URL.Query(), v)
	found, err := k.Records.FindCases(r.Context(), q)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	body := casesPage{CasePage: found, Query: q, Channels: schemas.Channels(), Me: k.Authority, Assigned: assigned}
	if body.Assign, err = k.assigningOf(r, v); err != nil {
		k.fail(w, r, v, err)
		return
	}
	body.Pages = max((found.Total+PageSize-1)/PageSize, 1)
	if q.Page > 1 {
		body.Previous = pageAddress(r.URL.Query(), q.Page-1)
	}
	if q.Page < body.Pages {
		body.Next = pageAddress(r.URL.Query(), q.Page+1)
	}
	k.show(w, r, v, "cases", "cases.title", body)
}

// caseQuery reads what narrows the list. What is not in its set narrows nothing.
func caseQuery(values url.Values) CaseQuery {
	pick := func(name string, set ...string) string {
		if v := values.Get(name); slices.Contains(set, v) {
			return v
		}
		return ""
	}
	q := CaseQuery{
		Text: values.Get("q"), Channel: schemas.Channel(values.Get("channel")), State: values.Get("state"),
		Open: pick("open", "open", "closed"), Due: pick("due", "mine", "overdue"), Sort: pick("sort", "opened", "due"), Page: 1,
	}
	if !slices.Contains(schemas.Channels(), q.Channel) {
		q.Channel = ""
	}
	if !codeForm.MatchString(q.State) {
		q.State = ""
	}
	if len(q.Text) > 80 {
		q.Text = q.Text[:80]
	}
	if n, err := strconv.Atoi(values.Get("page")); err == nil && n > 1 && n < 1_000_000 {
		q.Page = n
	}
	return q
}

func pageAddress(values url.Values, page int) string {
	values.Del("done")
	values.Set("page", strconv.Itoa(page))
	return "/cases?" + values.Encode()
}

// codeForm is the form of the codes of closed sets.
var codeForm = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// casePage is one case.
type casePage struct {
	api.Case
	Me       schemas.AuthorityID
	Timeline []moment
	Due      []api.Task // not done
	Replies  []reply
	Export   bool
	Assign   *assigning
	Keep     bool
	Reasons  []string
}

// moment is one thing that happened or is due in a case, in the order of time.
type moment struct {
	Message *api.Message
	Task    *api.Task
}

// reply is a message that this authority may send now.
type reply struct {
	Type    schemas.MessageType
	Address string
}

func (k *Console) oneCase(w http.ResponseWriter, r *http.Request, v *visit) {
	c, err := k.Desk.Case(r.Context(), r.PathValue("id"))
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	assign, err := k.assigningOf(r, v)
	if err != nil {
		k.fail(w, r, v, err)
		return
	}
	if assign != nil {
		assign.One, assign.Here = true, c.Officer
	}
	k.show(w, r, v, "case", "case.title", casePage{
		Case: c, Me: k.Authority, Timeline: timeline(c), Due: due(c.Deadlines), Replies: k.replies(v, c),
		Export: v.Person.May(people.ExportCase) && c.ErasedAt.IsZero(), Assign: assign, Keep: v.Person.May(people.KeepCases) && c.ErasedAt.IsZero(), Reasons: api.KeepReasons(),
	})
}

// due are the deadlines that are not done, the next one first.
func due(all []api.Task) (open []api.Task) {
	for _, t := range all {
		if t.DoneAt.IsZero() && t.Stage != "done" && t.Stage != "done-late" && t.Stage != "over" {
			open = append(open, t)
		}
	}
	slices.SortStableFunc(open, func(a, b api.Task) int { return a.DueAt.Compare(b.DueAt) })
	return open
}

// timeline puts the messages of a case and the deadlines that were met in the order of time.
func timeline(c api.Case) (all []moment) {
	for i := range c.Messages {
		all = append(all, moment{Message: &c.Messages[i]})
	}
	for i := range c.Deadlines {
		if t := &c.Deadlines[i]; !t.DoneAt.IsZero() {
			all = append(all, moment{Task: t})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at().Compare(b.at()) })
	return all
}

func (m moment) at() (at sortable) {
	if m.Task != nil {
		return sortable{m.Task.DoneAt.UnixMilli(), 1, 0}
	}
	if !m.Message.SentAt.IsZero() {
		return sortable{m.Message.SentAt.UnixMilli(), 0, int64(m.Message.Number)}
	}
	if m.Message.DraftedAt.IsZero() {
		return sortable{1 << 62, 0, 0}
	}
	return sortable{m.Message.DraftedAt.UnixMilli(), 0, 0}
}

// sortable is a time, what comes first of the same time, and the number among messages.
type sortable [3]int64

// Compare orders them.
func (a sortable) Compare(b sortable) int { return slices.Compare(a[:], b[:]) }

// replies are what may be sent in the case now, with the address of each form.
func (k *Console) replies(v *visit, c api.Case) (list []reply) {
	if !v.Person.May(people.Draft) {
		return nil
	}
	for _, t := range c.MayNow {
		values := url.Values{"to": {string(c.Peer)}, "case": {string(c.ID)}}
		if answers, _ := schemas.Answers(t); len(answers) > 0 {
			for _, m := range slices.Backward(c.Messages) {
				if m.Direction == "in" && slices.Contains(answers, m.Type) {
					values.Set("reply", string(m.ID))
					break
				}
			}
		}
		list = append(list, reply{Type: t, Address: composeAddress(t) + "?" + values.Encode()})
	}
	return list
}

func (k *Console) exportCase(w http.ResponseWriter, r *http.Request, v *visit) {
	asked := api.CaseRequest{Reader: r.PostFormValue("for"), WithoutFiles: r.PostFormValue("without-files") != ""}
	begun := false
	err := k.Desk.ExportCase(r.Context(), v.Person.Name, r.PathValue("id"), asked, func(said api.CaseExport) {
		begun = true
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // files of evidence are of any size
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Disposition", `attachment; filename="case-`+string(said.Case)+`.zip"`)
	}, w)
	switch {
	case err == nil:
	case !begun:
		k.fail(w, r, v, err)
	default:
		k.Log.Error("handing out the file of a case", "error", err)
		panic(http.ErrAbortHandler) // nobody takes half a file for one
	}
}
