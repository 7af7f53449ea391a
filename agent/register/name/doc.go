// Package name folds the names of persons, in whatever script they are written, to words that can be compared: the letters in
// the Latin alphabet, and keys of the consonants that survive most transliterations.
//
// It trusts its tables and nothing of its input, which may be any bytes. It must never keep a name: every function is pure, and
// nothing here logs, stores or returns an error that could quote one.
package name
