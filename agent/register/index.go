package register

// index holds the encodings in memory, found by keyed hashes.
type index struct {
	entries      map[EntryID]*entry
	byRef        map[digest]*entry
	linkedBy     map[digest][]*entry // who names this ref among its links
	byKey        map[uint64][]*entry
	byDocument   map[digest][]*entry
	distinctions map[distinction]digest // to the content of the entry that was decided on
}

// distinction is one decision: this person is not that entry.
type distinction struct {
	entry  EntryID
	person digest
}

func newIndex(entries []*entry, distinctions map[distinction]digest) *index {
	ix := &index{
		entries: make(map[EntryID]*entry, len(entries)), byRef: make(map[digest]*entry, len(entries)), linkedBy: map[digest][]*entry{},
		byKey: map[uint64][]*entry{}, byDocument: map[digest][]*entry{}, distinctions: map[distinction]digest{},
	}
	for _, e := range entries {
		ix.entries[e.id], ix.byRef[e.ref] = e, e
		for _, ref := range e.card.Linked {
			ix.linkedBy[ref] = append(ix.linkedBy[ref], e)
		}
		for _, n := range e.codes.names {
			for _, k := range n.keys {
				if list := ix.byKey[k]; len(list) == 0 || list[len(list)-1] != e {
					ix.byKey[k] = append(list, e)
				}
			}
		}
		for _, d := range e.codes.documents {
			ix.byDocument[d.number] = append(ix.byDocument[d.number], e)
		}
	}
	for pair, on := range distinctions {
		if e := ix.entries[pair.entry]; e != nil && e.card.Content == on {
			ix.distinctions[pair] = on
		}
	}
	return ix
}

// all lists the entries, in no order.
func (ix *index) all() []*entry {
	list := make([]*entry, 0, len(ix.entries))
	for _, e := range ix.entries {
		list = append(list, e)
	}
	return list
}
