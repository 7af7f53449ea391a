package register

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"comity/schemas"
)

// Limits of one feed.
const (
	MaxFeedRows  = 1_000_000
	MaxFeedBytes = 1 << 30
	MaxRowBytes  = 64 << 10
	maxFeedLines = 2 * MaxFeedRows // empty ones among them
	maxReported  = 1000            // bad rows that are listed; all are counted
)

// Options say what a feed is.
type Options struct {
	Format  Format
	Made    time.Time // when the authority made the feed; now where zero
	Partial bool      // a few rows outside the nightly feed: they do not make the register fresh
}

// Format is how a feed is written.
type Format string

// The formats.
const (
	ByContent Format = "" // JSON Lines where the feed begins with "{", CSV otherwise
	JSONLines Format = "jsonl"
	CSV       Format = "csv"
)

// Report says what became of a feed. It holds no value of any row.
type Report struct {
	Rows      int
	Added     int
	Updated   int
	Unchanged int
	Older     int // rows that are older than what is registered, and were left alone
	Deleted   int
	BadRows   int
	Bad       []BadRow // the first thousand of them
}

// BadRow is a row that cannot be taken.
type BadRow struct {
	Line   int
	Member string // JSON pointer, or the column
	Reason Reason
}

// Why nothing of a feed was taken.
var (
	ErrBadRows      = errors.New("the feed has bad rows: nothing of it was taken")
	ErrFeedTooLarge = errors.New("the feed is larger than the register takes")
	ErrFeedTime     = errors.New("the feed says it was made in the future")
	ErrFeedOlder    = errors.New("the feed is older than the one that was taken before")
)

// rows reads the records of a feed one by one. A *Defect means that this row is bad and the next can be read.
type rows interface {
	next() (rec Record, line int, err error)
}

// Import takes a feed in: all of it, or with any bad row nothing. An empty feed is a feed without news, and makes the register
// as fresh as any other.
func (r *Register) Import(ctx context.Context, from io.Reader, o Options) (Report, error) {
	var report Report
	if o.Made.IsZero() {
		o.Made = r.config.Now()
	}
	if o.Made.Sub(r.config.Now()) > maxClockSkew {
		return report, fmt.Errorf("importing a feed: %w", ErrFeedTime)
	}
	feed, err := open(from, o.Format)
	if err != nil {
		return report, fmt.Errorf("importing a feed: %w", err)
	}
	err = r.update(ctx, func(c *change) error {
		if !o.Partial && o.Made.Before(c.ledger.Fed) {
			return ErrFeedOlder
		}
		if err := c.feed(ctx, feed, &report); err != nil {
			return err
		}
		if !o.Partial {
			c.ledger.Fed = o.Made.UTC()
			c.ledger.Feeds++
		}
		return nil
	})
	if err != nil {
		return report, fmt.Errorf("importing a feed: %w", err)
	}
	return report, nil
}

func (c *change) feed(ctx context.Context, feed rows, report *Report) error {
	seen := map[digest]bool{}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec, line, err := feed.next()
		if errors.Is(err, io.EOF) {
			break
		}
		defect, bad := errors.AsType[*Defect](err)
		if err != nil && !bad {
			return err
		}
		if report.Rows++; report.Rows > MaxFeedRows {
			return ErrFeedTooLarge
		}
		if !bad {
			defect = rec.check()
		}
		if defect == nil {
			ref := c.r.keys.digest(forRef, rec.Ref)
			if seen[ref] {
				defect = &Defect{"/ref", DuplicateRef}
			}
			seen[ref] = true
		}
		if defect != nil {
			report.bad(line, defect)
			continue
		}
		if report.BadRows > 0 {
			continue // nothing will be taken: only read on for the report
		}
		_, what, err := c.record(ctx, &rec)
		if err != nil {
			return err
		}
		report.count(what)
	}
	if report.BadRows > 0 {
		*report = Report{Rows: report.Rows, BadRows: report.BadRows, Bad: report.Bad}
		return ErrBadRows
	}
	return nil
}

func (r *Report) bad(line int, d *Defect) {
	r.BadRows++
	if len(r.Bad) < maxReported {
		r.Bad = append(r.Bad, BadRow{line, d.Member, d.Reason})
	}
}

func (r *Report) count(what outcome) {
	switch what {
	case added:
		r.Added++
	case updated:
		r.Updated++
	case unchanged:
		r.Unchanged++
	case older:
		r.Older++
	case deleted:
		r.Deleted++
	}
}

// open finds out how a feed is written.
func open(from io.Reader, f Format) (rows, error) {
	in := bufio.NewReaderSize(&bounded{from: from, left: MaxFeedBytes}, 64<<10)
	if bom, err := in.Peek(3); err == nil && bytes.Equal(bom, []byte("\xef\xbb\xbf")) {
		in.Discard(3)
	}
	if f == ByContent {
		f = CSV
		if first, err := in.Peek(1); err != nil || first[0] == '{' || first[0] == '\n' || first[0] == '\r' || first[0] == ' ' {
			f = JSONLines
		}
	}
	switch f {
	case JSONLines:
		return &jsonLines{in: in}, nil
	case CSV:
		return newCSV(in)
	}
	return nil, fmt.Errorf("unknown format of a feed")
}

// bounded fails where a feed goes beyond the limit: what is cut off must not look whole.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrFeedTooLarge
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// jsonLines reads one JSON object a line.
type jsonLines struct {
	in   *bufio.Reader
	line int
}

func (j *jsonLines) next() (Record, int, error) {
	for {
		if j.line++; j.line > maxFeedLines {
			return Record{}, j.line, ErrFeedTooLarge
		}
		text, err := j.readLine()
		if err != nil {
			return Record{}, j.line, err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		rec, err := decodeRecord(text)
		return rec, j.line, err
	}
}

func (j *jsonLines) readLine() ([]byte, error) {
	var line []byte
	long := false
	for {
		piece, err := j.in.ReadSlice('\n')
		if !long {
			line = append(line, piece...)
			long = len(line) > MaxRowBytes
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil, errors.Is(err, io.EOF) && (len(line) > 0 || long):
			if long {
				return nil, &Defect{"", TooLong}
			}
			return line, nil
		default:
			return nil, err
		}
	}
}

// decodeRecord reads one row of JSON, and nothing that two readers could read differently.
func decodeRecord(text []byte) (Record, error) {
	var rec Record
	err := schemas.Decode(text, &rec, schemas.Limits{Bytes: MaxRowBytes, Depth: 8})
	if err == nil {
		return rec, nil
	}
	refused, ok := errors.AsType[*schemas.DecodeError](err)
	if !ok {
		return Record{}, &Defect{"", NotReadable}
	}
	reason := NotReadable
	switch refused.Rule {
	case schemas.RuleTooLarge, schemas.RuleTooDeep:
		reason = TooLong
	case schemas.RuleDuplicateName, schemas.RuleCaseVariant:
		reason = DuplicateMember
	case schemas.RuleUnknownMember:
		reason = UnknownMember
	case schemas.RuleMismatch, schemas.RuleNumberRange:
		reason = WrongForm
	}
	return Record{}, &Defect{refused.Pointer, reason}
}
