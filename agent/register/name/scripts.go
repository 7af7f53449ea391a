package name

import "strings"

// letters says how a letter of another script is written in Latin letters, in the manner of ICAO 9303 where it has one. Each
// table is a list of letters with their transliteration right behind them.
var letters = table(
	// Latin letters that do not decompose.
	`æae œoe øo ðdh þth ßss łl đd ħh ıi ĸk ŋng ŧt əa ɓb ɗd ɖd ƙk ƴy ɛe ɔo ɩi ʋv ƒf ɣgh ʔ- ǝe ʻ- ʼ-`,
	// Cyrillic: Russian, Ukrainian, Belarusian, Bulgarian, Serbian, Macedonian and the Turkic and Iranian languages.
	`аa бb вv гg дd еe жzh зz иi кk лl мm нn оo пp рr сs тt уu фf хkh цts чch шsh щshch ъ- ыy ь- эe юyu яya ёyo іi їyi єye ґg ўu
	ђdj јj љlj њnj ћc џdz ѓgj ќkj ѕdz әa ғgh қq ңng өo ұu үu һh җj ҳh ҷj ӣi ӯu ҡk ҙz ҫs ѣe ѳf ѵi ӏ- ҝg ҹch`,
	// Greek.
	`αa βv γg δd εe ζz ηi θth ιi κk λl μm νn ξx οo πp ρr σs ςs τt υy φf χch ψps ωo`,
	// Arabic, with the letters of Persian, Urdu, Pashto, Kurdish and Uyghur. The short vowels are not written.
	`اa أa إa آa ٱa ء- ؤw ئy بb تt ثth جj حh خkh دd ذdh رr زz سs شsh صs ضd طt ظz عa غgh فf قq كk لl مm نn هh وw ىa يy ةa
	پp چch ژzh گg کk یy ےy ٹt ڈd ڑr ںn ھh ہh ۀa ۃa ڤv ڵl ڕr ۆo ۇu ۋv ېe ەa ټt ډd ړr ږzh ښsh ڼn څts ځdz ګg ڭng ۈu ؠy ۍy`,
	// Hebrew.
	`א- בb גg דd הh וv זz חh טt יy כk ךk לl מm םm נn ןn סs ע- פp ףf צts ץts קk רr שsh תt`,
	// Georgian.
	`აa ბb გg დd ეe ვv ზz თt იi კk ლl მm ნn ოo პp ჟzh რr სs ტt უu ფp ქk ღgh ყq შsh ჩch ცts ძdz წts ჭch ხkh ჯj ჰh`,
	// Armenian.
	`աa բb գg դd եe զz էe ըe թt ժzh իi լl խkh ծts կk հh ձdz ղgh ճch մm յy նn շsh ոo չch պp ջj ռr սs վv տt րr ցts ւw փp քk օo ֆf եւev`,
)

// syllables of Ethiopic: a row of eight code points has one consonant and, in this order, the vowels e u i a e - o wa.
var ethiopic = strings.Fields("h l h m s r s sh q q q q b v t ch h h n ny - k k kh kh w - z zh y d dd j g g gg t ch p ts ts f p")

var ethiopicVowels = [8]string{"e", "u", "i", "a", "e", "", "o", "wa"}

// indic letters by their place in a block: the scripts from Devanagari to Malayalam have the same order.
var indic = table(
	`ँn ंn ःh अa आa इi ईi उu ऊu ऋri ऌl एe ऐai ओo औau कk खkh गg घgh ङn चch छch जj झj ञn टt ठt डd ढd णn तt थt दd धd नn ऩn पp फp बb
	भb मm यy रr ऱr लl ळl ऴl वv शsh षsh सs हh ाa िi ीi ुu ूu ृri ेe ैai ोo ौau ॅe ॉo ्- ़-`,
)

func table(lists ...string) map[rune]string {
	t := map[rune]string{}
	for _, list := range lists {
		for _, pair := range strings.Fields(list) {
			for i, r := range pair {
				latin := pair[i+len(string(r)):]
				if latin == "-" {
					latin = ""
				}
				t[r] = latin
				break
			}
		}
	}
	return t
}
