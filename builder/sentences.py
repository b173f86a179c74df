"""Where sentences end, in the language of each article: sentencex, and what it does not know."""

import re
from functools import cache

from builder.text import is_printable

_SPACES = re.compile(r"[^\S\n ]")

#: A letter that has a capital, and is none.
_SMALL = "[a-zß-öø-ÿāăąćčďđēėęěğģīįıķļłńņňőœřśşšţťūůűųźżžșțα-ωά-ώа-яёіїєґўј]"
#: Points of an ellipsis, of what comes last in a list, and of units, which end a sentence before a capital.
_ENDED = re.compile(
    rf"[.…](?= ?[\"»”’)]* (?:[«“„\"¿¡–—-] ?)?(?!{_SMALL})[A-ZÀ-ӿȘȚ])(?:(?<=…)|(?<=\.\.\.)|(?<=\b[тm]\.[дпm]\.)|"
    r"(?<=\d м\.)|(?<=\b(?:etc|ecc|usw|itd|itp|atd|enz|osv|stb|руб|грн|коп)\.)|(?<=\bт\. [дп]\.|\d (?:кг|км|см|га)\.))"
)
_ENDED_ZH = re.compile("(?<=…)…(?=[”』」]? ?(?![但可而却卻就也还還的是和])[\u4e00-\u9fff])")
#: How what follows goes on with a sentence, whatever the language: small, after a dash or a comma, or by who said it.
_GOES_ON = re.compile(
    rf"\0(?:[,;:，；、：]|(?<=\.\0)(?:{_SMALL}|-)|(?<=[.!?…»”\"]\0)[–—-] ?{_SMALL}|(?<=[”’\"']\0)라|"
    r"(?<=[」』”’]\0)(?:[とっがをはにでもやへの]|\w{1,5}[说說问問道喊叫][，。：道]))"
)
#: Abbreviations that do not end a sentence and that sentencex does not know, by language; also with a capital. Those
#: that often end one, such as units and "etc.", are left out, and those that are a word as well have their capital.
_ABBREVIATIONS = {
    "ar": "د أ م ص ت",
    "bg": "ген проф акад доц адв инж ул бул пл им обл чл д-р г-н т.нар",
    "cs": "p pí dr prof ing mgr čl sv ul tř odst srov zást plk kpt mjr mj",
    "da": "hr fr dr prof gen adv cand chr Sct Skt kl ca nr jf evt bl.a f.eks",
    "de": "Dt Fa Hl Reg Bd Mrz Okt Dez geb Inh Hrsg Mind Gebr Verf Stellv Vors Abg LAbg",
    "el": "κκ καθ στρ υπ Αγ Λεωφ οδ αρ σελ τηλ περ δηλ βλ",
    "es": "cnel dip mons pdte sen Cía Dª aprox Dña Dra Gral Lic núm pág",
    "et": "dr prof kindr kol hr pr lk nt näit nn sh",
    "fa": "دکتر مهندس پروفسور",
    "fi": "tri hra ev vt klo nro ns ks kts",
    "fr": "M MM Mme Mmes Mlle Mlles Me Dr Pr prof Mgr gén Col Cdt Cne Lt Cie St Ste art av bd janv févr avr juil sept "
    "oct nov déc no nos env chap fig vol à-d",
    "hi": "डॉ श्री श्रीमती प्रो पं कु स्व रु सं पृ",
    "hr": "gđa dr prof doc akad inž mons mag ul sv br čl npr tzv tj",
    "hu": "dr prof ifj özv szül gr br vö ezr kb ún Szt",
    "it": "on sig prof pag pagg n nn",
    "lt": "g pvz dr prof doc inž kun plk mjr šv pr al vad",
    "lv": "dr prof ģen plkv inž sv piem apm",
    "mr": "डॉ श्री प्रा",
    "nl": "mevr ds kol ong o.a mw fam d.w.z bijv",
    "no": "hr fr dr prof gen adv chr kl ca nr jf evt vedr iflg pga bl.a f.eks",
    "pl": "dr prof inż mgr hab lek mec red pos sen min gen płk mjr kpt por sierż ks bp abp kard św ul al pl os woj gm "
    "im str godz tel zob tj wg tzw ok m.in kpr kmdr asp st mł insp nadkom kom o.o",
    "pt": "av R Pe cap cel dep des gov min pres sen aprox Profa Sto Sta págs i.e",
    "ro": "dl dna dr prof conf lect asist av dep min cpt str bd bdul bl et jud mun alin pag pct sf aprox cca pta pța "
    "sos șos sect acad d-na d-nul dvs mr lt",
    "ru": "г ул пл наб им пос дер оз проф акад арх реж худ зам нач пом гл ген полк лейт кап рис стр ст св гр тов ред "
    "см ср напр ок г-н д-р т.е е",
    "sk": "plk kpt mjr čl",
    "sl": "dr prof doc mag akad inž msgr gen ul sv št čl npr tj",
    "sr": "gđa dr prof gen inž ul sv br čl npr tzv tj г др проф ген инж ул св бр чл нпр тзв тј",
    "sv": "kl enl jfr bl.a t.ex kap tel",
    "tr": "doç yrd opr ord alb korg tuğg bşk müh Av Cad Gör Hz Mah Öğr Org Sn örn bkz M.Ö M.S Bulv Blv Sok Uzm Dr Yzb "
    "Tğm Bnb",
    "uk": "м вул пл пр просп бул смт ім проф акад тов заст ген ст см ред гр обл бл",
}
#: Words after which a number with a full stop is an ordinal, in languages that capitalise what may follow it.
_ORDINAL = {
    "da": r"den|det|de|d\.|\d\. og",
    "de": r"d(?:er|ie|as|e[mns])|[ai]m|vom|beim|zu[mr]|\d\. (?:und|bis)|(?:jed|ein|sein|ihr|unser|dies)(?:e[mnrs]?)?",
    "hu": r"az?",
    "no": r"den|det|de|d\.|\d\. og",
}
#: Months before a year.
_MONTH = "janv|févr|mars?|avr|juil|sept?|oct|nov|déc|ene|feb|abr|ago|dic|gen|mag|giu|lug|set|ott|fev|out|dez|jul|jun"
#: Languages that share the abbreviations of another one.
_KIN = {"bs": "hr", "nb": "no", "nn": "no"}


