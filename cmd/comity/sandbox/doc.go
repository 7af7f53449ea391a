// Package sandbox makes and runs a whole scheme on one machine: States with the user-assigned codes QM to QZ, their CAs,
// authorities and people, a broker, and the published trust documents, all in one folder.
//
// What it writes is what a real scheme writes, in the same files and by the same code; only that everything lies in one
// place and one person holds every key. It trusts the person who runs it. It must never take a real State's code, write
// into a folder that holds something else, or leave a private key that others can read.
package sandbox
