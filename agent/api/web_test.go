package api

import "testing"

// A caller that asks without end is told to wait, and others are not.
func TestACallerIsBounded(t *testing.T) {
	s := NewServer(nil, nil, nil)
	admitted := 0
	for range 10 * callerBurst {
		if s.allow("busy-system") {
			admitted++
		}
	}
	if admitted < callerBurst || admitted > 2*callerBurst || !s.allow("other-system") {
		t.Errorf("%d requests at once were admitted", admitted)
	}
}
