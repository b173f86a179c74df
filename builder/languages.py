"""The language of an article: a code as BCP 47 has it, given by the record or found in the text."""

from functools import cache, lru_cache
from typing import Any

#: Characters by which a language is judged, from the middle of a text, where names and datelines are rare.
_JUDGED = 320
#: Frequent words, hardly one of which a neighbouring language has, by which a text is known to be in its language, many
#: times as fast as by a model of all languages.
_COMMON = {
    "cs": "ještě který která které podle bylo nebo také při jsou",
    "de": "und das nicht ist auf eine für wird",
    "en": "the of and that for with said from",
    "es": "los las y más una según también fue",
    "fi": "että mutta ovat joka myös hän kun sekä",
    "fr": "les est une dans pour aux sur avec",
    "hu": "az és hogy nem egy meg csak szerint",
    "it": "il che è della gli sono nel alla",
    "nl": "een voor niet zijn naar werd bij wordt",
    "pl": "się że jest przez oraz dla który są",
    "pt": "em um uma não são pela foi à",
    "ro": "și în cu din care pentru să este",
    "ru": "что это его был она они уже было после также чтобы",
    "sv": "och att är för till inte från också",
    "tr": "ve için ile olarak çok ise gibi kadar olan",
    "uk": "та що від є був це він вони після які також її",
}
#: Fewer different ones, or a smaller share of all words, may be a name or a quotation.
_SEEN, _SHARE = 3, 0.06
#: Least probability of a language that is another one than expected, or less than the greatest of the expected one:
#: neighbours such as Croatian and Bosnian share what is certainly no English.
_SURE, _RULED_OUT = 0.8, 1e-6
#: What the model knows beside languages of news: spoken forms of Arabic and Chinese, ancient tongues, and none.
_NO_NEWS = {"ary", "arz", "grc", "hbo", "wuu", "yue", "zxx"}
_NAMES = (
    "Arabic ar, Armenian hy, Belarusian be, Bengali bn, Bulgarian bg, Catalan ca, Chinese zh, Croatian hr, Czech cs, "
    "Danish da, Dutch nl, English en, Estonian et, Farsi fa, Finnish fi, French fr, Georgian ka, German de, Greek el, "
    "Gujarati gu, Hebrew he, Hindi hi, Hungarian hu, Icelandic is, Indonesian id, Irish ga, Italian it, Japanese ja, "
    "Kazakh kk, Korean ko, Latvian lv, Lithuanian lt, Macedonian mk, Malay ms, Marathi mr, Norwegian no, Persian fa, "
    "Polish pl, Portuguese pt, Punjabi pa, Romanian ro, Russian ru, Serbian sr, Slovak sk, Slovenian sl, Spanish es, "
    "Swahili sw, Swedish sv, Tamil ta, Telugu te, Thai th, Turkish tr, Ukrainian uk, Urdu ur, Vietnamese vi, "
    "Deutsch de, Englisch en, Französisch fr, Spanisch es, Anglais en, Français fr, Allemand de, Espagnol es, "
    "Español es, Inglés en, Francés fr, Italiano it, Nederlands nl, Polski pl, Português pt, Svenska sv, Türkçe tr"
)


@lru_cache
def language_code(value: str) -> str:
    """The language that a code names, without its region; a script stays where it tells written forms apart.

    Raises `ValueError` for what is no code; it names the right one where it knows it.

    >>> [language_code(value) for value in ("de-DE", "de_AT.UTF-8", "DE", "deu", "zh-TW", "sr-Latn")]
    ['de', 'de', 'de', 'de', 'zh-Hant', 'sr-Latn']
    >>> language_code("German")
    Traceback (most recent call last):
    ValueError: 'German' is not a language code; 'de' is
    """
    if value in _named().values():  # without the library, whose tables take long to import
        return value
    from langcodes import Language

    try:
        found = Language.get(value.strip().split(".")[0]).prefer_macrolanguage()
        if not found.language or not found.is_valid():
            raise ValueError
    except ValueError:
        named = language_named(value)
        advice = f"; {named!r} is" if named else "; codes are short, like 'de'"
        raise ValueError(f"{value!r} is not a language code{advice}") from None
    name, script = found.language, found.script
    if name == "zh":  # its script is Hans unless it is said otherwise
        script = "Hant" if "Hant" in (script, found.maximize().script) else None
    # Texts and records call Bokmål by the name of the macrolanguage, too.
    return Language.make("no" if name == "nb" else name, script=script).simplify_script().to_tag()


def language_named(name: str) -> str | None:
    """The code of a language by its name in English, and of some by their own names and those of their neighbours."""
    return _named().get(name.strip().lower())


@cache
def _named() -> dict[str, str]:
    return dict(known.lower().split() for known in _NAMES.split(", "))


def detected_language(text: str, expected: str) -> str:
    """The language of a text; the one that is expected unless another is much more probable."""
    start = max(0, (len(text) - _JUDGED) // 2)
    some = text[start : start + _JUDGED]
    seen = [some.count(word) for word in _common(expected) if word in some]
    if len(seen) >= _SEEN and sum(seen) >= _SHARE * some.count(" "):
        return expected
    own, (found, sure) = expected.split("-")[0], _identifier().classify(some)
    if found != own and (sure >= _SURE or dict(_identifier().rank(some)).get(own, 1.0) < _RULED_OUT):
        return language_code(found)
    return expected


@cache
def _common(language: str) -> tuple[str, ...]:
    return tuple(f" {word} " for word in _COMMON.get(language.split("-")[0], "").split())


@cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages([language for language in found.nb_classes if language not in _NO_NEWS])
    return found
