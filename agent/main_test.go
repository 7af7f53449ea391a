package agent

import (
	"fmt"
	"os"
	"testing"

	"comity/agent/scan"
)

// TestMain lets the test binary be the child process that reads attachments.
func TestMain(m *testing.M) {
	if os.Getenv(scan.ChildVariable) != "" {
		if err := scan.Extract(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
