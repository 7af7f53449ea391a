package scan

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// misbehave makes a child do what a parser does that was fed the wrong file.
const misbehave = "misbehave="

// TestMain lets the test binary be the child process that extracts, and one that fails to.
func TestMain(m *testing.M) {
	if os.Getenv(ChildVariable) == "" {
		os.Exit(m.Run())
	}
	for _, arg := range os.Args[1:] {
		if how, found := strings.CutPrefix(arg, misbehave); found {
			fail(how)
		}
	}
	if err := Extract(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// blownUp is what a child holds that takes memory until there is none.
var blownUp [][]byte

func fail(how string) {
	switch how {
	case "panic":
		panic("a parser failed")
	case "hang":
		<-time.After(time.Hour)
	case "memory":
		limitSelf()
		for {
			blownUp = append(blownUp, make([]byte, 64<<20))
		}
	case "nonsense":
		fmt.Println(`{"text":"half an ans`)
	case "reason":
		fmt.Println(`{"text":"all clear","unread":["all-is-well"]}`)
	case "nothing":
	case "flood":
		for {
			if _, err := os.Stdout.WriteString(strings.Repeat("x", 1<<16)); err != nil {
				os.Exit(1)
			}
		}
	}
	os.Exit(0)
}

// newExtracting is a scanner whose child is this test binary.
func newExtracting(t testing.TB, args ...string) *Scanner {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Extractor: append([]string{self}, args...), ExtractTime: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newReading is a scanner that reads attachments without a child, for the many cases that are about the readers.
func newReading(t testing.TB) *Scanner {
	t.Helper()
	s := newScanner(t)
	s.inProcess = true
	return s
}
