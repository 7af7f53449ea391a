// Package linktest holds the tests of agent/link against a real broker. They stand under cmd because neither side may
// import the other, not even in tests. It holds no code: there is nothing that it trusts, and it must never hold any.
package linktest
