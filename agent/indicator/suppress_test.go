package indicator

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// randomGrid is a table as they come: many zeros, many small counts, some large ones.
func randomGrid(r *rand.Rand, rows, columns int, flat bool) *grid {
	g := newGrid(rows, columns, flat)
	for i := range rows {
		for k := range columns {
			n := 0
			switch r.IntN(4) {
			case 0:
				n = r.IntN(Least)
			case 1:
				n = Least + r.IntN(5)
			case 2:
				n = r.IntN(200)
			}
			g.add(i, k, n)
		}
	}
	return g
}

// equations are what ties the cells of a table together: each is a set of cells with their signs whose sum is 0.
func (g *grid) equations() (all []map[int]int) {
	for k := range g.width() {
		e := map[int]int{g.at(g.rows, k): -1}
		for i := range g.rows {
			e[g.at(i, k)] = 1
		}
		all = append(all, e)
	}
	if g.flat {
		return all
	}
	for i := range g.rows + 1 {
		e := map[int]int{g.at(i, g.columns): -1}
		for k := range g.columns {
			e[g.at(i, k)] = 1
		}
		all = append(all, e)
	}
	return all
}

// solve is an attack by algebra: which hidden cells have one value only that fits the shown ones. Coefficients are taken
// modulo a prime, which for sums of cells changes nothing.
func (g *grid) solve(hidden []bool) (known []int) {
	const prime = 1_000_003
	var matrix [][]int
	for _, e := range g.equations() {
		row := make([]int, len(g.n))
		for cell, sign := range e {
			if hidden[cell] {
				row[cell] = (sign + prime) % prime
			}
		}
		matrix = append(matrix, row)
	}
	rank := 0
	for cell := range g.n {
		pivot := rank
		for pivot < len(matrix) && matrix[pivot][cell] == 0 {
			pivot++
		}
		if pivot == len(matrix) {
			continue
		}
		matrix[rank], matrix[pivot] = matrix[pivot], matrix[rank]
		inverse := power(matrix[rank][cell], prime-2, prime)
		for j := range matrix[rank] {
			matrix[rank][j] = matrix[rank][j] * inverse % prime
		}
		for i := range matrix {
			if factor := matrix[i][cell]; i != rank && factor != 0 {
				for j := range matrix[i] {
					matrix[i][j] = (matrix[i][j] + (prime-factor)*matrix[rank][j]) % prime
				}
			}
		}
		rank++
	}
	for _, row := range matrix[:rank] {
		alone, cells := -1, 0
		for cell, v := range row {
			if v != 0 {
				alone, cells = cell, cells+1
			}
		}
		if cells == 1 {
			known = append(known, alone)
		}
	}
	return known
}

func power(base, exponent, modulus int) int {
	result := 1
	for ; exponent > 0; exponent >>= 1 {
		if exponent&1 == 1 {
			result = result * base % modulus
		}
		base = base * base % modulus
	}
	return result
}

// Whatever the table: nothing small is shown, and no hidden cell can be reckoned from rows, columns and totals, even by one
// who knows what is shown to the unit.
func TestNothingSuppressedCanBeReckonedBack(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 4))
	broken, hiddenMore := 0, 0
	for i := range 3000 {
		g := randomGrid(r, 1+r.IntN(7), 1+r.IntN(5)*min(i%5, 1), i%5 == 0)
		hidden := g.suppress()
		primary := make([]bool, len(g.n))
		for cell, n := range g.n {
			primary[cell] = n < Least
			if primary[cell] && !hidden[cell] {
				t.Fatalf("%v shows %d", g.n, n)
			}
			if hidden[cell] && !primary[cell] {
				hiddenMore++
			}
		}
		if known := g.solve(hidden); len(known) > 0 {
			t.Fatalf("rows %d: %v with %v hidden gives away the cells %v", g.rows, g.n, hidden, known)
		}
		if len(g.solve(primary)) > 0 {
			broken++
		}
	}
	if broken < 300 || hiddenMore == 0 {
		t.Errorf("the attack succeeds on %d tables without complementary suppression: it is too weak to prove anything", broken)
	}
	t.Logf("3000 tables; without complementary suppression %d give a cell away; %d cells hidden beside the small ones", broken, hiddenMore)
}

