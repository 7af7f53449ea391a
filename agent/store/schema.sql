-- Times are milliseconds since 1970 UTC. Columns marked (sealed) are encrypted by Columns. 0 and '' mean "not yet".

-- One row for each message of either direction. A draft with several recipients is several messages from the start.
CREATE TABLE message (
  sender         TEXT    NOT NULL,
  id             TEXT    NOT NULL,
  recipient      TEXT    NOT NULL,
  direction      TEXT    NOT NULL CHECK (direction IN ('out', 'in')),
  state          TEXT    NOT NULL,
  reason         TEXT    NOT NULL DEFAULT '',  -- of a rejection, closed set
  channel        TEXT    NOT NULL,
  type           TEXT    NOT NULL,
  case_id        TEXT    NOT NULL DEFAULT '',
  in_reply_to    TEXT    NOT NULL DEFAULT '',
  team           TEXT    NOT NULL DEFAULT '',  -- of an item of a joint investigation team: which team
  outcome        TEXT    NOT NULL DEFAULT '',  -- what of the body moves the case (lifecycle.Essence)
  urgency        TEXT    NOT NULL,
  language       TEXT    NOT NULL DEFAULT '',
  payload_sha256 BLOB    NOT NULL,
  screening      TEXT    NOT NULL DEFAULT '' CHECK (screening IN ('', 'pending', 'clearing', 'clear', 'quarantining', 'quarantined')), -- of an incoming one
  drafted_at     INTEGER NOT NULL DEFAULT 0,
  approved_by    TEXT    NOT NULL DEFAULT '',
  approved_at    INTEGER NOT NULL DEFAULT 0,
  approval       BLOB,                         -- the approver's signed command
  seq            INTEGER NOT NULL DEFAULT 0,   -- the number in its pair and direction; 0 until sealed
  paper          INTEGER NOT NULL DEFAULT 0,   -- of a message on paper: its place behind what went between the two before; it has no number
  seen           INTEGER NOT NULL DEFAULT 0,
  prev           BLOB,
  jws_sha256     BLOB,
  void_id        TEXT    NOT NULL DEFAULT '',  -- of the void that closes the number; the wire kept is then the void's
  void_sha256    BLOB,
  sent_at        INTEGER NOT NULL DEFAULT 0,
  valid_until    INTEGER NOT NULL DEFAULT 0,
  sealed_at      INTEGER NOT NULL DEFAULT 0,   -- by our clock, to the millisecond
  stored_at      INTEGER NOT NULL DEFAULT 0,   -- at the recipient, by its signed receipt
  receipted_at   INTEGER NOT NULL DEFAULT 0,   -- when that receipt reached us, by our clock
  warned         INTEGER NOT NULL DEFAULT 0,   -- how often an officer was warned that it is late
  receipt        BLOB,                         -- the signed receipt (JWS), ours or the peer's
  acceptance     BLOB,                         -- the broker's signed acceptance (JWS)
  searchable     INTEGER NOT NULL DEFAULT 0,   -- the block of the index of words that has it; 0 for none
  PRIMARY KEY (sender, id)
) STRICT;
CREATE UNIQUE INDEX message_number ON message (sender, recipient, seq) WHERE seq > 0;
CREATE UNIQUE INDEX message_paper ON message (sender, recipient, paper) WHERE paper > 0;
CREATE INDEX message_id    ON message (id);
CREATE INDEX message_case  ON message (case_id, sender) WHERE case_id <> '';
CREATE INDEX message_team  ON message (team) WHERE team <> '';
CREATE INDEX message_state ON message (direction, state, urgency);
CREATE INDEX message_valid ON message (valid_until) WHERE direction = 'out' AND state = 'sent';
CREATE INDEX message_waiting ON message (warned, sealed_at) WHERE direction = 'out' AND state = 'sent';
CREATE INDEX message_unsearchable ON message (searchable) WHERE searchable = 0 AND state IN ('sent', 'delivered', 'received', 'dispatched') AND screening IN ('', 'clear');
CREATE INDEX message_screening ON message (screening) WHERE screening = 'pending';
CREATE INDEX message_labels ON message (screening) WHERE screening IN ('clearing', 'quarantining');

