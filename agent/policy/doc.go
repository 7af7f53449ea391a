// Package policy decides, before anything is sealed, whether a message may go to a recipient (DESIGN section 7), and
// proves a decision to allow with a [Clearance], without which agent/envelope seals nothing.
//
// Facts are gathered in Go, rules are written in Cedar (rules/*.cedar) so that a lawyer can read each with its legal
// source. The main path is [Engine.Decide]:
//
//  1. read the facts from the very bytes that would be sealed, and from the directory: never from what a caller says
//     about them;
//  2. add what each [Source] knows (a register, a scanner);
//  3. check the facts against the Cedar schema: a missing or wrongly typed fact blocks;
//  4. evaluate every rule: default deny, a forbid wins, block outranks hold, and any evaluation error blocks, because
//     Cedar itself skips a forbid that errors;
//  5. on allow only, make a Clearance for these bytes, this pair and this minute.
//
// It trusts the directory view that it is handed (pki has verified it) and the rules compiled into it. A State may add
// forbids ([Config].Extra) and never a permit. It does not trust the payload.
//
// It must never see a private key, and it puts no value from a payload into an error or a decision: decisions are
// recorded, and what a protection officer may read is more than what an error log may hold.
package policy
