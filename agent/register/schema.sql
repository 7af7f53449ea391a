-- Nothing in this file is in the clear but random ids, keyed hashes of references and the number of rows.

CREATE TABLE meta (
  name  TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL               -- (sealed)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
  id     TEXT NOT NULL PRIMARY KEY, -- random
  ref    BLOB NOT NULL UNIQUE,      -- keyed hash of the feed's reference, or of a label's person
  codes  BLOB NOT NULL,             -- (sealed) keyed hashes and encodings of names and documents, birth date
  record BLOB NOT NULL              -- (sealed) status, States, links, consents
) STRICT;

-- "Not the same person": one decision of two officers on one identity and one entry.
CREATE TABLE distinction (
  entry    TEXT NOT NULL,
  person   BLOB NOT NULL,           -- keyed hash of the identity
  decision BLOB NOT NULL,           -- (sealed) by whom, when, on which content of the entry
  PRIMARY KEY (entry, person)
) STRICT, WITHOUT ROWID;
