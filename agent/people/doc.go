// Package people knows the staff of one authority: who they are, what their roles let them do, and how they prove, command
// by command, that it is they who act.
//
// A person's credential is a private key in a file of their own and a self-issued certificate that the agent's
// configuration lists with their roles. Every command to the agent is signed with it (a JWS of its own type), bound to the
// authority, the method, the target and the exact body, and used once. The signature under an approval is kept with the
// message, so that four eyes can be shown later and not merely asserted by the database.
//
// It trusts the agent's configuration for who holds which role. It must never see a payload: a command names its body by
// hash.
package people
