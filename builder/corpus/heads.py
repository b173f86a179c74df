"""How articles begin: a headline, lines that name authors, a date or a source, and the dateline before the story."""

import re
from datetime import datetime
from functools import cache
from typing import NamedTuple

from builder.corpus.dates import instant
from builder.corpus.formulas import AGENCY, MEDIUM, STAFF
from builder.corpus.trailers import ends_sentence, formula
from builder.sentences import sentences

#: One non-blank line: start, end, text. A plain tuple, as there are millions.
Line = tuple[int, int, str]

BULLET = re.compile(r"^(?:[-*•·–—▪●]|\d{1,2}[.)])\s+")
_TITLE_CHARS, _SOURCE_CHARS, _KICKER_CHARS = 200, 50, 30
_OPEN_END = re.compile(r"[;:,،、；：，–—-]$|\b(?:and|or|the|of|a|to)$")
#: Parts of papers and kinds of articles, as labels above headlines.
_LABELS = re.compile(
    r"(?i:news|world|us|uk|canada|national|international|politics|business|economy|markets|finance|sport|sports|opinion|"
    "comment|commentary|analysis|explainer|editorial|exclusive|breaking|live|interview|feature|investigation|obituary|"
    "review|profile|culture|arts|health|science|tech|technology|environment|climate|energy|africa|asia|europe|americas|"
    "middle east|latin america|asia pacific|world news|breaking news|us news|uk news|fact check|special report|"
    "news analysis|long read|politik|wirtschaft|ausland|inland|kultur|meinung|kommentar|analyse|reportage|panorama|"
    "wissen|gesellschaft|leitartikel|monde|politique|économie|société|tribune|éditorial|entretien|enquête|planète|"
    "décryptage|mundo|internacional|internacionales|nacional|política|economía|sociedad|opinión|análisis|deportes|"
    "cultura|entrevista|mondo|esteri|politica|economia|cronaca|analisi|opinioni|intervista|opinião|análise|brasil|"
    "esporte|desporto|buitenland|binnenland|economie|opinie|politiek|świat|kraj|polityka|gospodarka|wywiad|"
    "в мире|мир|политика|экономика|общество|мнение|аналитика|интервью|происшествия|спорт|культура|світ|у світі|"
    "політика|економіка|суспільство|думка|війна|dünya|siyaset|ekonomi|gündem|spor|analiz|utrikes|inrikes|ledare|"
    "debatt|verden|أخبار|العالم|سياسة|اقتصاد|رياضة|رأي|تحليل|ثقافة|दुनिया|देश|राजनीति|विश्व|खेल|विचार|国际|國際|国内|"
    "政治|财经|財經|社会|社會|经济|經濟|体育|评论|評論|独家|国際|経済|社説|국제|정치|경제|사회|사설|단독)"
)
_BESIDE = re.compile(r" ?[|/›»>&·:：] ?")
#: Characters of a paragraph that has no end of its own, such as a standfirst, at least.
_PARAGRAPH = 60
_BY = {
    "de": "von", "fr": "par", "es": "por", "pt": "por", "it": "di", "nl": "door", "sv": "av", "no": "av", "da": "af",
}  # fmt: skip
_CAPITAL = r"[^\W\d_a-z]"
#: A part of a name, and no word between two names in capitals.
_PART = rf"(?!(?:AND|UND|ET|WITH|Y) ){_CAPITAL}[\w.'’-]*"
_PERSON = rf"{_PART}(?: (?:{_PART}|de|van|von|der|den|bin|al|el|la|di|da|dos)){{1,4}}(?:, [JS]r\.?)?"
_NOT_PERSON = (
    r"(?!(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March \d|April \d|"
    r"(?:The|This|All|Then|Any|Popular|Royal|Force|Train|Sea|Land|Air|Lake|West|East|North|South|San) )"
)
#: Names without a word before them that says so: in East Asia, whose names are short, and after "author" with a colon.
_NAMED = re.compile(
    r"(?:(?:本报)?(?:记者|記者)[:：／/] ?|本报记者 |(?:作者|撰文|文)[:：／/] ?)(\w{2,4}(?:[、 ]\w{2,4}){0,3})|"
    rf"([가-힣]{{2,4}}) ?(?:기자|특파원)(?: \S+@\S+)?|(?:Автор|Autore?|Auteur|Author|Текст) ?: ({_PERSON})"
)
#: What follows a name in a byline and is no other name.
_NOBODY = re.compile(rf"(?i:(?:\w+ ){{0,2}}{STAFF})|{AGENCY}(?: Staff)?")
#: What news write before and after a date, and where one part of a line with a date ends.
_LABEL = (
    r"(?:(?:first |last )?(?:published|updated|posted|modified|issued|date|released)(?: on| at)?|"
    r"veröffentlicht(?: am)?|aktualisiert(?: am)?|stand|(?:publié|mise? à jour)(?: le)?|"
    r"(?:publicad|actualizad|atualizad)o(?: el| em)?(?: há .{1,20})?|"
    r"(?:pubblicato|aggiornato)(?: il)?|gepubliceerd(?: op)?|bijgewerkt|publi[cs]er\w+|u?o?pp?dater\w+|"
    r"(?:o|za)publikowano|"
    r"aktualizacja|опубликовано|обновлено|опубліковано|оновлено|yayınlanma|güncelleme|प्रकाशित|अपडेटेड|نشر|آخر تحديث|"
    r"기사입력|입력|수정|송고시간|등록|发布时间|發布時間|更新时间|时间|時間|公開日時|公開|配信|掲載|最終更新|更新)"
)
_DATED = re.compile(
    rf"^(?:[^\W\d]{{3,20}} - (?=\d)|{_LABEL}\s*+[:：]?\s*+(?=\S))|(?:(?<!\s)\s++)?+(?:配信|更新|公開|掲載)$", re.I
)
_PARTED = re.compile(
    rf" ?[|｜•·] ?|\u3000| / |,? (?={_LABEL}\W)|(?<!\s)\s++(?=[来來]源)|"
    r"(?<=\d) (?=[^\W\d_a-z]{2,12}$)|(?<=[^\W\d]) (?=\d{4}[-/年.]\d)",
    re.IGNORECASE,
)
_NAMES_AGENCY = re.compile(rf"(?<!\w){AGENCY}(?!\w)")
_CLOCK = re.compile(r" / (?=\d{1,2}[:.]\d\d)")
_YEAR = re.compile(r"\d{4}|[\d元]年|\b\d{1,2}([./])\d{1,2}\1\d\d\b")

