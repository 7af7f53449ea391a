// Package backup is the file that an authority's databases are kept in elsewhere: an age file around a tar archive of a
// manifest and the parts that it names, so that age and tar can take it apart without this program.
//
//	backup.age = age( manifest.json, agent.db, register.db, trust/… )
//
// What is written here is read back only if every part has the length and the hash of the manifest, and nothing else is in
// the archive. It trusts the manifest because age authenticates the whole stream; it does not trust names: they are of a
// closed form, and land in the folder that the caller gives or nowhere.
//
// Files of evidence (agent/evidence) are not in it yet, only the rows that speak of them.
//
// It must never be given a private key to write. The keys of store and register are kept apart from what they open, and the
// register's above all: whoever has both can guess names one by one.
package backup
