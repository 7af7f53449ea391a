package indicator

import (
	"encoding/csv"
	"io"
	"strconv"
)

// Suppressed is how a cell that is suppressed is written in CSV.
const Suppressed = "suppressed"

// WriteCSV writes the report in long form, one cell a line, with a heading.
func (r Report) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	lines := [][]string{{"authority", "from", "to", "table", "unit", "row", "column", "value"}}
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			for i, cell := range row.Cells {
				value := Suppressed
				if cell != nil {
					value = strconv.Itoa(*cell)
				}
				lines = append(lines, []string{string(r.Authority), string(r.From), string(r.To), t.ID, t.Unit, row.Label, t.Columns[i], value})
			}
		}
	}
	return out.WriteAll(lines)
}
