package name

import "strings"

// Other scripts are written in Latin letters, one letter at a time, in the manner of ICAO 9303 where it has the letter. A few
// letters outside a to z stand for sounds that Latin spellings write in several ways; sounds.go knows what they may be:
//
//	ṯ Arabic theh           ẓ Arabic dhal, dad and zah   ǰ Arabic jeem          ẋ kh, written h by some
//	ẇ Arabic waw: w or u    ĝ Cyrillic ghe: g or h       ḣ an h that many drop  ñ a nasal that may bring a g
//	š č ž ř ğ đ ţ as the Latin letters with diacritics
//
// · ends a letter, so that two of them are not read as one sound; ' is a letter that has none.
var letters = table(
	// Latin letters that Unicode does not decompose, or that say more than the bare letter.
	`æae œoe øo ðẓ þṯ ßss łl đđ ħḣ ıi ĸk ŋñ ŧt əa ɓb ɗd ɖd ƙk ƴy ɛe ɔo ɩi ʋv ƒf ɣğ ǝe ŀl
	šš śš şš șš ŝš čč ćč çč ĉč žž źž żž řř ğğ ģğ ġğ ţţ țţ ḥḣ ḫẋ ṯṯ ḏẓ ḍẓ ẓẓ ṣs ṭt ẏy ñn`,
	// Cyrillic: Russian, Ukrainian, Belarusian, Bulgarian, Serbian, Macedonian and the Turkic and Iranian languages.
	`аa бb вv гĝ дd еe жž зz иi йi кk лl мm нn оo пp рr сs тt уu фf хẋ цţ чč шš щš ъ' ыy ь' эe юyu яya ёyo іi їyi єye ґg ўẇ
	ђđ јj· љl њn ћč џdž ѓg ќk ѕz әa ғğ қq ңñ өo ұu үu һḣ җǰ ҳḣ ҷǰ ӣi ӯu ҡk ҙẓ ҫṯ ѣe ѳf ѵi ӏ' ҝg ҹč ӑa ӗe ӳu ѐe ѝi`,
	// Greek.
	`αa βv γg δd εe ζz ηi θṯ ιi κk λl μm νn ξks οo πp ρr σs ςs τt υy φf χẋ ψps ωo`,
	// Arabic, with the letters of Persian, Urdu, Pashto, Kurdish and Uyghur. The short vowels are not written.
	`اa أa إi آa ٱa ء' ؤẇ ئy بb تt ثṯ جǰ حḣ خẋ دd ذẓ رr زz سs شš صs ضẓ طt ظẓ عa غğ فf قq كk لl مm نn هḣ وẇ ىa يy ةa
	پp چč ژž گg کk یy ےy ٹt ڈd ڑr ںn ھ' ہḣ ۀa ۃa ڤv ڵl ڕr ۆo ۇu ۋv ېe ەa ټt ډd ړr ږž ښš ڼn څč ځz ګg ڭñ ۈu ؠy ۍy ڪk`,
	// Hebrew.
	`אa בβ גg דd הḣ וẇ זz חẋ טt יy כk ךk לl מm םm נn ןn סs עa פβ ףβ צţ ץţ קk רr שš תt`,
	// Georgian.
	`აa ბb გg დd ეe ვv ზz თt იi კk ლl მm ნn ოo პp ჟž რr სs ტt უu ფp ქk ღğ ყq შš ჩč ცţ ძz წţ ჭč ხẋ ჯǰ ჰḣ ჲy`,
	// Armenian.
	`աa բb գg դd եe զz էe ըe թt ժž իi լl խẋ ծţ կk հḣ ձz ղğ ճč մm յḣ նn շš ոo չč պp ջǰ ռr սs վv տt րr ցţ ւẇ փp քk օo ֆf եւev`,
	// Japanese syllables; a small one is read as a large one.
	`あa いi うu えe おo かka きki くku けke こko がga ぎgi ぐgu げge ごgo さsa しši すsu せse そso ざza じǰi ずzu ぜze ぞzo
	たta ちči つţu てte とto だda ぢǰi づzu でde どdo なna にni ぬnu ねne のno はḣa ひḣi ふfu へḣe ほḣo ばba びbi ぶbu べbe ぼbo
	ぱpa ぴpi ぷpu ぺpe ぽpo まma みmi むmu めme もmo やya ゆyu よyo らɾa りɾi るɾu れɾe ろɾo わẇa をo んn っ' ゃya ゅyu ょyo
	ぁa ぃi ぅu ぇe ぉo ゔvu ー'`,
)

// The syllables of Ethiopic: a row of eight code points has one consonant and, in order, these vowels.
var (
	ethiopicRows = strings.Fields("ḣ l ḣ m s r s š q q q q b v t č ḣ ẋ n n ' k k ẋ k ẇ ' z ž y d d ǰ g g g t č p ţ ţ f p")
	ethiopicEnds = [8]string{"e", "u", "i", "a", "e", "", "o", "wa"}
)

// The letters of the Indian scripts by their place in a block: those from Devanagari to Malayalam have the same order. The
// vowel that a consonant carries unwritten is left out.
var indic = table(
	`ँn ंn ःḣ अa आa इi ईi उu ऊu ऋri ऌl ऍe ऎe एe ऐai ऑo ऒo ओo औau कk खk गg घg ङn चč छč जǰ झǰ ञn टt ठt डd ढd णn तt थt दd धd नn ऩn
	पp फf बb भb मm यy रr ऱr लl ळl ऴl वẇ शš षš सs हḣ ाa िi ीi ुu ूu ृri ॅe ॆe ेe ैai ॉo ॊo ोo ौau ़' ्'`,
)

// The parts of a Korean syllable.
var (
	hangulFirst = strings.Fields("g k n d t ɾ m β p s s ' ǰ ǰ č k t β ḣ")
	hangulVowel = strings.Fields("a ae ya yae o e yo ye o ẇa ẇae oe yo u ẇo ẇe ẇi yu u ui i")
	hangulLast  = strings.Fields("' k k k n n n t ɾ k m ɾ ɾ ɾ p ɾ m p p t t ñ t t k t p ḣ")
)

func table(lists ...string) map[rune]string {
	t := map[rune]string{}
	for _, list := range lists {
		for _, pair := range strings.Fields(list) {
			letter := []rune(pair)[0]
			t[letter] = strings.TrimPrefix(pair, string(letter))
		}
	}
	return t
}

// The Arabic and Hebrew scripts leave short vowels unwritten.
func unvowelled(r rune) bool {
	return r >= 0x0590 && r < 0x0780 || r >= 0x08a0 && r < 0x0900 || r >= 0xfb1d && r < 0xfe00 || r >= 0xfe70 && r < 0xff00
}

// romanise writes one lower-case letter in Latin letters. It does not know the letters that have no table.
func romanise(r rune) (string, bool) {
	if latin, ok := letters[r]; ok {
		return latin, true
	}
	switch {
	case r >= 0x1200 && r < 0x1200+rune(8*len(ethiopicRows)):
		return ethiopicRows[(r-0x1200)/8] + ethiopicEnds[(r-0x1200)%8], true
	case r >= 0x0900 && r < 0x0d80:
		latin, ok := indic[0x0900+(r-0x0900)%0x80]
		return latin, ok
	case r >= 0x30a1 && r <= 0x30f6: // katakana
		latin, ok := letters[r-0x60]
		return latin, ok
	case r >= 0xac00 && r < 0xac00+19*21*28:
		s := int(r - 0xac00)
		return hangulFirst[s/(21*28)] + hangulVowel[s/28%21] + hangulLast[s%28], true
	}
	return "", false
}