_LETTER = r"[\w\u0900-\u0963]"  # signs of vowels in Devanagari are no letters by themselves
_DAY = (
    rf"(?P<date>[^\W\d]{{3,9}}\.? \d{{1,2}}(?:, \d{{4}})?|"
    rf"\d{{1,2}}\.? (?:de )?[^\W\d]{_LETTER}{{2,9}}\.?(?: (?:de )?\d{{4}})?)"
)
_REGION = rf"(?:, {_CAPITAL}[^\W\d]*(?:\.[^\W\d]+)*\.?(?: [^\W\d]+)?)?"
_DASH = r" ?\.?(?:[-–—_]+|:) ?"
_PLACE = rf"(?P<place>{_CAPITAL}(?:{_LETTER}|[ ./'’-]){{1,40}}?{_REGION})"
_CAPITALS = rf"(?P<place>{_CAPITAL}(?:{_CAPITAL}|[ ./'’-])+?{_REGION})"
_AGENCY = rf"(?P<source>{AGENCY})(?:[-/]\w{{2,4}})?"
_KOREAN = r"(?P<source>연합뉴스|뉴시스|뉴스1)"
#: How stories of agencies begin: a place in capitals, or any place before the name of an agency.
_DATELINES = [
    re.compile(pattern)
    for pattern in (
        rf"{_DAY} ?\({_AGENCY}\){_DASH}",
        rf"\({_AGENCY}\) [-–—] {_CAPITALS}, (?P<date>\d\d? [A-Z]{{3}}) [-–—] ",
        rf"{_PLACE} [-–—/] {_AGENCY}{_DASH}",
        rf"(?:{_CAPITALS}(?:, {_DAY})? ?)?\((?P<source>[A-Z][\w./ -]{{1,24}})\){_DASH}",
        rf"(?:{_PLACE}(?:, {_DAY})? ?)?\({_AGENCY}\){_DASH}",
        rf"{_PLACE}, {_DAY} ?\({_AGENCY}\) ",
        rf"{_CAPITALS}, {_DAY}(?:\. /{_AGENCY}/\.| [-–—] (?:(?P<agency>{AGENCY})\.|(?= ?\S)))",
        rf"{_PLACE}\. {_DAY}\. (?P<source>INTERFAX\.RU)(?:{_DASH}|\. )",
        rf"(?:{_PLACE} )?(?P<source>CNN) ?—",
        r"[（(]?(?P<source>新华社|中新[社网]|中央社|路透社?|法新社)(?:記者\w{2,3}?)?(?P<place>\D{2,8}?)?"
        r"(?P<date>(?:\d{1,2}月)?\d{1,2}日)(?:[电電讯](?![力视話话影子])[)）]?| ?[-–—])",
        r"[【（](?P<place>\w{2,8}?)(?:(?P<source>時事|共同)|＝[一-龥]{3,5})[】）]",
        r"[［\[](?P<place>\w{1,10})[ \u3000](?:\d{1,2}日[ \u3000])?(?P<source>ロイター)[］\]](?: -)?",
        rf"[(\[【](?P<place>\w{{2,8}})={_KOREAN}[)\]】]",
    )
]
_DATELINE_SIGN = re.compile(r"[(（\[［【新中路法/–—-]|\. \d")


