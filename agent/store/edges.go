package store

import "comity/pki/journal"

// edges remember the right edges of the logs, so that an append reads nothing. They lie in layers like the transactions:
// what is on disk, above it what the group at hand has added, above that what one caller's work has. A layer whose
// transaction fails is dropped with it. They belong to the writer; a reader has a layer of its own above nothing.
type edges struct {
	under *edges
	known map[journal.Origin]journal.Edge
}

func newEdges(under *edges) *edges {
	return &edges{under: under, known: map[journal.Origin]journal.Edge{}}
}

func (e *edges) get(log journal.Origin) (journal.Edge, bool) {
	for ; e != nil; e = e.under {
		if edge, ok := e.known[log]; ok {
			return edge, true
		}
	}
	return journal.Edge{}, false
}

func (e *edges) put(log journal.Origin, edge journal.Edge) { e.known[log] = edge }

// keep hands down what the layer has, once its transaction has succeeded.
func (e *edges) keep() {
	for log, edge := range e.known {
		e.under.known[log] = edge
	}
}

// forget has everything be read again: after a commit that failed nobody knows what is on disk.
func (e *edges) forget() { clear(e.known) }