@cache
def _open_end(language: str) -> re.Pattern[str]:
    """Finds that a sentence goes on, in its end and the first character of what follows, with a NUL between them."""
    language = _KIN.get(language, language)
    names = _ABBREVIATIONS.get(language, "").split()
    known = "|".join(map(re.escape, [*names, *map(str.capitalize, names)]))
    # After a number it is a unit, such as a year, with which a sentence may end.
    initial = rf"(?:^|(?<!\d)[^\w.])(?:{known or '(?!)'}|[A-ZÀ-ÞΑ-ΩА-ЯЁІЇЄҐא-תء-يپچژکگی])\.\0[^\W_]|"
    ordinal = rf"(?:^|\W)(?i:{_ORDINAL.get(language, '(?!)')}) \d{{1,3}}\.\0[^\W\d_]|\d (?:{_MONTH})\.\0\d"
    return re.compile(initial + ordinal)


def sentences(text: str, language: str = "en", at: int = 0) -> list[tuple[int, int]]:
    """Intervals of the sentences of `text`, by sentencex. Only whitespace is outside them.

    A newline ends a sentence, too. `language` is a BCP 47 code; in languages other than English, what sentencex parts
    after an abbreviation, an initial or a quotation that goes on is joined again. `at` is the offset of `text` in the
    article; it is added to every position.

    >>> [text[a:b] for text in ["M. Roy vient. Mme Roy aussi."] for a, b in sentences(text, "fr")]
    ['M. Roy vient.', 'Mme Roy aussi.']
    """
    from sentencex import segment

    # sentencex panics on a capital followed by a multi-byte space. Replacing such spaces one for one keeps the offsets.
    safe = text if is_printable(text) else _SPACES.sub(" ", text)
    language = (language or "en").split("-")[0]
    open_end = None if language == "en" else _open_end(language)
    if open_end:  # sentencex ends a sentence after this sign, whatever is before
        safe = (_ENDED_ZH if language == "zh" else _ENDED).sub("!", safe)
    out: list[tuple[int, int]] = []
    before, end = "", 0
    # A blank line ends a sentence of sentencex; one call for all lines is faster than one for each. It may lose blank
    # lines of a long text, so that a sentence is where it is found.
    for part in segment(language, safe.replace("\n", "\n\n")):
        if bare := part.strip():
            first = start = safe.index(bare, end)
            if open_end:
                both = f"{before}\0{bare[:8]}"
                if out and "\n" not in safe[end:start] and (_GOES_ON.search(both) or open_end.search(both)):
                    first = out.pop()[0] - at
                before = bare[-16:]
            end = start + len(bare)
            out.append((at + first, at + end))
    return out
