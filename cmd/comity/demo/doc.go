// Package demo shows the program at work: it makes a sandbox, runs its broker and agents in this process, and plays the
// stories of deploy/samples between two States, as their officers and approvers, over the agents' own sockets.
//
// It trusts nothing that it shows: after each step it reads the case from both authorities and holds them against each
// other and against the story, so that a demo that goes wrong says so. It must never look into a store or a key: it sees
// what the people of an authority see.
package demo
