package main

import (
	"os"

	"github.com/spf13/cobra"

	"comity/agent/scan"
)

// extractCommand is what the scanner starts as a child process to read an attachment. People never call it.
func extractCommand() *cobra.Command {
	return &cobra.Command{
		Use:    extractName,
		Short:  "Read one attachment, as the scanner sends it",
		Hidden: true,
		Args:   arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return scan.Extract(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

const extractName = "extract-attachment"

// extractor is the command line that starts this program as that child.
func extractor() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []string{self, extractName}, nil
}