// The same by trying out all tables of two rows and two columns with what is published of them: a hidden cell has RoundTo values
// at the least.
func TestSuppressedCellsStayWide(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	const most = 21
	for range 10 {
		g := newGrid(2, 2, false)
		for i := range 2 {
			for k := range 2 {
				g.add(i, k, r.IntN(16))
			}
		}
		hidden := g.suppress()
		lowest, highest := map[int]int{}, map[int]int{}
		var try func(place int, inner [4]int)
		try = func(place int, inner [4]int) {
			if place < 4 {
				cell := g.at(place/2, place%2)
				for n := range most {
					if inner[place] = n; hidden[cell] || n >= Least && round(n) == round(g.n[cell]) {
						try(place+1, inner)
					}
				}
				return
			}
			other := newGrid(2, 2, false)
			for p, n := range inner {
				other.add(p/2, p%2, n)
			}
			for cell := range g.n {
				if n := other.n[cell]; !hidden[cell] && (n < Least || round(n) != round(g.n[cell])) {
					return
				}
			}
			for cell, n := range other.n {
				if low, seen := lowest[cell]; !seen || n < low {
					lowest[cell] = n
				}
				highest[cell] = max(highest[cell], n)
			}
		}
		if count(hidden[:]) < 9 { // otherwise nothing is shown
			try(0, [4]int{})
			for cell := range g.n {
				if hidden[cell] && highest[cell]-lowest[cell] < RoundTo-1 {
					t.Errorf("%v, hidden %v: cell %d lies between %d and %d", g.n, hidden, cell, lowest[cell], highest[cell])
				}
			}
		}
	}
}

func count(hidden []bool) (n int) {
	for _, h := range hidden {
		if h {
			n++
		}
	}
	return n
}

// The cases that are easily got wrong, by hand.
func TestSuppressionByHand(t *testing.T) {
	for _, c := range []struct {
		name  string
		cells [][]int
		shown int // cells of nine or so that are shown
	}{
		{"all large", [][]int{{20, 30}, {40, 50}}, 9},
		{"one small: its row and its column hide another, and the corner", [][]int{{3, 30}, {40, 50}}, 5},
		{"all small: nothing is shown", [][]int{{1, 2}, {3, 2}}, 0},
		{"two zeros beside each other are not given away by the sum", [][]int{{0, 0, 30}, {40, 50, 60}}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGrid(len(c.cells), len(c.cells[0]), false)
			for i, row := range c.cells {
				for k, n := range row {
					g.add(i, k, n)
				}
			}
			hidden := g.suppress()
			if shown := len(hidden) - count(hidden); c.shown >= 0 && shown != c.shown {
				t.Errorf("%d cells are shown, want %d: %v", shown, c.shown, hidden)
			}
			for cell := range hidden {
				if hidden[cell] && !g.safe(cell, hidden) {
					t.Errorf("cell %d can be reckoned back", cell)
				}
			}
		})
	}
}

// A table of one dimension with one small class hides another one with it.
func TestOneDimension(t *testing.T) {
	c := newCounts(Table{Unit: "cases"}, []string{"a", "b", "c"}, nil)
	c.add(3, "a", "")
	c.add(12, "b", "")
	c.add(100, "c", "")
	c.add(7, "of no class", "")
	got := fmt.Sprint(plain(c.publish()))
	if want := "[[a -] [b -] [c 100] [total 115]]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// plain is a table as a reader sees it.
func plain(t Table) (rows [][]string) {
	for _, r := range t.Rows {
		row := []string{r.Label}
		for _, cell := range r.Cells {
			if cell == nil {
				row = append(row, "-")
			} else {
				row = append(row, fmt.Sprint(*cell))
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func BenchmarkSuppressWideTable(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	g := randomGrid(r, 200, 3, false)
	for b.Loop() {
		g.suppress()
	}
}
