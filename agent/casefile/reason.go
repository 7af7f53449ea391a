package casefile

// Reason is what is wrong with a file of a case. The set is closed.
type Reason string

// The reasons.
const (
	ArchiveUnreadable   Reason = "archive-unreadable"   // no zip, or one beyond its bounds
	FileMissing         Reason = "file-missing"         // the statement names a file that is not there
	FileUnknown         Reason = "file-unknown"         // a file that the statement does not name
	FileChanged         Reason = "file-changed"         // not the bytes that the statement names
	StatementUnreadable Reason = "statement-unreadable" // no statement in its one form
	StatementSignature  Reason = "statement-signature"  // not signed by the exporter
	PinDiffers          Reason = "pin-differs"          // the file was made under other scheme signers than the reader's
	TrustRefused        Reason = "trust-refused"        // the documents of that time do not lead to the scheme's signers
	CertificateOther    Reason = "certificate-other"    // a certificate that no document of the file names
	NumberTwice         Reason = "number-twice"         // two messages under one number or id
	ChainBroken         Reason = "chain-broken"         // a number does not name the one before it
	MessageUnreadable   Reason = "message-unreadable"   // no signed message in its one form
	MessageSignature    Reason = "message-signature"    // its sender is not proved
	MessageOther        Reason = "message-other"        // it is another message than the statement says
	MessageInvalid      Reason = "message-invalid"      // its content breaks the schema of its type
	OtherCase           Reason = "other-case"           // it does not belong to the case
	ReceiptMissing      Reason = "receipt-missing"      // an outcome that no receipt proves
	ReceiptUnreadable   Reason = "receipt-unreadable"   // no signed receipt in its one form
	ReceiptSignature    Reason = "receipt-signature"    // its signer is not proved
	ReceiptOther        Reason = "receipt-other"        // it is about something else, or of somebody else
	OutcomeWrong        Reason = "outcome-wrong"        // the receipt says otherwise
	AcceptanceSignature Reason = "acceptance-signature" // no acceptance that a broker of the scheme has signed
	AcceptanceOther     Reason = "acceptance-other"     // it is about other bytes
	EnvelopeOther       Reason = "envelope-other"       // the envelope is not of this message
	ProofUnreadable     Reason = "proof-unreadable"     // no proof of the journal in its one form
	ProofSignature      Reason = "proof-signature"      // its checkpoint is not signed by the exporter
	NotInJournal        Reason = "not-in-journal"       // the proof does not lead from the message to the checkpoint
	EvidenceMissing     Reason = "evidence-missing"     // a signed message names a file of which the statement says nothing
	EvidenceUnnamed     Reason = "evidence-unnamed"     // a file that no proved message names
	EvidenceAltered     Reason = "evidence-altered"     // it has other bytes than the signed message says
	EvidenceLength      Reason = "evidence-length"      // it is shorter or longer than the signed message says
	EvidenceSwapped     Reason = "evidence-swapped"     // it is another file of the case
	EvidenceRenamed     Reason = "evidence-renamed"     // it is not called as its message calls it
	EvidenceTwice       Reason = "evidence-twice"       // one file in the place of two
	EvidenceReordered   Reason = "evidence-reordered"   // the files of a message in another order than it names them
	JournalContradicts  Reason = "journal-contradicts"  // a receipt knows another log than the checkpoint
)
