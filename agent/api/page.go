package api

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Place is a row's place in a list that is sorted by time, the newest first, and then by id. A page goes on behind it,
// whatever was added since. The zero place is before everything.
type Place[ID ~string] struct {
	At time.Time
	ID ID
}

// MaxPage bounds every list, and is what a list has where no limit is asked for.
const MaxPage = 1000

func pageOf(limit int) int {
	if limit <= 0 || limit > MaxPage {
		return MaxPage
	}
	return limit
}

// text is the cursor. Callers take it as it is.
func (p Place[ID]) text() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.At.UnixMilli(), 10) + "." + string(p.ID)))
}

// cursorOf reads the cursor of a request, the zero place where there is none.
func cursorOf[ID ~string](r *request) (Place[ID], error) {
	return readCursor[ID](r.URL.Query().Get("cursor"))
}

func readCursor[ID ~string](text string) (Place[ID], error) {
	if text == "" {
		return Place[ID]{}, nil
	}
	plain, err := base64.RawURLEncoding.DecodeString(text)
	at, id, found := strings.Cut(string(plain), ".")
	ms, failed := strconv.ParseInt(at, 10, 64)
	if err != nil || failed != nil || !found || id == "" || len(id) > 128 {
		return Place[ID]{}, &Problem{Reason: ReasonRequest, Message: "cursor is not one that this list gave", Hint: "take next of the page before as it is"}
	}
	return Place[ID]{At: time.UnixMilli(ms).UTC(), ID: ID(id)}, nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
