// Package register is the protection register: which persons must be kept from which States, found by keyed look-up, so that
// the rules of agent/policy can ask before anything leaves (DESIGN section 7, DOMAIN section 4).
//
// A look-up takes these steps:
//
//  1. Bound it: a question that is too large is an error, never half an answer (look.go).
//  2. See that the file is still the one that was opened and checked (register.go).
//  3. Persons: document numbers, then names and birth dates against the encodings in memory (person.go).
//  4. Texts: document numbers, then windows of two to five words (text.go).
//  5. Household: who is linked to a protected person is protected, unless cleared (household.go).
//  6. Decisions of two officers that a person is not the one registered (distinct.go).
//
// It trusts the key file to be read by its owner alone, and the asylum authority that makes the feed; the database file is
// trusted with nothing: encodings and records are sealed in it, and each load proves that no row was changed, added or taken
// away. With the key, names can be guessed one by one: the key is the register.
//
// It must never hold a clear name: what comes in is folded, hashed and forgotten. It must never guess: a file that is missing,
// locked, damaged or of another key is an error, and the caller then says "unknown", which holds. An error, a log or a report
// of an import must never hold a value of a row.
package register
