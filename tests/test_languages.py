"""Codes of languages are read whatever their form, and texts are known by their language."""

from types import SimpleNamespace

import pytest
from langcodes import Language

from builder import languages
from builder.languages import _named, detected_language, language_code
from builder.sentences import sentences
from tests.corpus.texts import TEXTS


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("de", "de"), ("DE", "de"), ("de-DE", "de"), ("de_DE", "de"), ("de_AT.UTF-8", "de"), ("deu", "de"),
        ("ger", "de"),
        (" en-GB ", "en"), ("iw", "he"), ("zh-TW", "zh-Hant"), ("zh_Hant", "zh-Hant"), ("zh-CN", "zh"), ("cmn", "zh"),
        ("pt-BR", "pt"), ("sr-Latn", "sr-Latn"), ("nb-NO", "no"), ("nn", "nn"), ("zh-Hans", "zh"), ("zh-HK", "zh-Hant"),
    ],
)  # fmt: skip
def test_a_code_is_the_shortest_of_bcp_47(value: str, code: str) -> None:
    assert language_code(value) == code


def test_codes_that_are_known_are_those_of_the_library() -> None:
    assert [Language.get(code).prefer_macrolanguage().to_tag() for code in _named().values()] == [*_named().values()]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("German", "'German' is not a language code; 'de' is"),
        ("ukrainian", "'ukrainian' is not a language code; 'uk' is"),
        ("Deutsch", "'Deutsch' is not a language code; 'de' is"),
        ("xx", "'xx' is not a language code; codes are short, like 'de'"),
        ("", "'' is not a language code; codes are short, like 'de'"),
    ],
)
def test_a_name_is_refused_with_the_right_code(value: str, said: str) -> None:
    with pytest.raises(ValueError, match="is not a language code") as caught:
        language_code(value)
    assert str(caught.value) == said


@pytest.mark.parametrize("language", [name for name in TEXTS if name not in ("zh-Hant", "ro-legacy")])
def test_the_language_of_a_text_is_found_whatever_is_expected(language: str) -> None:
    assert detected_language(TEXTS[language], "en") == language
    assert detected_language(TEXTS[language], "de") == language
    assert detected_language(TEXTS[language], language) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("市政府宣布提高最低工资标准", "zh"),
        ("都發局長在會後表示，預計每年約有兩千戶受惠，申請手續將會簡化。", "zh"),
        ("الحكومة تؤجل قرار رفع أسعار الخبز", "ar"),
        ("Учителите искат по-високи заплати", "bg"),
        ("Radnici čiste nasip danju i noću, rekao je glasnogovornik poduzeća.", "hr"),
    ],
)
def test_a_text_that_is_certainly_not_as_expected_is_in_the_likeliest_language(text: str, language: str) -> None:
    """Though it may be one of several neighbours."""
    assert detected_language(text, "en") == language


@pytest.mark.parametrize(
    ("expected", "language", "text"),
    [
        ("cs", "sl", "Prebivalci se pritožujejo, da je cesta preozka in da se promet ustavlja, je dejal župan."),
        ("cs", "sk", "Starosta povedal, že na novú školu nie sú peniaze a že deti budú dochádzať do mesta, kým sa obec"
         " nedohodne s krajom."),
        ("de", "af", "Die raad het besluit om die pad van die dorp na die see vir ses weke te sluit, het die"
         " burgemeester gesê."),
        ("de", "da", "Der var mit i natten brand i den hal, der ligger ved stationen, og det var den tredje i år."),
        ("en", "cs", "Kdyby to záleželo na nás, měli bychom to hotové, řekl starosta a dodal, že by to stálo méně."),
        ("en", "pl", "To nie tak miało być, mówi wójt. Gdyby to od nas zależało, to most byłby otwarty."),
        ("es", "ca", "El alcalde va dir que el pressupost del municipi no arriba per una escola nova i que el govern"
         " n'haurà de pagar la meitat."),
        ("fi", "et", "Vallavanem ütles, et raha ei ole ja uue kooli ehitus on seetõttu peatatud, kuid aega oli küll."),
        ("hu", "sk", "Polícia hľadá vodiča, ktorý ušiel z miesta nehody a nechal tam auto, a prosí svedkov o pomoc."),
        ("nl", "af", "Die polisie soek na 'n man wat verdwyn het, en vra dat mense met inligting die stasie bel."),
        ("pt", "gl", "O alcalde dixo que non hai cartos para reparar o tellado da escola, e os pais piden solucións."),
        ("ru", "bg", "Кметът каза, че няма пари за училище и че децата ще пътуват с автобус по стария път до града."),
        ("sv", "no", "Ordføreren sier at det ikke er penger til ny skole, og at elever som bor på andre siden av elva"
         " må ta buss."),
        ("tr", "az", "Polis şənbə günü yoxa çıxan kişini axtarır və bu barədə məlumatı olan bir zəng gözləyir."),
        ("uk", "be", "Мост праз раку закрылі на рамонт, і цяпер вадзіцелі ездзяць у аб'езд, як і ў мінулым годзе."),
    ],
)  # fmt: skip
def test_a_text_is_not_in_the_expected_language_because_a_neighbour_shares_its_words(
    expected: str, language: str, text: str
) -> None:
    assert detected_language(text, expected) == language


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Der Film nach dem Buch The Lord of the Rings läuft im Kino. Die Zuschauer kamen aus ganz Europa."),
        ("de", "Minister und Secretary of the Treasury trafen sich. Sie sprachen lange über Zölle, ohne Ergebnis."),
        ("fr", "Le ministre a cité « the end of the world » devant des journalistes. Il a refusé de commenter."),
        ("es", "El grupo presentó ayer su disco The End of the Road. El público llenó la sala y pidió más."),
    ],
)
def test_a_name_in_the_expected_language_does_not_make_a_text_one_of_it(language: str, text: str) -> None:
    assert {detected_language(text * times, "en") for times in (1, 4)} == {language}


