package name

import (
	"slices"
	"testing"
)

// TestSameName: writings of one name share a key, word for word or as a span.
func TestSameName(t *testing.T) {
	for _, same := range [][]string{
		{"Abdul Rahman", "Abdulrahman", "Abd al-Rahman", "Abdel Rahman", "Abderrahmane", "عبد الرحمن", "عبدالرحمن", "Абдурахман"},
		{"Abdullah", "Abd Allah", "Abdallah", "عبد الله", "عبدالله", "Абдулла", "Abdoullah"},
		{"Abu Bakr", "Aboubakar", "أبو بكر", "ابوبكر", "Abubakar"},
		{"Nur al-Din", "Noureddine", "Nooruddin", "نور الدين", "Noor ud Din", "Nuriddin", "Нуруддин"},
		{"Mohammad Reza", "Mohammadreza", "محمد رضا", "محمدرضا"},
		{"Md", "Mohammed", "Muhammad", "محمد", "Мухаммед", "Mohd."},
		{"TESTPERSON ALPHA-01", "testperson alpha 1", "ТЕСТПЕРСОН АЛЬФА-01", "ＴＥＳＴＰＥＲＳＯＮ　ＡＬＰＨＡ－０１"},
		{"Giorgi", "გიორგი", "Гиорги"},
		{"Hovhannisyan", "Հովհաննիսյան", "Ованнисян"},
		{"Jean-Pierre", "Jeanpierre", "JEAN PIERRE"},
	} {
		for _, other := range same[1:] {
			a, b := Words(same[0]), Words(other)
			if !slices.ContainsFunc(a, func(x Word) bool { return slices.ContainsFunc(b, func(y Word) bool { return shareKey(x, y) }) }) {
				t.Errorf("%s and %s: %+v, %+v", same[0], other, a, b)
			}
		}
	}
}

func shareKey(a, b Word) bool {
	return slices.ContainsFunc(a.Keys, func(k string) bool { return slices.Contains(b.Keys, k) })
}