class Named(NamedTuple):
    """What a line after the title names."""

    authors: list[str]  # as they are written
    published: datetime | None
    source: str | None


@cache
def _byline_in(language: str) -> re.Pattern[str]:
    person = rf"{_PERSON}(?: in {_CAPITAL}[\w-]+(?: {_CAPITAL}[\w-]+)?)?"
    # Atomic, as a list of initials could else be read in more ways than anybody waits for.
    names = rf"{_NOT_PERSON}{person}(?:(?:,? (?i:and|und|et|y|e|with)|,| &) (?>{person}))*"
    return re.compile(
        rf"(?:(?:Story|Words|Analysis|Opinion|Report|Text) )?(?i:by|{_BY.get(language, 'by')}) "
        rf"(?:({names})(?: for (?:[Tt]he )?{_CAPITAL}[\w ]{{1,30}})?|{AGENCY}(?: Staff)?)"
        rf"(?:,? {AGENCY}|, [\w-]+)?(?:(?:,? ?[|•—–-] ?| (?=@\w+$)).{{1,60}})?"
    )


def byline_of(line: str, language: str) -> Named | None:
    """The authors or the source that the whole line names, and the date after authors."""
    if len(line) > 300 or (ends_sentence(line) and not line.endswith(("Jr.", "Sr."))):
        return None
    if line[:1] in "AaBbDdPpVvSWORT" and (found := _byline_in(language.split("-")[0]).fullmatch(line)):
        rest = line[found.end(1) :] if found[1] else line
        day = next(filter(None, (day_of(part.strip(), language) for part in re.split(r"[|•—–]", rest))), None)
        names = re.sub(rf" in {_CAPITAL}[\w -]*?(?=,| and |$)", "", found[1] or "")
        people = re.split(r",? (?:with|WITH|y|Y|e) ", names) if names else []
        agency = next((part for part in re.split(", ", names) if re.fullmatch(AGENCY, part)), None)
        return Named(people, day, _agency(rest) or agency)
    if (line[:1] in "本记記作撰文АТA" or "기자" in line or "특파원" in line) and (named := _NAMED.fullmatch(line)):
        return Named(re.split("[、 ]", named[1]) if named[1] else [named[2] or named[3]], None, None)
    # Looking for a formula takes far longer than looking for what one of these has.
    may_be = len(line) <= _SOURCE_CHARS and (":" in line or "：" in line or _agency(line))
    fits = formula(line) if may_be else None
    if fits and fits.name in ("source", "agency") and not fits.doubtful:
        return Named([], None, fits.source or _agency(line))
    return None


