// Package schemas is the vocabulary of Comity: the names of States, authorities, cases, messages, channels and
// message types; the one strict JSON decoder; and the JSON Schemas of what authorities send each other.
//
// It trusts nothing: every constructor here parses text that came from elsewhere and refuses what is not in its
// exact form. It imports no other package of the program, does no I/O and knows no clock and no key.
//
// It must never put a value that it refused into an error: a draft holds names of people, and errors are logged.
// Errors name the place (a JSON pointer) and the rule.
package schemas
