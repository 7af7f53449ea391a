// Package team says how a joint investigation team stands, which is a group without a group key (UNTOC art. 19). It is
// pure: no clock, no I/O, no key. A team has several members and a case has two, so each pair of members has a case of its
// own, and each item of the team travels once to each recipient, with the same body: which team it belongs to, which
// item it is, and who else is sent it, its audience.
//
// It trusts the agent for this: that each item was signed by its author and passed schemas.Validate. It does not trust the
// author beyond that. An author who sends two members different items under one name can be proved a liar, since both
// copies are signed, and is not found out here. It must never see what an item says: an Item holds who, to whom, which, and
// what of it the team decides by.
//
// # How a set of items becomes a team
//
// The set has no order: there is none that all members could know. So nothing here asks what came first.
//
//  1. The agreement in force is the latest text that all of its parties signed. A text is named by its SHA-256.
//  2. What the leaders decide is decided once all of them have sent the same decision to the same audience. The audience is
//     the membership on which the decision rests, so a decision that leaves a member out is none.
//  3. Removal is decided before accession. Of the two crossing, removal stands at once. The newcomer was promised a member
//     who has left and was not told: it has not joined until the leaders send it the removal as well.
//  4. An extension counts if all of it was agreed on days when the team had not expired; the days are signed.
//
// A newcomer is sent no history. What it must know of the past, the leaders say in their acceptance: who the members are,
// which agreement is in force, and its last day. From then on it derives the same team as the others.
package team
