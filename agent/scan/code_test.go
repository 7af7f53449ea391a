package scan

import "testing"

// Hashes and identifiers are in no language: they are neither held nor do they hide what stands beside them.
func TestCodesAreInNoLanguage(t *testing.T) {
	scanner, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		text string
		want Verdict
	}{
		{"3ac52ffbf73a812a9406d98539e0fb2bf796b1c9a3738e6f217d7d2a3719b9cc", Pass},
		{"k3w8m2qhx5t7bz0dgj4n6rva1s p9f1c6ty4ke8wd2vz7hbm3xgn5", Pass},
		{"4c9qzr0m8k2v7n1x5t3w6y8a0b: she has applied for asylum", Block},
	} {
		report, err := scanner.Scan(t.Context(), Input{Fields: []Field{{Text: tt.text}}})
		if err != nil || report.Verdict != tt.want {
			t.Errorf("%q: %s, %v, want %s", tt.text, report.Verdict, err, tt.want)
		}
	}
}
