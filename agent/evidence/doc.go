// Package evidence keeps files of any size on their way between two desks: sealed once into a spool file, cut into chunks
// that prove themselves against a signed manifest, put together again chunk by chunk, and opened only whole.
//
// The life of a file. The same numbers stand in the code, here and in package agent.
//
//  1. Add: the file streams into the spool, hashed and counted on the way, and must be what was announced. What the scanner
//     can read is scanned and made neutral first; a certified original keeps every byte.
//  2. Seal: padded to the Padmé size and encrypted with age, once, for the P-256 keys in the encryption certificates of the
//     peer and of ourselves (key.go). age's post-quantum hybrid recipients could take their place once the directory names
//     one for each desk; it does not yet. The ciphertext is cut into chunks of schemas.ChunkBytes, and the leaves of an
//     RFC 6962 tree over them are kept beside it (tree.go).
//  3. Manifest: name, media type, size, SHA-256, sealed size, root, custody. It stands in the payload of a message, is
//     approved, decided on and signed with it. Every decision reads the file again as far as a scanner can; what it cannot
//     read, and what is too large to be scanned, waits for two protection officers.
//  4. Want: once the message is stored, the recipient asks for the chunks that it lacks, in a signed control message. The
//     sender keeps no state of a transfer: a want is a job in memory, and lost jobs are asked for again.
//  5. Chunk: read from the spool, with its proof, through the sender's own ingress and the recipient's own stream in the
//     broker. No chunk is read before the sender's store says that the message which names the file was cleared, sealed
//     and committed, for exactly this recipient.
//  6. Keep: a chunk is held against the root of the signed manifest before a byte of it is written; then the data is synced,
//     then the bitmap. Order means nothing; a second copy is nothing new.
//  7. Open: with the last chunk the whole is decrypted once and must have the size and the SHA-256 of the manifest. Until then
//     nobody can open it. A large file is opened behind its chunks while they arrive (ahead.go). A signed completion tells the
//     sender, which is another thing than the receipt of the message.
//
// What can be lost: the broker holds chunks in memory only, a window of them for each pair; whatever is killed, the bitmap
// says what is missing and the next want asks for it. What is on two disks at once is the sealed file of the sender and that
// of the recipient, never one of the broker's.
//
// The package trusts its own folder, the manifest that it is handed (the caller has verified the signature) and the keys. It
// trusts no chunk, whoever brought it, and no length that a chunk claims. It knows no message, no policy and no peer. It must
// never show a byte of a file that is not whole, and must never put the name or the content of a file into an error or a
// path: files are named by their drawn identifiers.
package evidence
