// Package store is the agent's own database: messages, cases, numbers, outbox, alarms and the hashes of evidence, in one
// SQLite file that no other process opens.
//
// It trusts the disk to keep what was synced and nothing else: WAL with synchronous=FULL, one writer, group commit. What
// people wrote (payloads, signed messages) is encrypted in its columns with a key that stands outside the file; routes,
// states, numbers, hashes and times are in the clear, because the agent must find its rows by them.
//
// It must never see a private key of the authority, and it knows no rule: which message may follow which, and whether one may
// leave at all, is decided by the packages above it. Rows are read and written inside Update and View only.
package store
