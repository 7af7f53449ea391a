// Package webtest plays whole days at the consoles of a sandbox that runs in this process: with plain forms and no script, and in
// a real browser. It holds tests alone.
package webtest