-- What a message says, and what was recorded beside it. In a table of its own, as the sealed form is: SQLite writes a row whole,
-- and a message changes its state several times.
CREATE TABLE message_text (
  sender  TEXT NOT NULL,
  id      TEXT NOT NULL,
  payload BLOB,                                -- (sealed) NULL once it is erased
  home    BLOB,                                -- (sealed) what was recorded beside a draft, such as the gates; never sent
  PRIMARY KEY (sender, id),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;

-- Of a message that was sealed or received: what was signed, and the envelope as sent, to be sent again unchanged. Most of the
-- bytes of a message, in a table of their own: they are written once, and a message changes its state several times.
CREATE TABLE sealed_form (
  sender TEXT NOT NULL,
  id     TEXT NOT NULL,
  jws    BLOB,                                 -- (sealed)
  wire   BLOB,
  PRIMARY KEY (sender, id),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;

-- Of a message on paper, of either direction: nothing of it is signed, and this is all that is known of its way.
CREATE TABLE paper (
  sender       TEXT    NOT NULL,
  id           TEXT    NOT NULL,
  means        TEXT    NOT NULL,               -- closed set: how it was given away, or came
  person       TEXT    NOT NULL,               -- who printed or registered it
  at           INTEGER NOT NULL,
  letter       BLOB,                           -- (sealed) of ours, as it was printed; NULL once it is erased
  sha256       BLOB,                           -- of the letter
  dated        TEXT    NOT NULL DEFAULT '',    -- the day that the letter of a peer bears
  received_on  TEXT    NOT NULL DEFAULT '',    -- the day on which it came
  national_ref BLOB,                           -- (sealed) under which it is filed here
  PRIMARY KEY (sender, id),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;

-- Translations that were ordered, and of what was received the text itself. Of a draft of ours it is a file of the draft.
CREATE TABLE translation (
  id         TEXT    PRIMARY KEY,              -- of the order
  sender     TEXT    NOT NULL,
  message    TEXT    NOT NULL,
  language   TEXT    NOT NULL,
  certified  INTEGER NOT NULL,                 -- ordered so
  due_on     TEXT    NOT NULL,
  ordered_by TEXT    NOT NULL,
  ordered_at INTEGER NOT NULL,
  done_by    TEXT    NOT NULL DEFAULT '',
  done_at    INTEGER NOT NULL DEFAULT 0,
  media_type TEXT    NOT NULL DEFAULT '',
  sha256     BLOB,                             -- of the content
  content    BLOB,                             -- (sealed) NULL once it is erased
  FOREIGN KEY (sender, message) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX translation_open ON translation (due_on) WHERE done_at = 0;
CREATE INDEX translation_of ON translation (sender, message);

-- The index of words: which words the content of exchanged messages has. It can be lost: it is made anew from the messages.
CREATE TABLE search_block (
  n     INTEGER PRIMARY KEY,
  words BLOB    NOT NULL                       -- (sealed)
) STRICT;

-- Who wrote or changed a draft: none of them may approve it.
CREATE TABLE author (
  sender TEXT NOT NULL, id TEXT NOT NULL, person TEXT NOT NULL,
  PRIMARY KEY (sender, id, person),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;

-- Messages that left with one signature, and the second pair of eyes that read them afterwards.
CREATE TABLE second_look (
  sender TEXT NOT NULL, id TEXT NOT NULL, due_at INTEGER NOT NULL,
  person TEXT NOT NULL DEFAULT '', at INTEGER NOT NULL DEFAULT 0, proof BLOB,
  PRIMARY KEY (sender, id),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX second_look_due ON second_look (due_at) WHERE person = '';

-- Messages that policy stopped: the last decision, for protection officers only. finding is what they are told of it.
CREATE TABLE review (
  sender    TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  outcome   TEXT    NOT NULL CHECK (outcome IN ('hold', 'block')),
  digest    BLOB    NOT NULL,                  -- of the decision: a release covers exactly this one
  finding   BLOB    NOT NULL,                  -- (sealed)
  opened_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL DEFAULT 0,
  closing   TEXT    NOT NULL DEFAULT '' CHECK (closing IN ('', 'released', 'returned', 'blocked', 'discarded')),
  closed_by TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (sender, id),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_open ON review (opened_at) WHERE closed_at = 0;

-- Who released which decision: two of them let a held message go.
CREATE TABLE release (
  sender    TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  digest    BLOB    NOT NULL,
  person    TEXT    NOT NULL,
  necessity BLOB,                              -- (sealed) why the recipient needs it (ASY-07)
  at        INTEGER NOT NULL,
  proof     BLOB    NOT NULL,                  -- their signed command (JWS)
  PRIMARY KEY (sender, id, digest, person),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;

-- The file of a case that the rules do not let go to a reader as it is: one row a case and reader, with the last decision.
CREATE TABLE handout (
  id        TEXT    PRIMARY KEY,
  case_id   TEXT    NOT NULL,
  peer      TEXT    NOT NULL,
  reader    TEXT    NOT NULL,
  outcome   TEXT    NOT NULL CHECK (outcome IN ('hold', 'block')),
  digest    BLOB    NOT NULL,                  -- of the reader, every message in it, and what the rules say of each
  finding   BLOB    NOT NULL,                  -- (sealed)
  asked_by  TEXT    NOT NULL,
  opened_at INTEGER NOT NULL,
  closed_at INTEGER NOT NULL DEFAULT 0,
  closing   TEXT    NOT NULL DEFAULT '' CHECK (closing IN ('', 'released', 'returned', 'blocked', 'discarded')),
  closed_by TEXT    NOT NULL DEFAULT '',
  UNIQUE (case_id, peer, reader)
) STRICT, WITHOUT ROWID;
CREATE INDEX handout_open ON handout (opened_at) WHERE closed_at = 0;

-- Who released which decision about it: two of them let it go.
CREATE TABLE handout_word (
  handout   TEXT    NOT NULL REFERENCES handout (id),
  digest    BLOB    NOT NULL,
  person    TEXT    NOT NULL,
  necessity BLOB,                              -- (sealed) why the reader needs it (ASY-07)
  at        INTEGER NOT NULL,
  proof     BLOB    NOT NULL,                  -- their signed command (JWS)
  PRIMARY KEY (handout, digest, person)
) STRICT, WITHOUT ROWID;

-- The files of a draft, as they were attached: what was read of them, and what was taken out to make them neutral.
CREATE TABLE file (
  sender   TEXT NOT NULL,
  id       TEXT NOT NULL,
  name     TEXT NOT NULL,
  was      BLOB NOT NULL,                      -- SHA-256 as it was handed in
  became   BLOB NOT NULL,                      -- SHA-256 as it is attached
  reading  TEXT NOT NULL,                      -- closed set: clean, or why it waits for a person
  original BLOB,                               -- (sealed) the content as it was, where it is another now
  PRIMARY KEY (sender, id, name),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;

-- What the rules decided, for auditors: which rules and when, about a message that only a keyed hash names.
CREATE TABLE decision (
  n       INTEGER PRIMARY KEY,
  at      INTEGER NOT NULL,
  message BLOB    NOT NULL,                    -- keyed hash of its id, or of the bytes of a draft that was asked about
  what    TEXT    NOT NULL CHECK (what IN ('sent', 'stopped', 'asked')),
  outcome TEXT    NOT NULL,
  rules   TEXT    NOT NULL
) STRICT;

-- Files of evidence of either direction, which travel in chunks beside their messages (agent/evidence). The bytes are not here.
CREATE TABLE evidence (
  owner      TEXT    NOT NULL,                 -- who sends it
  id         TEXT    NOT NULL,                 -- drawn by the owner
  peer       TEXT    NOT NULL,
  case_id    TEXT    NOT NULL,
  message    TEXT    NOT NULL DEFAULT '',      -- of the owner's, the last that names it
  state      TEXT    NOT NULL CHECK (state IN ('ready', 'delivered', 'refused', 'fetching', 'complete', 'withheld', 'erased')),
  reason     TEXT    NOT NULL DEFAULT '',      -- of a refusal, closed set
  manifest   BLOB    NOT NULL,                 -- (sealed) schemas.EvidenceFile
  sha256     BLOB    NOT NULL,                 -- of the content
  reading    TEXT    NOT NULL DEFAULT '',      -- of ours, closed set: clean, or why it waits for a person
  original   BLOB,                             -- (sealed) of ours: the content as it was, where it was made neutral
  added_by   TEXT    NOT NULL DEFAULT '',
  added_at   INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  receipt    BLOB,                             -- the signed completion (JWS), ours or the peer's
  PRIMARY KEY (owner, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_case ON evidence (case_id);
CREATE INDEX evidence_state ON evidence (state);

-- What was done with a file of evidence here, by whom and when: its chain of custody at this desk.
CREATE TABLE custody (
  n      INTEGER PRIMARY KEY,
  owner  TEXT    NOT NULL,
  id     TEXT    NOT NULL,
  what   TEXT    NOT NULL,                     -- closed set: added, sent, delivered, received, opened, returned
  person TEXT    NOT NULL DEFAULT '',
  at     INTEGER NOT NULL,
  FOREIGN KEY (owner, id) REFERENCES evidence (owner, id)
) STRICT;
CREATE INDEX custody_file ON custody (owner, id);

-- By what a file is recognised when it is passed on: each message that was received or sent and each file in it, by hash.
CREATE TABLE item (
  sha256 BLOB NOT NULL,                        -- of the payload, or of a file before or after it was made neutral
  sender TEXT NOT NULL,
  id     TEXT NOT NULL,
  PRIMARY KEY (sha256, sender, id),
  FOREIGN KEY (sender, id) REFERENCES message (sender, id)
) STRICT, WITHOUT ROWID;

-- What a protection officer must look at. Nobody else is shown it, nor that there is any.
CREATE TABLE protection_alert (
  kind      TEXT    NOT NULL,                  -- closed set
  subject   TEXT    NOT NULL,                  -- an id of a message or case
  peer      TEXT    NOT NULL DEFAULT '',
  raised_at INTEGER NOT NULL,
  done_at   INTEGER NOT NULL DEFAULT 0,
  done_by   TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX protection_alert_open ON protection_alert (raised_at) WHERE done_at = 0;

-- The numbers exchanged with each peer.
CREATE TABLE pair (
  peer        TEXT    PRIMARY KEY,
  sent        INTEGER NOT NULL DEFAULT 0,  -- highest number used towards the peer
  sent_hash   BLOB,                        -- SHA-256 of the JWS that carried it
  received    INTEGER NOT NULL DEFAULT 0,  -- highest contiguous number received
  highest     INTEGER NOT NULL DEFAULT 0,  -- highest number received at all
  judged      INTEGER NOT NULL DEFAULT 0   -- numbers up to here have had their place in the case judged
) STRICT, WITHOUT ROWID;

-- Each number that a peer used towards us, whatever became of it.
CREATE TABLE arrival (
  peer       TEXT    NOT NULL,
  seq        INTEGER NOT NULL,
  id         TEXT    NOT NULL,
  jws_sha256 BLOB    NOT NULL,
  prev       BLOB,
  fate       TEXT    NOT NULL CHECK (fate IN ('stored', 'rejected', 'void')),
  receipt_id TEXT    NOT NULL,             -- of the envelope of the receipt
  receipt    BLOB    NOT NULL,             -- our signed receipt (JWS)
  wire       BLOB    NOT NULL,             -- the receipt as sealed: a duplicate gets it again
  PRIMARY KEY (peer, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX arrival_id ON arrival (peer, id);

-- Holes in a peer's numbers.
CREATE TABLE hole (
  peer       TEXT    NOT NULL,
  seq        INTEGER NOT NULL,
  channel    TEXT    NOT NULL,             -- of the message that showed the hole
  noticed_at INTEGER NOT NULL,
  asked_at   INTEGER NOT NULL DEFAULT 0,
  asked      INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (peer, seq)
) STRICT, WITHOUT ROWID;

-- What waits to be handed to the broker. A message or void stays until its signed receipt, the rest until accepted.
CREATE TABLE outbox (
  id          TEXT    PRIMARY KEY,         -- the envelope's own id
  kind        TEXT    NOT NULL CHECK (kind IN ('message', 'void', 'receipt', 'verdict', 'resend', 'breach', 'recall', 'standing', 'returned', 'want', 'completion')),
  lane        TEXT    NOT NULL CHECK (lane IN ('express', 'ordinary')),
  peer        TEXT    NOT NULL,
  channel     TEXT    NOT NULL,
  subject     TEXT    NOT NULL DEFAULT '', -- of a void: the id of the message it closes
  jws_sha256  BLOB    NOT NULL,
  seq         INTEGER NOT NULL DEFAULT 0,
  attempts    INTEGER NOT NULL DEFAULT 0,
  refused     TEXT    NOT NULL DEFAULT '', -- the broker's last refusal, closed set
  next_at     INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  sender      TEXT    NOT NULL DEFAULT '', -- of the message (subject) whose sealed form has the bytes; '' where they are here
  wire        BLOB    CHECK ((wire IS NULL) = (sender <> ''))
) STRICT;
-- It has all that is looked at to find what is due: rows are as large as a page.
CREATE INDEX outbox_next ON outbox (lane, next_at, kind, seq, id);

-- Where each case stands, derived from its messages, which are the truth.
CREATE TABLE casefile (
  id         TEXT    PRIMARY KEY,
  peer       TEXT    NOT NULL,
  channel    TEXT    NOT NULL,
  requesting TEXT    NOT NULL,
  requested  TEXT    NOT NULL,
  state      TEXT    NOT NULL,
  open       INTEGER NOT NULL,
  opened_at  INTEGER NOT NULL,
  changed_at INTEGER NOT NULL,
  look_at    INTEGER NOT NULL DEFAULT 0,   -- when something in it becomes due, or it ends, by time alone
  due_at     INTEGER NOT NULL DEFAULT 0,   -- the next day of its tasks, for lists: derived from them
  stored_at       INTEGER NOT NULL DEFAULT 0, -- the opening message, with the requested side by its receipt: times count from here
  acknowledged_at INTEGER NOT NULL DEFAULT 0, -- when the requested side first did so, by its signed time
  decided_at      INTEGER NOT NULL DEFAULT 0,
  executed_at     INTEGER NOT NULL DEFAULT 0,
  supplements     INTEGER NOT NULL DEFAULT 0, -- how often it was asked for what was missing
  late            INTEGER NOT NULL DEFAULT 0, -- something of it was or is overdue
  closed_at       INTEGER NOT NULL DEFAULT 0  -- the last thing in a case that is over, by our clock: the time for which it is kept counts from here
) STRICT, WITHOUT ROWID;
CREATE INDEX casefile_look ON casefile (look_at) WHERE look_at > 0;
CREATE INDEX casefile_due ON casefile (due_at = 0, due_at, id);
CREATE INDEX casefile_changed ON casefile (changed_at DESC, id);
CREATE INDEX casefile_opened ON casefile (opened_at DESC, id);
CREATE INDEX casefile_closed ON casefile (channel, closed_at) WHERE closed_at > 0;

-- Cases whose content is kept beyond its time, and why.
CREATE TABLE legal_hold (
  case_id TEXT    PRIMARY KEY,
  reason  TEXT    NOT NULL CHECK (reason IN ('litigation', 'appeal', 'inquiry', 'audit', 'data-subject-request', 'archive')),
  person  TEXT    NOT NULL,
  at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who confirmed that the content of a case goes: two of them, for exactly what stands there.
CREATE TABLE erasure_word (
  case_id TEXT    NOT NULL,
  digest  BLOB    NOT NULL,
  person  TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  proof   BLOB    NOT NULL,                -- their signed command (JWS)
  PRIMARY KEY (case_id, digest, person)
) STRICT, WITHOUT ROWID;

-- Cases whose content was erased at the end of its time. Hashes, numbers, receipts and the journal stay.
CREATE TABLE erasure (
  case_id TEXT    PRIMARY KEY,
  closed  INTEGER NOT NULL,                -- closed_at of the case then: what comes later is due again
  at      INTEGER NOT NULL,
  gone_at INTEGER NOT NULL DEFAULT 0       -- when nothing of it was left on the disk either
) STRICT, WITHOUT ROWID;
CREATE INDEX erasure_left ON erasure (at) WHERE gone_at = 0;

-- Which officer works on a case. It gives nobody a right.
CREATE TABLE assignment (
  case_id TEXT    PRIMARY KEY,
  person  TEXT    NOT NULL,
  at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX assignment_person ON assignment (person);

-- What is due in the cases and not done yet, here or at the peer: derived like the case file.
CREATE TABLE task (
  case_id TEXT    NOT NULL,
  kind    TEXT    NOT NULL,                -- closed set (agent/deadline)
  sender  TEXT    NOT NULL,                -- of the message that started it
  id      TEXT    NOT NULL,
  who     TEXT    NOT NULL,                -- performs
  waits   TEXT    NOT NULL,                -- waits for it
  due_at  INTEGER NOT NULL,                -- 0 while paused
  stage   TEXT    NOT NULL,
  PRIMARY KEY (case_id, kind, sender, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX task_due ON task (who, due_at);
CREATE INDEX task_kind ON task (kind);

-- What a person must look at.
CREATE TABLE alarm (
  kind       TEXT    NOT NULL,             -- closed set
  peer       TEXT    NOT NULL,
  subject    TEXT    NOT NULL,             -- a number or an id, never content
  raised_at  INTEGER NOT NULL,
  cleared_at INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (kind, peer, subject)
) STRICT, WITHOUT ROWID;

-- The logs of evidence (pki/journal), one row a leaf, committed with the rows that it speaks of.
CREATE TABLE journal (
  log    TEXT    NOT NULL,                 -- origin
  leaf   INTEGER NOT NULL,
  hashes BLOB    NOT NULL CHECK (length(hashes) > 0 AND length(hashes) % 32 = 0), -- of the leaf, then of each subtree that it fills
  root   BLOB    NOT NULL CHECK (length(root) = 32), -- of the log that ends with it
  at     INTEGER NOT NULL,
  PRIMARY KEY (log, leaf)
) STRICT, WITHOUT ROWID;

-- Published documents as they were when a message or receipt was proved by them, to show later what was known when.
CREATE TABLE trust_document (
  sha256   BLOB    PRIMARY KEY,
  kind     TEXT    NOT NULL CHECK (kind IN ('trust-list', 'entry', 'crl')),
  state    TEXT    NOT NULL DEFAULT '',    -- '' of a trust list
  issuer   TEXT    NOT NULL DEFAULT '',    -- of a revocation list: thumbprint of the CA
  content  BLOB    NOT NULL,
  taken_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX trust_document_taken ON trust_document (kind, state, taken_at);

-- What a peer's receipts have said of the log of what we sent it: the newest that fits our copy, and whatever did not.
CREATE TABLE witness (
  peer    TEXT    NOT NULL,
  finding TEXT    NOT NULL,                -- '' fits; else closed set
  size    INTEGER NOT NULL,
  root    BLOB    NOT NULL,
  said_at INTEGER NOT NULL,                -- the latest of all its receipts so far, by its clock
  receipt BLOB    NOT NULL,                -- its signed receipt (JWS)
  PRIMARY KEY (peer, finding)
) STRICT, WITHOUT ROWID;

-- What the database says about itself.
CREATE TABLE mark (
  name  TEXT NOT NULL PRIMARY KEY,         -- closed set (copy.go)
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- With whom this desk, restored from a backup, compares what it has (agent/recall.go).
CREATE TABLE recall (
  peer           TEXT    PRIMARY KEY,
  channel        TEXT    NOT NULL,         -- on which the peer is asked
  why            TEXT    NOT NULL CHECK (why IN ('restored', 'suspicion')),
  began_at       INTEGER NOT NULL,
  asked_at       INTEGER NOT NULL DEFAULT 0,
  asked          INTEGER NOT NULL DEFAULT 0, -- how often without an answer
  received_after INTEGER NOT NULL,         -- what the next question says
  sent_after     INTEGER NOT NULL,
  listed         INTEGER NOT NULL DEFAULT 0, -- the peer has named everything
  highest        INTEGER NOT NULL DEFAULT 0, -- of our numbers, by the peer's word
  done_at        INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Receipts that this desk gave and lost, for numbers of a peer that come again.
CREATE TABLE vouched (
  peer       TEXT    NOT NULL,
  seq        INTEGER NOT NULL,
  jws_sha256 BLOB    NOT NULL,             -- of what was receipted
  receipt    BLOB    NOT NULL,             -- our signed receipt (JWS)
  PRIMARY KEY (peer, seq)
) STRICT, WITHOUT ROWID;

-- Numbers that this desk used and lost, as far as a peer has given them back.
CREATE TABLE lost (
  peer       TEXT    NOT NULL,
  seq        INTEGER NOT NULL,
  known      INTEGER NOT NULL DEFAULT 0,   -- the peer has named it
  returned   INTEGER NOT NULL DEFAULT 0,   -- it says that the message itself comes back
  id         TEXT    NOT NULL DEFAULT '',
  jws_sha256 BLOB,
  prev       BLOB,
  receipt    BLOB,                         -- the peer's (JWS)
  jws        BLOB,                         -- (sealed) our signed message, once it is back
  PRIMARY KEY (peer, seq)
) STRICT, WITHOUT ROWID;

-- Who of the staff may log in (agent/account). Sessions stand in no file.
CREATE TABLE account (
  name       TEXT    PRIMARY KEY,
  roles      TEXT    NOT NULL DEFAULT '',  -- separated by spaces; '' of a person whom agent.toml lists with theirs
  password   BLOB    NOT NULL,             -- (sealed) its slow hash, with the parameters
  one_time   INTEGER NOT NULL DEFAULT 0,   -- the password was made by the agent and must be changed
  locked     INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The passkeys of an account.
CREATE TABLE passkey (
  id       BLOB    PRIMARY KEY,            -- as the authenticator names it
  person   TEXT    NOT NULL REFERENCES account (name),
  record   BLOB    NOT NULL,               -- (sealed) public key, counter and flags
  added_at INTEGER NOT NULL,
  used_at  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_person ON passkey (person);

-- National case systems that use the API.
CREATE TABLE client (
  name       TEXT    PRIMARY KEY,
  role       TEXT    NOT NULL,
  token      BLOB    NOT NULL UNIQUE CHECK (length(token) = 32), -- SHA-256 of the bearer token
  created_at INTEGER NOT NULL,
  ended_at   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Where a client is told that something changed.
CREATE TABLE webhook (
  id         TEXT    PRIMARY KEY,
  client     TEXT    NOT NULL REFERENCES client (name),
  url        TEXT    NOT NULL,
  secret     BLOB    NOT NULL,             -- (sealed) of the signature (HMAC)
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was asked for under an idempotency key (agent/api), for a day.
CREATE TABLE attempt (
  caller  TEXT    NOT NULL,
  key     BLOB    NOT NULL,                -- SHA-256 of the key
  request BLOB    NOT NULL,                -- SHA-256 of what was asked
  at      INTEGER NOT NULL,
  status  INTEGER NOT NULL DEFAULT 0,      -- of the answer; 0 while there is none
  answer  BLOB,                            -- (sealed)
  PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_at ON attempt (at);

-- Forms of the console that are not complete yet: nothing of them was checked, and nobody but their author sees them.
CREATE TABLE unfinished (
  id         TEXT    PRIMARY KEY,
  person     TEXT    NOT NULL,
  type       TEXT    NOT NULL,
  form       BLOB    NOT NULL,             -- (sealed) the draft as far as it goes
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unfinished_person ON unfinished (person, changed_at);

-- Who is away, and who has their roles meanwhile.
CREATE TABLE absence (
  person  TEXT    PRIMARY KEY,
  deputy  TEXT    NOT NULL,
  from_at INTEGER NOT NULL,
  to_at   INTEGER NOT NULL                 -- the first moment after it
) STRICT, WITHOUT ROWID;
