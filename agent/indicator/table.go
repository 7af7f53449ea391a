package indicator

import (
	"math"
	"slices"
	"time"

	"comity/schemas"
)

// Report is every indicator of one authority for one period.
type Report struct {
	Authority schemas.AuthorityID `json:"authority"`
	From      schemas.Date        `json:"from"` // first day
	To        schemas.Date        `json:"to"`   // last day
	Least     int                 `json:"least"`
	RoundedTo int                 `json:"rounded_to"`
	Tables    []Table             `json:"tables"`
}

// Table is one fixed table as it may be published.
type Table struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Source is the table of the Framework for Action that asks for it.
	Source string `json:"source"`
	Unit   string `json:"unit"` // what is counted: cases, messages, persons, teams, documents, days
	// Public tables count what every member of the scheme publishes, such as the directory: nothing in them is suppressed.
	Public  bool     `json:"public,omitzero"`
	Row     string   `json:"row"`    // what the rows are
	Column  string   `json:"column"` // what the columns are
	Columns []string `json:"columns"`
	Rows    []Row    `json:"rows"`
}

// Row is one row; a cell that is suppressed is null.
type Row struct {
	Label string `json:"label"`
	Cells []*int `json:"cells"`
}

// total is the label of totals.
const total = "total"

// counts gathers a table of counts. No columns means one dimension.
type counts struct {
	table   Table
	rows    []string
	columns []string
	grid    *grid
}

func newCounts(t Table, rows, columns []string) *counts {
	c := &counts{table: t, rows: rows, columns: columns}
	c.grid = newGrid(len(rows), max(len(columns), 1), len(columns) == 0)
	return c
}

// add counts n under its labels. What is in none of the table's classes is not counted: the classes are closed.
func (c *counts) add(n int, row, column string) {
	r, k := slices.Index(c.rows, row), slices.Index(c.columns, column)
	if len(c.columns) == 0 {
		k = 0
	}
	if r >= 0 && k >= 0 {
		c.grid.add(r, k, n)
	}
}

// publish applies the rules.
func (c *counts) publish() Table {
	hidden := make([]bool, len(c.grid.n))
	shown := func(n int) int { return n }
	if !c.table.Public {
		hidden, shown = c.grid.suppress(), round
	}
	t := c.table
	t.Columns = append(slices.Clone(c.columns), total)
	if c.grid.flat {
		t.Columns = []string{t.Unit}
	}
	for i, label := range append(slices.Clone(c.rows), total) {
		row := Row{Label: label}
		for k := range c.grid.width() {
			cell := c.grid.at(i, k)
			if hidden[cell] {
				row.Cells = append(row.Cells, nil)
			} else {
				row.Cells = append(row.Cells, new(shown(c.grid.n[cell])))
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// paces gathers how long something took, by two labels.
type paces struct {
	table Table
	rows  []string
	steps []string
	took  map[[2]string][]time.Duration
}

// The measures of a step.
var measures = []string{"median", "90th percentile"}

func newPaces(t Table, rows, steps []string) *paces {
	return &paces{table: t, rows: rows, steps: steps, took: map[[2]string][]time.Duration{}}
}

func (p *paces) add(d time.Duration, row, step string) {
	p.took[[2]string{row, step}] = append(p.took[[2]string{row, step}], d)
}

// publish shows whole days, where Least cases at the least are behind them. Medians do not add up, so nothing is reckoned
// back from them.
func (p *paces) publish() Table {
	t := p.table
	for _, step := range p.steps {
		for _, measure := range measures {
			t.Columns = append(t.Columns, step+", "+measure)
		}
	}
	for _, label := range p.rows {
		row := Row{Label: label}
		for _, step := range p.steps {
			took := slices.Sorted(slices.Values(p.took[[2]string{label, step}]))
			if len(took) < Least {
				row.Cells = append(row.Cells, nil, nil)
				continue
			}
			row.Cells = append(row.Cells, new(wholeDays(percentile(took, 0.5))), new(wholeDays(percentile(took, 0.9))))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// percentile is the nearest rank of sorted durations.
func percentile(sorted []time.Duration, share float64) time.Duration {
	rank := int(math.Ceil(share * float64(len(sorted))))
	return sorted[max(rank, 1)-1]
}

func wholeDays(d time.Duration) int { return int(math.Round(d.Hours() / 24)) }
