package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"time"

	"comity/agent/people"
	"comity/agent/store"
)

// CookieName is that of the session's cookie. The prefix has the browser keep it for this host alone, over TLS alone, whatever
// else runs on the machine (RFC 6265bis section 4.1.3.2).
const CookieName = "__Host-comity"

// Bounds of the sessions: in all, and of one account. The oldest of an account gives way.
const (
	maxSessions          = 10_000
	maxSessionsOfAccount = 10
)

// sessionKey is the SHA-256 of a cookie's value: whoever reads the agent's memory of sessions has no cookie.
type sessionKey [sha256.Size]byte

// session is what the agent keeps of one.
type session struct {
	key    sessionKey
	name   string
	method Method
	csrf   string
	began  time.Time
	used   time.Time
	// account is when the account was last changed: whatever is changed of it ends what began before.
	account time.Time
}

// Session is a person at a browser, as one request finds them.
type Session struct {
	Person *people.Person // with the roles of this moment
	Method Method
	Began  time.Time
	// CSRF must stand in every form as the field CSRFField, or in the header CSRFHeader.
	CSRF string
	// MustChange: the password is a one-time one. Only log-out and the change of it are open.
	MustChange bool
	// HasPasskeys: approvals of this person are proved by one.
	HasPasskeys bool

	key sessionKey
}

// begin opens a session; secret is the cookie's value: 256 random bits.
func (b *Book) begin(a *store.Account, method Method) (secret string, s *session) {
	var value [32]byte
	rand.Read(value[:])
	secret = base64.RawURLEncoding.EncodeToString(value[:])
	now := b.c.Now()
	s = &session{key: sha256.Sum256([]byte(secret)), name: a.Name, method: method, csrf: rand.Text(), began: now, used: now, account: a.ChangedAt}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.makeRoom(a.Name)
	b.sessions[s.key] = s
	return secret, s
}

// makeRoom forgets what has ended, and the oldest sessions of an account that has too many, or of all.
func (b *Book) makeRoom(name string) {
	now := b.c.Now()
	for {
		var oldest, oldestOwn *session
		own := 0
		for key, s := range b.sessions {
			if b.over(s, now) {
				delete(b.sessions, key)
				continue
			}
			if oldest == nil || s.used.Before(oldest.used) {
				oldest = s
			}
			if s.name == name {
				own++
				if oldestOwn == nil || s.used.Before(oldestOwn.used) {
					oldestOwn = s
				}
			}
		}
		switch {
		case own >= maxSessionsOfAccount:
			delete(b.sessions, oldestOwn.key)
		case len(b.sessions) >= maxSessions:
			delete(b.sessions, oldest.key)
		default:
			return
		}
	}
}

func (b *Book) over(s *session, now time.Time) bool {
	return now.Sub(s.used) > b.c.Idle || now.Sub(s.began) > b.c.Absolute
}

// Session finds whose a request is, or nil. It counts as a use of the session.
func (b *Book) Session(ctx context.Context, r *http.Request) (*Session, error) {
	cookie, err := r.Cookie(CookieName)
	if err != nil {
		return nil, nil
	}
	s := b.find(sha256.Sum256([]byte(cookie.Value)))
	if s == nil {
		return nil, nil
	}
	a, keys, err := b.read(ctx, s.name)
	if err != nil || a == nil || a.Locked || !a.ChangedAt.Equal(s.account) {
		return nil, err
	}
	v := b.visit(s, a)
	v.HasPasskeys = len(keys) > 0
	return v, nil
}

// Alive reports whether a session goes on, without using it: a stream of events is no person at work.
func (b *Book) Alive(s *Session) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.sessions[s.key]
	return kept != nil && !b.over(kept, b.c.Now())
}

func (b *Book) find(key sessionKey) *session {
	now := b.c.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sessions[key]
	if s == nil {
		return nil
	}
	if b.over(s, now) {
		delete(b.sessions, key)
		return nil
	}
	s.used = now
	return s
}

func (b *Book) visit(s *session, a *store.Account) *Session {
	person := b.personOf(a)
	if b.c.Acting != nil {
		person = b.c.Acting(person)
	}
	return &Session{Person: person, Method: s.method, Began: s.began, CSRF: s.csrf, MustChange: a.OneTime, key: s.key}
}

func (b *Book) end(key sessionKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, key)
}

// endSessions ends every session of an account.
func (b *Book) endSessions(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, s := range b.sessions {
		if s.name == name {
			delete(b.sessions, key)
		}
	}
}

// cookie is good for as long as the browser runs; the limits are the agent's.
func (b *Book) cookie(value string) *http.Cookie {
	return &http.Cookie{Name: CookieName, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// CheckCSRF compares a token with the session's, in constant time.
func (s *Session) CheckCSRF(token string) bool {
	return subtle.ConstantTimeCompare([]byte(s.CSRF), []byte(token)) == 1
}
