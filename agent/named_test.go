package agent

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// namedFaults is the table of what was played and what it was called, for whoever runs the tests with -v.
type namedFaults struct {
	mu   sync.Mutex
	rows [][2]string
}

func (n *namedFaults) add(fault string, names ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rows = append(n.rows, [2]string{fault, cmp.Or(strings.Join(names, ", "), "nothing")})
}

// print writes the table. Subtests that run in parallel must have ended.
func (n *namedFaults) print(t *testing.T) {
	t.Helper()
	width := 0
	for _, row := range n.rows {
		width = max(width, len(row[0]))
	}
	var table strings.Builder
	for _, row := range n.rows {
		fmt.Fprintf(&table, "%-*s  %s\n", width, row[0], row[1])
	}
	t.Logf("%d faults, and what each is called:\n%s", len(n.rows), &table)
}

// distinct is each name once, in order.
func distinct(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
