package console

import "strings"

// chart is a picture of numbers, drawn here, and the table that it is of. Nothing in it is a colour alone: each bar bears its
// number, and the table says everything.
type chart struct {
	Key           string // of its heading
	Columns       []string
	Rows          []chartRow
	Width, Height int
	Bars          []bar
	Labels        []label
}

type chartRow struct {
	Heads   []string
	Numbers []int
	Values  []string // Numbers as the reader writes them
}

// bar is a rectangle of one series.
type bar struct{ X, Y, W, H, Series int }

// label is a text; Anchor is start, middle or end.
type label struct {
	X, Y   int
	Anchor string
	Text   string
}

func (c *chart) add(l *Language, heads []string, numbers ...int) {
	row := chartRow{Heads: heads, Numbers: numbers}
	for _, n := range numbers {
		row.Values = append(row.Values, l.Number(n))
	}
	c.Rows = append(c.Rows, row)
}

// Series are the names of the series of a chart that has several.
func (c chart) Series() []string {
	if len(c.Rows) == 0 || len(c.Rows[0].Numbers) < 2 {
		return nil
	}
	return c.Columns[len(c.Rows[0].Heads):]
}

// Label is the heads of a row in one line.
func (r chartRow) Label() string { return strings.Join(r.Heads, " · ") }

// largest is the largest number, 1 at least.
func (c chart) largest() int {
	most := 1
	for _, row := range c.Rows {
		for _, n := range row.Numbers {
			most = max(most, n)
		}
	}
	return most
}

// The measures of the charts, in the units of their pictures.
const (
	chartWidth  = 640
	barPitch    = 46
	barHeight   = 14
	valueRoom   = 56
	columnRoom  = 160 // of the columns' height
	columnAbove = 22
	columnBelow = 26
)

// drawBars lays one bar a row, with its label above.
func (c chart) drawBars() chart {
	most := c.largest()
	c.Width, c.Height = chartWidth, len(c.Rows)*barPitch+4
	for i, row := range c.Rows {
		y := i * barPitch
		width := row.Numbers[0] * (chartWidth - valueRoom) / most
		if row.Numbers[0] > 0 {
			width = max(width, 2)
		}
		c.Bars = append(c.Bars, bar{X: 0, Y: y + 22, W: width, H: barHeight})
		c.Labels = append(c.Labels,
			label{X: 0, Y: y + 18, Anchor: "start", Text: row.Label()},
			label{X: width + 6, Y: y + 22 + barHeight - 2, Anchor: "start", Text: row.Values[0]})
	}
	return c
}

// drawColumns stands two columns a row beside each other.
func (c chart) drawColumns() chart {
	most := c.largest()
	c.Width, c.Height = chartWidth, columnAbove+columnRoom+columnBelow
	if len(c.Rows) == 0 {
		return c
	}
	pitch := min(chartWidth/len(c.Rows), 120)
	width := min(pitch*2/5, 32)
	for i, row := range c.Rows {
		left := i*pitch + (pitch-2*width)/2
		for series, n := range row.Numbers {
			height := n * columnRoom / most
			if n > 0 {
				height = max(height, 2)
			}
			x := left + series*width
			c.Bars = append(c.Bars, bar{X: x + 1, Y: columnAbove + columnRoom - height, W: width - 2, H: height, Series: series})
			c.Labels = append(c.Labels, label{X: x + width/2, Y: columnAbove + columnRoom - height - 5, Anchor: "middle", Text: row.Values[series]})
		}
		c.Labels = append(c.Labels, label{X: i*pitch + pitch/2, Y: columnAbove + columnRoom + 18, Anchor: "middle", Text: row.Heads[0]})
	}
	return c
}
