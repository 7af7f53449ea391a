package register

import (
	"strings"

	"comity/agent/register/name"
)

// The commonest words in names, with the share of persons who have them, in thousandths: what is shared by one in twenty tells
// nobody apart, whatever a small register makes of it. TESTPERSON is what all synthetic persons are called.
const commonest = `testperson 300 mohammed 60 ahmed 25 ali 30 hassan 15 hussein 15 ibrahim 10 mahmoud 8 mustafa 6 omar 8 khalid 6
	abdullah 10 abdulrahman 5 yusuf 8 said 5 fatima 12 maria 20 aisha 6 mariam 6 zainab 5 amina 4 khadija 3 hamid 3 karim 3 rashid 3
	khan 8 singh 8 kumar 6 hussain 8 rahman 5 islam 4 begum 3 bibi 4 shah 3 gul 3 jan 3 nur 3 salem 3 saleh 3 abbas 3 reza 4 mehdi 3
	hosseini 3 mohammadi 3 ahmadi 3 rahimi 2 karimi 2 jose 6 juan 5 garcia 4 rodriguez 4 lopez 3 hernandez 3 gonzalez 3 martinez 3 perez 3
	sanchez 3 john 5 peter 3 david 3 michael 3 joseph 3 daniel 3 jean 4 pierre 2 marie 5 anna 5 elena 2 olga 2 ivan 3 alexander 4
	sergei 3 vladimir 2 andrei 2 dmitri 2 natalia 2 tatiana 2 diallo 3 traore 2 camara 2 keita 1 diop 1 ndiaye 1 sow 2 barry 2 bah 2
	tesfay 2 haile 2 gebre 2 abdi 4 warsame 1 osman 3 adam 2 nguyen 12 tran 4 le 4 li 8 wang 8 zhang 7 chen 5 liu 5 kim 4 lee 4 park 2
	giorgi 2 ahmadzai 1 noorzai 1 yildiz 1 yilmaz 2 kaya 1 demir 1 mehmet 4 emine 1 ayse 2 fatma 3`

// commonWords are the commonest by their keyed hashes.
func (k *keys) commonWords() map[uint64]float64 {
	m := k.mac()
	defer k.release(m)
	found := map[uint64]float64{}
	fields := strings.Fields(commonest)
	for i := 0; i+1 < len(fields); i += 2 {
		share := 0.0
		for _, digit := range fields[i+1] {
			share = share*10 + float64(digit-'0')/1000
		}
		words := name.Words(fields[i])
		code := m.word(&words[0])
		found[code.letters] += share
		for _, key := range code.keys[:1] {
			found[key] += share
		}
	}
	return found
}