def test_the_language_found_is_a_code_like_those_of_records() -> None:
    assert detected_language("Sinabi ng pangulo noong Miyerkules na tataas ang presyo ng bigas.", "en") == "fil"


@pytest.mark.parametrize("text", ["Xi Jinping, Li Keqiang, Wang Yi, Beijing", "1 2 3 4 5 6 7 8 " * 40, "He said no."])
def test_names_and_figures_rule_no_language_out(text: str) -> None:
    assert detected_language(text, "en") == "en"


def test_the_expected_language_stays_where_the_text_does_not_tell() -> None:
    assert detected_language("2 : 1", "fr") == "fr"
    assert detected_language(TEXTS["zh-Hant"], "zh-Hant") == "zh-Hant"
    assert detected_language("", "pt") == "pt"


class Model:
    """Says that every text is French, as surely as it is told, and keeps what it is shown."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        self.sure, self.ranks = 0.8, {"fr": 0.8, "en": 1e-6}
        model = SimpleNamespace(classify=self.classify, rank=lambda text: list(self.ranks.items()))
        monkeypatch.setattr(languages, "_identifier", lambda: model)

    def classify(self, text: str) -> tuple[str, float]:
        self.seen.append(text)
        return "fr", self.sure


def test_a_text_is_judged_by_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    model, text = Model(monkeypatch), "".join(chr(0x4E00 + n) for n in range(1000))
    for length in (0, 1, 319, 320, 321, 322, 1000):
        detected_language(text[:length], "en")
    assert model.seen == ["", *(text[:n] for n in (1, 319, 320, 320)), text[1:321], text[340:660]]


def test_three_frequent_words_in_fifty_tell_a_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Different ones: one may be in a name."""
    model = Model(monkeypatch)
    for words, spaces, found in (
        ("x the x of x and x", 50, "en-GB"),
        ("x the x of x and x", 51, "fr"),
        ("x the x of x the x of x", 8, "fr"),
        ("x the x of x and x and x", 66, "en-GB"),
    ):
        text = words + " " * (spaces - words.count(" "))
        assert detected_language(text, "en-GB") == found
    assert len(model.seen) == 2


def test_another_language_is_found_where_it_is_sure_or_the_expected_one_is_ruled_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Model(monkeypatch)
    assert detected_language("x", "en") == "fr"
    model.sure = 0.79
    assert detected_language("x", "en") == "en"
    model.ranks["en"] = 0.9e-6
    assert detected_language("x", "en-GB") == "fr"
    assert detected_language("x", "ary") == "ary", "which the model does not know"
    assert detected_language("x", "fr-CA") == "fr-CA"


@pytest.mark.parametrize(
    ("language", "found"),
    [
        ("fr", ["M. Dupont et Mme Curie sont venus.", "Le prof. Martin parle."]),
        (
            "ru",
            [
                "Они потратили 5 млн. рублей.",
                "Это было, т. е. сейчас.",
                "А. С. Пушкин писал.",
                "Это был я.",
                "Он ушёл.",
            ],
        ),
        ("uk", ["В. О. Шевченко прибув.", "Це коштує 3 млн. грн. на рік."]),
        ("ar", ["قال د. أحمد إن الوزير وافق.", "ثم غادر."]),
        ("hi", ["डॉ. शर्मा ने कहा कि मंत्री सहमत हैं।", "फिर वे चले गए।"]),
        ("de", ["Am 5. Juli kam Dr. Müller z. B. nach Berlin.", "„Das ist gut.“", "Dann ging er."]),
        ("es", ["El Sr. Pérez y la Dra. Gil vinieron.", "Dijo «Ya basta.»", "Luego salió."]),
        ("pl", ["Prof. Nowak i dr. Kowalski przyszli m.in. z Gdańska.", "To prawda."]),
        ("zh", ["部长说：“我们同意。”", "然后他离开了。", "没有人回答。"]),
        ("ja", ["大臣は「同意します。」と述べた。", "その後、退席した。"]),
        ("en", ["Mr. Smith said “Yes.”", "Then he left."]),
        ("en", ["He took vitamin A.", "Then he left."]),
    ],
)
def test_sentences_end_where_they_do_in_their_language(language: str, found: list[str]) -> None:
    between = "" if language in ("zh", "ja") else " "
    text = between.join(found)
    assert [text[a:b] for a, b in sentences(text, language)] == found
    assert [text[a - 7 : b - 7] for a, b in sentences(text, f"{language}-XX", 7)] == found
