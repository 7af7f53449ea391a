package agent

import (
	"context"
	"encoding/json"
	"io"

	"comity/agent/api"
	"comity/agent/store"
)

// EvidenceList shows the files of a case, or with an empty prefix those that are arriving.
func (a *Agent) EvidenceList(ctx context.Context, prefix string) ([]api.Evidence, error) {
	var shown []api.Evidence
	err := a.store.View(ctx, func(tx *store.Tx) error {
		var files []*store.Evidence
		if prefix == "" {
			for _, state := range []store.EvidenceState{store.EvidenceFetching, store.EvidenceReady} {
				some, err := tx.EvidenceIn(state, listLimit)
				if err != nil {
					return err
				}
				files = append(files, some...)
			}
		} else {
			found, err := tx.CasesByPrefix(prefix, 2)
			if err != nil {
				return err
			}
			if err := exactlyOne(len(found), "case"); err != nil {
				return err
			}
			if files, err = tx.EvidenceOfCase(found[0].ID, maxEvidence); err != nil {
				return err
			}
		}
		for _, e := range files {
			shown = append(shown, a.showEvidence(e, nil))
		}
		return nil
	})
	return shown, err
}

// EvidenceFile shows one file with its custody, named by its id or the beginning of it.
func (a *Agent) EvidenceFile(ctx context.Context, prefix string) (api.Evidence, error) {
	var shown api.Evidence
	err := a.store.View(ctx, func(tx *store.Tx) error {
		e, err := evidenceBy(tx, prefix)
		if err != nil {
			return err
		}
		steps, err := tx.CustodyOf(e.Owner, e.Manifest.ID)
		shown = a.showEvidence(e, steps)
		return err
	})
	return shown, err
}

func evidenceBy(tx *store.Tx, prefix string) (*store.Evidence, error) {
	found, err := tx.EvidenceByPrefix(prefix, 2)
	if err != nil {
		return nil, err
	}
	if err := exactlyOne(len(found), "file of evidence"); err != nil {
		return nil, err
	}
	return found[0], nil
}

// OpenEvidence writes the content of a file to w: a whole one, that nobody withholds. What was written before an error is of no
// use. It is noted in the custody of the file before the first byte.
func (a *Agent) OpenEvidence(ctx context.Context, by, prefix string, mayReadReviews bool, begin func(api.Evidence), w io.Writer) error {
	var e *store.Evidence
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		if e, err = evidenceBy(tx, prefix); err != nil {
			return err
		}
		if e.State == store.EvidenceErased {
			return erasedProblem(tx, e.Case)
		}
		if e.Owner == a.me {
			return nil
		}
		m, err := tx.BareMessage(store.Key{Sender: e.Owner, ID: e.Message})
		if err != nil {
			return err
		}
		withheld := e.State == store.EvidenceWithheld || m.Screening != store.ScreenClear
		switch {
		case e.State == store.EvidenceFetching || e.State == store.EvidenceRefused:
			return evidenceProblem("not-whole")
		case withheld && !mayReadReviews:
			return problem(ReasonReview, "the file is under review", "")
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := a.store.Update(ctx, func(tx *store.Tx) error { return a.custody(tx, e, custodyOpened, by) }); err != nil {
		return err
	}
	begin(a.showEvidence(e, nil))
	return asEvidenceProblem(a.copyEvidence(ctx, e.Owner, e.Manifest, w))
}

func (a *Agent) showEvidence(e *store.Evidence, steps []store.Custody) api.Evidence {
	have, of := a.progressOf(e)
	state := string(e.State)
	if e.State == store.EvidenceWithheld { // one neutral word, whatever the reason
		state = "under-review"
	}
	shown := api.Evidence{
		ID: e.Manifest.ID, Owner: e.Owner, Peer: e.Peer, Case: e.Case, Message: e.Message, State: state, Reason: e.Reason, Name: e.Manifest.Name,
		MediaType: e.Manifest.MediaType, Bytes: e.Manifest.Bytes, SHA256: e.Manifest.SHA256, Certified: e.Manifest.Certified,
		Reading: e.Reading, Neutralised: e.Original != nil, Chunks: of, Have: have, AddedAt: e.AddedAt, ChangedAt: e.ChangedAt,
		ChainOfCustody: e.Manifest.ChainOfCustody, Receipted: e.Receipt != nil,
	}
	for _, c := range steps {
		shown.Custody = append(shown.Custody, api.CustodyStep{What: c.What, Person: c.Person, At: c.At})
	}
	return shown
}

// returnedItems are the items that a return of evidence names.
func returnedItems(payload []byte) []returnedItem {
	var said struct {
		Body struct {
			Items []returnedItem `json:"items"`
		} `json:"body"`
	}
	if json.Unmarshal(payload, &said) != nil {
		return nil
	}
	return said.Body.Items
}
