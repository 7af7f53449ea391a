package indicator

// The rules of publication.
const (
	Least   = 10 // a count under it is suppressed
	RoundTo = 5  // what is shown is rounded to it
)

// grid is a table of counts with its totals: the last row and, where there is a second dimension, the last column. flat is a
// table of one dimension: one column, whose last row is the total.
type grid struct {
	rows, columns int // without the totals
	flat          bool
	n             []int
	arcs          [][]int // of each node: the cells that begin or end there
}

func newGrid(rows, columns int, flat bool) *grid {
	g := &grid{rows: rows, columns: columns, flat: flat}
	g.n = make([]int, (rows+1)*g.width())
	g.arcs = make([][]int, g.nodes())
	for cell := range g.n {
		from, to := g.ends(cell)
		g.arcs[from], g.arcs[to] = append(g.arcs[from], cell), append(g.arcs[to], cell)
	}
	return g
}

// width is how many columns there are, with the total's.
func (g *grid) width() int {
	if g.flat {
		return 1
	}
	return g.columns + 1
}

func (g *grid) at(row, column int) int { return row*g.width() + column }

// add counts n at a place, and in its totals.
func (g *grid) add(row, column, n int) {
	g.n[g.at(row, column)] += n
	g.n[g.at(g.rows, column)] += n
	if !g.flat {
		g.n[g.at(row, g.columns)] += n
		g.n[g.at(g.rows, g.columns)] += n
	}
}

// A table with totals is a circulation: each cell is an arc from its row to its column, each total of a row an arc into that
// row, each total of a column an arc out of that column, and the grand total the arc that closes the circle. Whatever flows
// into a node flows out of it. So another table with the same shown cells is another circulation in the hidden arcs, and what
// a reader can reckon of a hidden cell is between the least and the most that can flow through its arc.

// ends are the nodes of a cell's arc: rows first, then columns. The total's row is where the totals of columns flow to, and
// the total's column is where those of rows come from.
func (g *grid) ends(cell int) (from, to int) {
	row, column := cell/g.width(), cell%g.width()
	if g.flat { // each row's count flows out of one source into one sink, and the total back
		if row == g.rows {
			return 1, 0
		}
		return 0, 1
	}
	rowNode, columnNode := row, g.rows+1+column
	switch {
	case row < g.rows && column < g.columns:
		return rowNode, columnNode
	case row < g.rows: // the total of a row
		return columnNode, rowNode
	case column < g.columns: // the total of a column
		return columnNode, rowNode
	}
	return rowNode, columnNode // the grand total: from the totals of columns to the totals of rows
}

func (g *grid) nodes() int {
	if g.flat {
		return 2
	}
	return g.rows + g.columns + 2
}

