package main

import "github.com/spf13/cobra"

func policyCommand() *cobra.Command {
	return group("policy", "What the asylum firewall reads and decides", policyCheckCommand(), policyExplainCommand(), policyDecisionsCommand(), policyScanCommand())
}
