package api

import (
	"context"
	"net/http"
	"net/url"

	"comity/agent/indicator"
	"comity/agent/people"
)

// Indicators is what the agent can compute for publication.
type Indicators interface {
	// Indicators reports on a period of whole quarters, by its first and last day.
	Indicators(ctx context.Context, first, last string) (indicator.Report, error)
}

func (s *Server) indicatorRoutes() []route {
	return []route{
		{method: "GET", path: "/indicators", doors: onBoth, act: people.ReadIndicators, handle: s.indicators,
			about: describe[indicator.Report]("The indicators of a period of whole quarters, as they may be published").query("from", "to")},
	}
}

func (s *Server) indicators(r *request) (int, any, error) {
	q := r.URL.Query()
	report, err := s.desk.Indicators(r.Context(), q.Get("from"), q.Get("to"))
	return http.StatusOK, report, err
}

// Indicators asks for the report of a period, by its first and last day.
func (c *Client) Indicators(ctx context.Context, first, last string) (report indicator.Report, err error) {
	return report, c.do(ctx, http.MethodGet, "/v1/indicators?from="+url.QueryEscape(first)+"&to="+url.QueryEscape(last), nil, &report)
}
