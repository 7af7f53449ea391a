package console

import (
	"net/http"
	"slices"

	"comity/agent/api"
	"comity/agent/people"
	"comity/schemas"
)

// overviewPage is the first page of everybody; what a role may not see is left out.
type overviewPage struct {
	Overview
	Waiting []api.Message // drafts of others that this person may approve
	Mine    []api.Message // drafts of this person that wait for somebody else
	Drafts  []Unfinished
	Reviews int
	Stages  chart
	Ages    chart
	Months  chart
}

func (k *Console) overview(w http.ResponseWriter, r *http.Request, v *visit) {
	var body overviewPage
	if v.Person.May(people.ReadList) {
		var err error
		if body.Overview, err = k.Records.Overview(r.Context(), v.Person.Name); err != nil {
			k.fail(w, r, v, err)
			return
		}
		if err := k.addOwn(r, v, &body); err != nil {
			k.fail(w, r, v, err)
			return
		}
		body.Stages, body.Ages, body.Months = stageChart(v.lang, body.Statistics.Stages), ageChart(v.lang, body.Statistics.Ages), monthChart(v.lang, body.Statistics.Months)
	}
	k.show(w, r, v, "overview", "overview.title", body)
}

// waitingShown bounds the drafts that the overview lists.
const waitingShown = 200

// addOwn adds what waits for this very person.
func (k *Console) addOwn(r *http.Request, v *visit, body *overviewPage) error {
	drafts, err := k.Records.InState(r.Context(), "in-review", waitingShown)
	if err != nil {
		return err
	}
	for _, m := range drafts {
		switch own := slices.Contains(m.Authors, v.Person.Name); {
		case own:
			body.Mine = append(body.Mine, m)
		case v.Person.May(people.Approve):
			body.Waiting = append(body.Waiting, m)
		}
	}
	if v.Person.May(people.Draft) {
		if body.Drafts, err = k.Records.Unfinished(r.Context(), v.Person.Name); err != nil {
			return err
		}
	}
	if v.Person.May(people.ReadReviews) {
		reviews, err := k.Desk.Reviews(r.Context())
		body.Reviews = len(reviews)
		return err
	}
	return nil
}

func stageChart(l *Language, counts []StageCount) chart {
	c := chart{Key: "overview.stages", Columns: []string{l.T("case.channel"), l.T("case.state"), l.T("chart.cases")}}
	for _, channel := range schemas.Channels() {
		for _, s := range counts {
			if s.Channel == channel {
				c.add(l, []string{l.Word("channel", s.Channel), l.Word("state", s.State)}, s.N)
			}
		}
	}
	return c.drawBars()
}

func ageChart(l *Language, counts []int) chart {
	c := chart{Key: "overview.ages", Columns: []string{l.T("overview.age"), l.T("chart.cases")}}
	from := 0
	for i, n := range counts {
		label := l.T("overview.age.beyond", from)
		if i < len(AgeBounds) {
			label = l.T("overview.age.between", from, AgeBounds[i])
			from = AgeBounds[i]
		}
		c.add(l, []string{label}, n)
	}
	return c.drawBars()
}

func monthChart(l *Language, counts []MonthCount) chart {
	c := chart{Key: "overview.months", Columns: []string{l.T("overview.month"), l.T("overview.sent"), l.T("overview.received")}}
	for _, m := range counts {
		c.add(l, []string{l.Month(m.Month)}, m.Sent, m.Received)
	}
	return c.drawColumns()
}
