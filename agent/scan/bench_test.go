package scan

import (
	"bytes"
	"compress/gzip"
	"context"
	"strings"
	"testing"
)

// ordinary is text as authorities write it, about nothing that the scanner looks for.
const ordinary = `Reference: QM/justice 2026-0417. The Central Authority of QM presents its compliments and has the honour to
request assistance in the investigation of offences against articles 14 and 15 of the Penal Code. The suspect, born on
3 March 1984, opened account no. 4711-0815 at the Sample Bank, 12 Sample Street, on 7 May 2025, and transferred EUR 12,500
to a company of which the co-accused is the sole director. We would be grateful for certified copies of the statements of
the account from January 2025 to this day, and for the hearing of the manager as a witness. Under our law a witness has the
right to refuse to answer where the answer would incriminate him. `

var ordinaryTexts = map[string]string{
	"English": ordinary,
	"German": `Die Zentrale Behörde von QM ersucht um Rechtshilfe in dem Ermittlungsverfahren wegen Betrugs. Der Beschuldigte eröffnete am
7. Mai 2025 ein Konto bei der Musterbank und überwies 12.500 Euro an eine Gesellschaft, deren Geschäftsführer der
Mitbeschuldigte ist. Wir bitten um beglaubigte Abschriften der Kontoauszüge und um Vernehmung des Leiters als Zeugen. `,
	"Russian": `Центральный орган просит оказать правовую помощь по уголовному делу о мошенничестве. Подозреваемый открыл счёт в банке
7 мая 2025 года и перевёл деньги обществу, единственным директором которого является соучастник. Просим направить
заверенные копии выписок по счёту и допросить управляющего в качестве свидетеля. `,
	"Arabic": `تطلب السلطة المركزية المساعدة القانونية في التحقيق في جريمة احتيال. فتح المشتبه فيه حسابا في المصرف في السابع من أيار
وحول مبلغا إلى شركة يديرها المتهم الآخر. نرجو إرسال نسخ مصدقة من كشوف الحساب وسماع المدير بصفة شاهد. `,
	"Chinese": `中央机关请求在欺诈案件的调查中提供司法协助。嫌疑人于二零二五年五月七日在银行开立账户，并向另一名被告担任唯一董事的公司转账。
请提供经核证的账户对账单副本，并以证人身份询问经理。`,
}

func repeated(text string) string { return strings.Repeat(text, 1+(256<<10)/len(text)) }

func BenchmarkFusedPass(b *testing.B) {
	m, err := compiled()
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range ordinaryTexts {
		text = repeated(text)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				m.pass(m.states, text, func(uint16, int) {})
			}
		})
	}
}

func BenchmarkAllTracks(b *testing.B) {
	s := newScanner(b)
	for name, text := range ordinaryTexts {
		text = repeated(text)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := s.Scan(context.Background(), Input{Fields: []Field{{Text: text}}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		terms, err := readLexicon(lexiconFiles)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := newMatcher(terms); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadProfiles(b *testing.B) {
	for b.Loop() {
		z, err := gzip.NewReader(bytes.NewReader(profileData))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := readProfiles(z); err != nil {
			b.Fatal(err)
		}
	}
}
