// Package account logs the staff of one authority in to its agent's console and API: accounts with passwords and passkeys,
// sessions, and the one guard that stands before every page and every route.
//
// A person is one person by whatever door: an account bears the name by which agent/people knows them, so four eyes stay two
// people. Who is listed in agent.toml has the roles written there and no others; who is not has those of the account. What a
// role allows is decided in agent/people alone. Passwords are kept as slow hashes in the agent's own database (agent/store),
// where backups find them and where a change of an account commits together with its leaf in the home log; sessions are kept
// in memory, by the hash of their cookie: a backup holds none, and a restart ends them all.
//
// It trusts agent.toml, the agent's database, the operating system's randomness, and the browser of whoever logged in. It
// must never see a payload, log or answer a name that somebody typed, or let an answer, its time or its text tell whether an
// account exists.
package account
