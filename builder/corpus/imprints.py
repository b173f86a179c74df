"""Last lines in other words than those of the formulas: each is a word of the trade, a name or a number."""

import re

#: One of these is in such a line: what is only said of articles, not in them.
_OF_ARTICLES = (
    "reporting newsletter newsletters inbox syndicated syndication syndigate reprinted republished "
    "re-published agencies dispatches advertorial subscribers agenturen "
    "agenturmeldungen agenturmaterial urheberrecht redaktion agences abonnés infolettre agencias "
    "boletín redacción agências boletim redação agenzie redazione рассылка рассылку агентств "
    "агентства защищены розсилку захищені redakcja oprac agencje agencji zastrzeżone nieuwsbrief persbureaus "
    "voorbehouden nyhetsbrev nyhedsbrev"
)
#: With the name of an agency one of these begins it.
_FROM = "by with via source based material information von mit aus par avec por con com da di по за med av door bron"
_BETWEEN = (
    # English
    "from a an the this that our us your you to for of on in at and or more all here now also was "
    "first originally last edited version story article report reports piece post materials contents content "
    "news service services wire staff writer writers editor editors correspondent correspondents desk bureau team "
    "daily weekly free latest update updates updated published publication date read reading watch video above below "
    "listen visit join follow like find see click view download get catch sign up stay informed delivered email "
    "e-mail alerts breaking app apps page channel podcast used additional compiled produced provided distributed "
    "powered brought partner website site online web photo photos image images credit credits text photographs "
    "graphics input inputs contributions full original subscribe subscription today every day morning week best top "
    "stories rights "
    # German, French
    "vom dem der die das des und zum zur für im unsere unseren unser jetzt hier informationen texte bericht alle "
    "rechte anmelden abonnieren kostenlos kostenlosen lesen artikel red de du la le les et nos notre votre vos à aux "
    "articles réservé dépêches sources tous droits inscrivez-vous abonnez-vous "
    # Spanish, Portuguese, Italian, Dutch
    "del los las el y nuestro nuestra información en suscríbete todos derechos otras do dos e os as nossa nosso "
    "informações em assine direitos della dei il tutti diritti iscriviti alla nostra articolo cura met van het onze "
    "rechten meld je aan voor abonneer op "
    # Russian, Ukrainian, Polish; agencies that write themselves small
    "материалам сми и в на все права нашу подпишитесь информационных матеріалами та усі підпишіться wszelkie prawa na "
    "podstawie z i w do naszego zapisz się dpa afp ap reuters epd kna sid apa sda ritzau"
)
#: What a sentence of the trade is about.
_TEXTS = frozenset(("report", "story", "article"))
_TRADE = frozenset(_OF_ARTICLES.split())
_BEGINS = frozenset(_FROM.split())
_KNOWN = _TRADE | _BEGINS | frozenset(_BETWEEN.split())
_SAID = re.compile(r"[?!\"“”«»]")
_WORD = re.compile(r"[^\W_]+(?:[-'’.][^\W_]+)*")
#: Characters and words of such a line at most, and words of one that an agency makes one.
_LONGEST, _MOST, _FEW = 160, 25, 12


def is_imprint(line: str, agency: re.Pattern[str]) -> bool:
    """Whether a line says where an article comes from; `agency` finds the names of agencies.

    A sentence nearly always has a word that is neither of the trade nor a name. Its first word counts as no name: it
    has a capital anyway.
    """
    if len(line) > _LONGEST:
        return False
    words: list[str] = []
    for found in _WORD.finditer(line):
        word, low = found[0], found[0].casefold()
        named = word[0].isdigit() or "." in word or (words and word[0] != low[0])
        if not (named or low in _KNOWN or (not words and agency.match(line))):
            return False
        words.append(low)
    if not words or len(words) > _MOST or _SAID.search(line):
        return False
    about = not _TEXTS.isdisjoint(words)
    if "was" in words and not about:
        return False
    if len(words) > 1 and not _TRADE.isdisjoint(words):
        return True
    return words[0] in _BEGINS and len(words) < _FEW and (about or line[-1] != ".") and bool(agency.search(line))
