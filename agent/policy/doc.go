// Package policy decides, before anything is sealed, whether a message may go to a recipient (DESIGN section 7, DOMAIN
// section 4), and proves a decision to allow with a [Clearance], without which agent/envelope seals nothing.
//
// Facts are gathered in Go, rules are written in Cedar (rules/*.cedar) so that a lawyer can read each with its legal
// source; RULES.md lists them all. The main path is [Engine.Decide]:
//
//  1. read the very bytes that would be sealed, as far as they can be read (letter.go): what breaks its schema is looked
//     at as well, and both is told;
//  2. find the persons whom it is about and their origin sets (person.go), ask the scanner what the words say
//     (content.go) and the register who is protected (standing.go), look at open questions (question.go), and add what
//     each [Source] knows;
//  3. check the facts against the Cedar schema (query.go): a missing or wrongly typed fact blocks;
//  4. ask every rule about the message, and about each person as each entry of the register shows them: default deny, a
//     forbid wins, block outranks invalid, invalid outranks hold, and any evaluation error blocks, because Cedar itself
//     skips a forbid that errors;
//  5. let a hold go that two protection officers released, exactly as it was decided (decision.go);
//  6. on allow only, make a Clearance for these bytes, this pair and this minute (clearance.go).
//
// Cedar has no quantifiers; asking once for each person is how "a subject" is said, and how a decision knows for whom a
// rule spoke. Only an equal document number, the message's own content and the gate record block; likeness holds. What
// register or scanner do not say in time is unknown, and unknown holds.
//
// [Screen] is the other direction: the one question asked of what arrives, without the register.
//
// It trusts the directory view that it is handed (pki has verified it), the register, what the authority recorded at home,
// and the rules compiled into it. A State may add forbids ([Config].Extra) and never a permit. It does not trust the payload.
//
// It must never see a private key, and it puts no value from a payload into an error or a decision: decisions are
// recorded, and what a protection officer may read is more than what an error log may hold.
package policy