def _agency(text: str) -> str | None:
    found = _NAMES_AGENCY.search(text)
    return found and found[0]


def is_author(name: str) -> bool:
    """Whether a name in a byline is that of a person, not of an agency or "Staff Writer"."""
    return _NOBODY.fullmatch(name) is None


def date_of(line: str, language: str) -> Named | None:
    """The date and the source that the whole line is, such as `2024年7月29日 10:02 来源：新华网`."""
    if len(line) > 100 or not _YEAR.search(line):
        return None
    published, name = _instant(line, language), None
    for part in [] if published else filter(None, _PARTED.split(_CLOCK.sub(" ", line))):
        fits = formula(part)
        if fits and fits.name in ("source", "agency"):
            name = name or fits.source or _agency(part)
        elif found := _instant(part, language):
            published = published or found
        elif re.search(rf"{MEDIUM}|(?:社|网|網|新聞|新闻|通信|日报|日報)$", part):
            name = name or part
        elif not re.fullmatch(_LABEL, part, re.IGNORECASE):
            return None
    return Named([], published, name) if published else None


def day_of(line: str, language: str) -> datetime | None:
    """The date that the whole line is, if it names a year."""
    return _instant(line, language) if len(line) <= 100 and _YEAR.search(line) else None


def _instant(line: str, language: str) -> datetime | None:
    return instant(_DATED.sub("", _DATED.sub("", line)), language)


def dateline(line: str) -> re.Match[str] | None:
    """The dateline with which a line begins."""
    if not _DATELINE_SIGN.search(line, 0, 80):
        return None
    return next(filter(None, (pattern.match(line) for pattern in _DATELINES)), None)


def reads_like_title(lines: list[Line], language: str) -> bool:
    """Whether the first line is a headline: one phrase without an end, before lines that have one."""
    if len(lines) < 2 or len(lines[0][2]) > _TITLE_CHARS:
        return False
    _, end, line = lines[0]
    start, _, following = lines[1]
    ends = ends_sentence(line) and not re.search(r"\b[A-Z]\.[A-Z]\.$|\.\.\.$", line)
    if ends and not _asks(line, following, language):
        return False
    first = line.split(" ", 1)[0]
    if first.islower() and first.isalpha():  # a headline begins with a capital, or a name such as iPhone
        return False
    if (
        _OPEN_END.search(line)
        or BULLET.match(line)
        or dateline(line)
        or byline_of(line, language)
        or date_of(line, language)
    ):
        return False
    # One paragraph over several lines, unless it is a date or a byline that is written small.
    named = byline_of(following, language) or date_of(following, language)
    if start == end + 1 and following[0].islower() and not named:
        return False
    ended = any(ends_sentence(other) or len(other) > len(line) for _, _, other in lines[1:])
    return ended and len(sentences(line, language)) == 1


def has_kicker(lines: list[Line], language: str) -> bool:
    """Whether the first line is a label such as "WORLD" above the headline, which a byline or a paragraph follows."""
    if len(lines) < 3 or len(lines[0][2]) > _KICKER_CHARS:
        return False
    labels = list(filter(None, _BESIDE.split(lines[0][2])))
    known = all(map(_LABELS.fullmatch, labels))
    if not (known or lines[0][2].isalpha()) or not reads_like_title(lines[1:], language):
        return False
    headline, following = lines[1][2], lines[2][2]
    if byline_of(following, language) or date_of(following, language) or dateline(following):
        return len(headline) > len(lines[0][2])
    return known and (ends_sentence(following) or len(following) >= _PARAGRAPH)


def _asks(line: str, following: str, language: str) -> bool:
    """Whether a line that ends in ? or ! is a headline: it is in capitals like one, or before a byline or a date."""
    words = re.findall(r"[^\W\d_]++", line)
    cased = sum(word[0].isupper() for word in words) >= 4 and all(w[0].isupper() for w in words if len(w) > 3)
    before = byline_of(following, language) or dateline(following) or date_of(following, language)
    return line.rstrip(" \"'”’»)")[-1:] in "?!？！" and bool(cased or before)