// suppress says which cells are hidden: those under Least, and so many more with them that none can be reckoned back. Two
// readers are thought of. One knows every shown cell to the unit: by the sums of rows and columns alone no hidden cell may
// follow. The other knows what is published, and that counts are not negative: every hidden cell can have RoundTo values in a
// row at the least. Which of the hidden cells are small, nothing tells.
func (g *grid) suppress() []bool {
	hidden := make([]bool, len(g.n))
	var queue []int
	for cell, n := range g.n {
		if n < Least {
			hidden[cell], queue = true, append(queue, cell)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] { // hiding more never gives away what was safe
		if cell := queue[0]; !g.safe(cell, hidden) {
			for _, with := range g.cheapest(cell, hidden) {
				hidden[with], queue = true, append(queue, with)
			}
		}
	}
	return hidden
}

func (g *grid) safe(cell int, hidden []bool) bool {
	return g.circular(cell, hidden) && g.room(cell, hidden) >= RoundTo-1
}

// cheapest are the shown cells to hide with one: those on the circle through it that costs the least of what is shown, and on
// which so much can flow that the cell can have RoundTo values. There always is one, over the totals.
func (g *grid) cheapest(cell int, hidden []bool) []int {
	from, to := g.ends(cell)
	cost := make([]int, g.nodes())
	came := make([]step, g.nodes())
	done := make([]bool, g.nodes())
	for i := range cost {
		cost[i] = dear
	}
	cost[to] = 0
	for range cost {
		node := -1
		for i := range cost {
			if !done[i] && cost[i] < dear && (node < 0 || cost[i] < cost[node]) {
				node = i
			}
		}
		if node < 0 {
			break
		}
		done[node] = true
		for _, other := range g.arcs[node] {
			start, end := g.ends(other)
			back := end == node
			if other == cell || start != node && !back || back && g.n[other] < RoundTo-1 {
				continue
			}
			if back {
				end = start
			}
			if c := cost[node] + g.price(other, hidden); c < cost[end] {
				cost[end], came[end] = c, step{other, back}
			}
		}
	}
	var hide []int
	for node := from; node != to; {
		s := came[node]
		if !hidden[s.cell] {
			hide = append(hide, s.cell)
		}
		start, end := g.ends(s.cell)
		if node = start; s.back {
			node = end
		}
	}
	return hide
}

// dear is more than any circle costs.
const dear = 1 << 60

// price is what hiding a cell costs: what it shows, and a total before another of the same size.
func (g *grid) price(cell int, hidden []bool) int {
	switch {
	case hidden[cell]:
		return 0
	case g.isTotal(cell):
		return 2 * g.n[cell]
	}
	return 2*g.n[cell] + 1
}

func (g *grid) isTotal(cell int) bool {
	return cell/g.width() == g.rows || !g.flat && cell%g.width() == g.columns
}

// circular tells whether a hidden cell lies on a circle of hidden arcs: then, and only then, the sums leave it open.
func (g *grid) circular(cell int, hidden []bool) bool {
	from, to := g.ends(cell)
	room := func(other int, _ bool) int {
		if hidden[other] {
			return 1
		}
		return 0
	}
	return g.path(cell, to, from, room) != nil
}

// room is how many values more than one a hidden cell can have by all that is published, up to RoundTo-1.
func (g *grid) room(cell int, hidden []bool) int {
	from, to := g.ends(cell)
	up := g.push(cell, to, from, RoundTo-1, hidden)
	return up + g.push(cell, from, to, min(g.n[cell], RoundTo-1-up), hidden)
}

// push counts how much more can flow from one node to another through all arcs but one, up to most.
func (g *grid) push(but, source, sink, most int, hidden []bool) (pushed int) {
	flow := make([]int, len(g.n)) // beyond what is there
	room := func(cell int, back bool) int {
		n, now := g.n[cell], g.n[cell]+flow[cell]
		switch {
		case hidden[cell] && back:
			return now
		case hidden[cell]:
			return most
		case back:
			return now - max(round(n)-RoundTo/2, Least)
		}
		return round(n) + RoundTo/2 - now
	}
	for pushed < most {
		path := g.path(but, source, sink, room)
		if path == nil {
			return pushed
		}
		amount := most - pushed
		for _, s := range path {
			amount = min(amount, room(s.cell, s.back))
		}
		for _, s := range path {
			if s.back {
				flow[s.cell] -= amount
			} else {
				flow[s.cell] += amount
			}
		}
		pushed += amount
	}
	return pushed
}

// step is one arc of a path, taken forward or back.
type step struct {
	cell int
	back bool
}

// path is a shortest way from one node to another through arcs that have room, nil where there is none.
func (g *grid) path(but, source, sink int, room func(cell int, back bool) int) []step {
	came := make([]step, g.nodes())
	before := make([]int, g.nodes())
	seen := make([]bool, g.nodes())
	seen[source] = true
	for queue := []int{source}; len(queue) > 0 && !seen[sink]; queue = queue[1:] {
		for _, cell := range g.arcs[queue[0]] {
			from, to := g.ends(cell)
			back := to == queue[0]
			if cell == but || from != queue[0] && !back {
				continue
			}
			next := to
			if back {
				next = from
			}
			if !seen[next] && room(cell, back) > 0 {
				seen[next], came[next], before[next] = true, step{cell, back}, queue[0]
				queue = append(queue, next)
			}
		}
	}
	if !seen[sink] {
		return nil
	}
	var path []step
	for node := sink; node != source; node = before[node] {
		path = append(path, came[node])
	}
	return path
}

// round is to the nearest multiple of RoundTo.
func round(n int) int { return (n + RoundTo/2) / RoundTo * RoundTo }
