// Package bench measures how many messages go from the seal of one desk to the verified signed receipt of another, and how
// long each takes, on the machine on which it runs. Beside them, in the same run and on the same disk, it measures the
// ceilings: what the broker's log, the cryptography and the database could do if there were nothing else. A figure means
// little without its ceilings, because disks and neighbours differ; the ratio of the two means something everywhere.
//
// It runs what a State runs, with the settings that keep promises: every commit and every stored message is synced, the
// links are TLS, each payload is validated at both ends, each message is approved by a second person and decided on by the
// rules with the scanner and a register of a thousand invented people. Two things differ: approved messages leave at once
// and not at ticks, and the broker's quotas are out of the way. People's commands are handed to the agent behind its
// socket, whose limit is a hundred a second.
//
// It trusts the machine's clock. It must never run in a folder that holds anything else, nor use any person but invented
// ones; and it must never report a message as delivered that the recipient does not hold.
package bench
