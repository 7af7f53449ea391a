// Package linktest holds the tests of agent/link against a real broker. They stand under cmd because neither side may
// import the other, not even in tests.
package linktest
