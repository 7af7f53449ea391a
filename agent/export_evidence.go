package agent

import (
	"context"
	"errors"
	"fmt"
	"io"

	"comity/agent/casefile"
	"comity/agent/store"
	"comity/schemas"
)

// Files of evidence in the file of a case. They go where their message goes: the rules are asked about both at once, for the
// reader who is named, whether or not the files are put in. Each that goes out is noted in its custody before the first byte.

// dossier is what is handed out of a case, on one snapshot: what was sealed or received in it, with the files that it names.
type dossier struct {
	*store.CaseFile
	messages []*store.Message
	files    map[store.Key][]enclosedFile
}

// enclosedFile is a file that a message names.
type enclosedFile struct {
	manifest schemas.EvidenceFile
	row      *store.Evidence  // nil where nothing is known of it
	absent   casefile.Absence // "" where all of it is here
}

// withheld tells whether the file is kept from people until two protection officers let it be read.
func (f enclosedFile) withheld() bool { return f.row != nil && f.row.State == store.EvidenceWithheld }

// enclosedFiles are the files that a message names, as they are here.
func (a *Agent) enclosedFiles(tx *store.Tx, m *store.Message) (files []enclosedFile, err error) {
	for _, manifest := range evidenceNamed(m.Payload) {
		f := enclosedFile{manifest: manifest}
		f.row, err = tx.Evidence(m.Sender, manifest.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		if f.absent, err = a.absence(m, f); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// absence tells why a file cannot be handed out, "" where it can.
func (a *Agent) absence(m *store.Message, f enclosedFile) (casefile.Absence, error) {
	outcome := outcomeOf(m)
	switch {
	case outcome == casefile.Rejected, outcome == casefile.Voided, f.row != nil && f.row.State == store.EvidenceRefused:
		return casefile.NotExchanged, nil
	case f.row == nil, f.row.State == store.EvidenceFetching:
		return casefile.NotArrived, nil
	}
	if f.row.State == store.EvidenceErased {
		return casefile.Gone, nil
	}
	kept, err := a.spool.Keeps(f.manifest)
	if m.Direction == store.In {
		kept, err = a.spool.KeepsReceived(m.Sender, f.manifest)
	}
	if err == nil && !kept {
		return casefile.Gone, nil
	}
	return "", err
}

// copyEvidence writes the content of a file of either side. What was written before an error is of no use.
func (a *Agent) copyEvidence(ctx context.Context, owner schemas.AuthorityID, f schemas.EvidenceFile, w io.Writer) error {
	if owner == a.me {
		return a.opens.Sent(ctx, f, w)
	}
	return a.opens.Received(ctx, owner, f, w)
}

// enclose puts the files of a message among what is packed.
func (a *Agent) enclose(ctx context.Context, m *store.Message, files []enclosedFile, without bool) (all []casefile.Enclosure) {
	for _, f := range files {
		e := casefile.Enclosure{ID: f.manifest.ID, Name: f.manifest.Name, SHA256: f.manifest.SHA256, Bytes: f.manifest.Bytes, Absent: f.absent}
		if e.Absent == "" && without {
			e.Absent = casefile.LeftOut
		}
		if e.Absent == "" {
			e.Copy = func(w io.Writer) error { return a.copyEvidence(ctx, m.Sender, f.manifest, w) }
		}
		all = append(all, e)
	}
	return all
}

// noteExport records who hands out which file of a case, and each file of evidence in it.
func (a *Agent) noteExport(ctx context.Context, by string, d *dossier, x casefile.Exchange, statement store.Hash) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		errs := []error{a.recordHome(tx, eventExported, "", statement, by)}
		for i, n := range x.Numbers {
			for k, e := range n.Evidence {
				if e.Absent == "" {
					errs = append(errs, a.custody(tx, d.files[d.messages[i].Key][k].row, custodyExported, by))
				}
			}
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("noting that a case is handed out: %w", err)
		}
		return nil
	})
}
