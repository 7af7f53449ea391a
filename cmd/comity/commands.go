package main

import "github.com/spf13/cobra"

// subcommands are all commands of the program, in the order in which a newcomer meets them.
func subcommands() []*cobra.Command {
	return []*cobra.Command{
		demoCommand(), sandboxCommand(), brokerCommand(), agentCommand(),
		messageCommand(), letterCommand(), paperCommand(), translationCommand(), caseCommand(), retentionCommand(), searchCommand(), taskCommand(), schemaCommand(), policyCommand(), reviewCommand(), evidenceCommand(), registerCommand(), journalCommand(), verifyCommand(), indicatorsCommand(), userCommand(), clientCommand(), backupCommand(), restoreCommand(),
		doctorCommand(), benchCommand(), extractCommand(),
	}
}
