package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"comity/agent/scan"
)

const (
	lineLimit  = 16 << 20 // bytes of one line of --jsonl
	batchLines = 256      // lines that one worker takes at once
)

// badLine is the reason for which a line of --jsonl is held unread.
const badLine scan.Reason = "bad-line"

// batch is some lines in a row with their answers, which are there once done is closed.
type batch struct {
	lines   [][]byte
	answers [][]byte
	bad     int
	done    chan struct{}
}

// scanLines answers lines in order while several batches are read at once:
//
//  1. one goroutine reads lines into batches, and hands each to the workers and, in order, to the writer;
//  2. one worker a processor scans;
//  3. the writer waits for each batch in turn.
//
// A failure of one ends them all.
func scanLines(cmd *cobra.Command, scanner *scan.Scanner, files []string) error {
	readers, closeAll, err := openAll(files, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer closeAll()
	group, ctx := errgroup.WithContext(cmd.Context())
	work, inOrder := make(chan *batch), make(chan *batch, 4*runtime.GOMAXPROCS(0))
	bad := 0
	group.Go(func() error {
		defer close(work)
		defer close(inOrder)
		return readBatches(ctx, io.MultiReader(readers...), work, inOrder)
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for b := range work {
				b.scan(ctx, scanner)
			}
			return nil
		})
	}
	group.Go(func() error {
		out := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
		for b := range inOrder {
			select {
			case <-b.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			for _, answer := range b.answers {
				out.Write(answer)
				out.WriteByte('\n')
			}
			bad += b.bad
		}
		if err := out.Flush(); err != nil {
			return fmt.Errorf("writing answers: %w", err)
		}
		return nil
	})
	err = group.Wait()
	if bad > 0 {
		err = errors.Join(err, fmt.Errorf("%d lines could not be read", bad))
	}
	return err
}

// readBatches hands every batch first to the writer, so that the order stands, and then to the workers.
func readBatches(ctx context.Context, in io.Reader, work, inOrder chan<- *batch) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<16), lineLimit)
	next := &batch{done: make(chan struct{})}
	hand := func() error {
		for _, to := range []chan<- *batch{inOrder, work} {
			select {
			case to <- next:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		next = &batch{done: make(chan struct{})}
		return nil
	}
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		next.lines = append(next.lines, append([]byte(nil), lines.Bytes()...))
		if len(next.lines) == batchLines {
			if err := hand(); err != nil {
				return err
			}
		}
	}
	if err := hand(); err != nil {
		return err
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading lines: %w", err)
	}
	return nil
}

func (b *batch) scan(ctx context.Context, scanner *scan.Scanner) {
	defer close(b.done)
	for _, line := range b.lines {
		answer, ok := scanLine(ctx, scanner, line)
		if !ok {
			b.bad++
		}
		b.answers = append(b.answers, answer)
	}
}

// scanLine answers one line. A line that is not as it should be is held.
func scanLine(ctx context.Context, scanner *scan.Scanner, line []byte) (answer []byte, ok bool) {
	var asked struct {
		ID   jsontext.Value `json:"id"`
		Text string         `json:"text"`
	}
	result := scannedText{ID: jsontext.Value("null"), Verdict: scan.Hold, Hits: []scannedHit{}, Unscannable: []scan.Reason{badLine}}
	if err := json.Unmarshal(line, &asked); err == nil {
		if asked.ID == nil {
			asked.ID = result.ID
		}
		report, err := scanner.Scan(ctx, scan.Input{Fields: []scan.Field{{Text: asked.Text}}})
		if err == nil {
			result, ok = scanned(report), true
		}
		result.ID = asked.ID
	}
	answer, err := json.Marshal(result)
	if err != nil {
		return []byte(`{"id":null,"verdict":"hold","language":"","covered":false,"hits":[]}`), false
	}
	return answer, ok
}

// openAll opens every file, or stands for them with standard input.
func openAll(files []string, in io.Reader) ([]io.Reader, func(), error) {
	if len(files) == 0 {
		return []io.Reader{in}, func() {}, nil
	}
	var readers []io.Reader
	var open []*os.File
	closeAll := func() {
		for _, f := range open {
			f.Close()
		}
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			closeAll()
			return nil, nil, fmt.Errorf("opening lines to scan: %w", err)
		}
		open, readers = append(open, f), append(readers, f)
	}
	return readers, closeAll, nil
}
