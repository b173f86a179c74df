"""Title, summary, body and trailer are told apart, and nothing is invented where there is none."""

from datetime import UTC, datetime

import pytest

from builder.corpus.layout import Layout, Recogniser, _retold, line_hash, shifted
from builder.corpus.settings import Boilerplate, Cleaning
from builder.offsets import edit

BODY = [
    "The two governments agreed on Monday to build a second line for the interceptors, officials of both sides said.",
    "It is to open within three years and to double what the first one makes, says a statement after the talks.",
    "Analysts doubt that, because the seekers come from a single factory which has been sold out for many months now.",
]
SUMMARY = ["A second line is to be built.", "It doubles the output.", "Seekers stay the bottleneck."]


def parts(lines: list[str], settings: Cleaning | None = None, **known: str) -> tuple[Layout, str, str]:
    """The layout, the summary and the body."""
    text = "\n".join(lines)
    layout = Recogniser(settings or Cleaning()).recognise(text, known.get("title"), known.get("source"))
    kept, _ = edit(text, layout.cuts)
    at = shifted(layout.body, layout.cuts)
    return layout, kept[:at].rstrip(), kept[at:]


def test_all_parts_of_an_article_are_found() -> None:
    layout, summary, body = parts(["Allies to build more", *SUMMARY, *BODY, "Read the original article on Daily News"])
    assert layout.title == "Allies to build more"
    assert summary == "\n".join(SUMMARY)
    assert body == "\n".join(BODY)
    assert layout.trailer == "Read the original article on Daily News"
    assert layout.source == "Daily News"


def test_a_body_alone_stays_whole() -> None:
    layout, summary, body = parts(BODY)
    assert (layout.title, layout.trailer, layout.source, summary) == (None, None, None, "")
    assert body == "\n".join(BODY)
    assert layout.cuts == []


def test_what_is_cut_between_kept_lines_is_one_edit_and_the_lines_stay_apart() -> None:
    text = "\n\n".join([BODY[0], "Share this", "Print", *BODY[1:]])
    repeated = frozenset({line_hash("Share this"), line_hash("Print")})
    layout = Recogniser(Cleaning(title=False)).recognise(text, None, None, repeated)
    at = len(BODY[0])
    assert layout.cuts == [(at, at + len("\n\nShare this\n\nPrint"), "")]
    assert edit(text, layout.cuts)[0] == "\n\n".join(BODY)


def test_bullets_after_the_title_are_the_summary() -> None:
    bullets = ["- First point made here", "- Second point made here"]
    assert parts(["A title", *bullets, "Short body.", "Also short."])[1] == "\n".join(bullets)


def test_a_body_of_short_lines_has_no_summary() -> None:
    assert parts(["A title", "One.", "Two.", "Three.", "Four.", "Five.", "Six."])[1] == ""


def test_a_known_title_is_cut_only_when_the_text_repeats_it() -> None:
    assert parts(["Known — title!", *BODY], title="Known title")[2] == "\n".join(BODY)
    assert parts(["Something else", *BODY], title="Known title")[2] == "\n".join(["Something else", *BODY])


def test_the_record_names_the_source_before_the_trailer_does() -> None:
    assert parts(["T", *BODY, "Read the full story at Elsewhere"], source="Agency")[0].source == "Agency"


def test_several_trailer_lines_are_cut_together() -> None:
    lines = ["(Reporting by A. Writer; Editing by B. Other)", "© 2024 Agency. All rights reserved."]
    layout, _, body = parts(["Title", *BODY, *lines])
    assert layout.trailer == "\n".join(lines)
    assert body == "\n".join(BODY)


def test_an_article_never_is_all_trailer() -> None:
    assert parts(["All rights reserved."])[2] == "All rights reserved."


@pytest.mark.parametrize(("source", "cut"), [("Daily News", True), ("Other", False)])
def test_boilerplate_is_cut_for_its_source(source: str, cut: bool) -> None:
    settings = Cleaning(boilerplate={"ad": Boilerplate(line="ADVERTISEMENT", source="Daily")})
    lines = ["Title", BODY[0], "ADVERTISEMENT", *BODY[1:]]
    assert ("ADVERTISEMENT" not in parts(lines, settings, source=source)[2]) is cut


def test_repeated_lines_are_cut_and_the_rest_reads_on() -> None:
    text = "\n".join([BODY[0], "Share this", "Print", BODY[1], "Share this"])
    layout = Recogniser(Cleaning(title=False)).recognise(
        text, None, None, frozenset({line_hash("SHARE THIS"), line_hash("print")})
    )
    assert edit(text, layout.cuts)[0] == f"{BODY[0]}\n{BODY[1]}"


def test_a_byline_and_a_date_after_the_title_fill_columns_and_leave_the_text() -> None:
    layout, _, body = parts(["Allies to build more", "By ANN LEE and BO LI, Jr.", "July 29, 2024 8:02 PM EDT", *BODY])
    assert layout.authors == ["Ann Lee", "Bo Li, Jr."]
    assert layout.published == datetime(2024, 7, 30, 0, 2, tzinfo=UTC)
    assert body == "\n".join(BODY)
    assert [(p.kind, p.rule, p.text) for p in layout.parts] == [
        ("title", "first-line", "Allies to build more"),
        ("byline", "byline", "By ANN LEE and BO LI, Jr."),
        ("date", "date", "July 29, 2024 8:02 PM EDT"),
    ]


@pytest.mark.parametrize(
    ("line", "language", "day"),
    [
        ("Sept. 5, 2024", "en", (2024, 9, 5)),
        ("Published 29 July 2024", "en", (2024, 7, 29)),
        ("Updated: July 29, 2024 at 8:02 PM", "en", (2024, 7, 29)),
        ("05/07/2024", "en", (2024, 5, 7)),
        ("05/07/2024", "fr", (2024, 7, 5)),
        ("29. Juli 2024", "de", (2024, 7, 29)),
        ("29 juillet 2024", "fr", (2024, 7, 29)),
        ("2024年7月29日", "ja", (2024, 7, 29)),
        ("令和6年7月29日", "ja", (2024, 7, 29)),
        ("令和元年7月29日", "ja", (2019, 7, 29)),
        ("6年7月29日", "ja", None),
        ("29 июля 2024", "ru", (2024, 7, 29)),
        ("2 days ago, 2024", "en", None),
        ("In 2024 all was well", "en", None),
        ("29 July", "en", None),
    ],
)
def test_dates_are_read_in_the_language_of_the_article(
    line: str, language: str, day: tuple[int, int, int] | None
) -> None:
    layout = Recogniser(Cleaning()).recognise("\n".join(["A title", line, *BODY]), language=language)
    found = layout.published
    assert (found and (found.year, found.month, found.day)) == day


@pytest.mark.parametrize(
    ("line", "place", "source", "day"),
    [
        ("TOKYO, July 29, 2024 (Reuters) - ", "TOKYO", "Reuters", 29),
        ("TOKYO, July 29 (Reuters) - ", "TOKYO", "Reuters", None),
        ("NEW YORK (AP) — ", "NEW YORK", "AP", None),
        ("(Agency) — ", None, "Agency", None),
        ("KYIV, Ukraine (AFP) – ", "KYIV, Ukraine", "AFP", None),
        ("ST. PETERSBURG, Fla. (AP) _ ", "ST. PETERSBURG, Fla.", "AP", None),
        ("WASHINGTON/KYIV, July 29 (Reuters) - ", "WASHINGTON/KYIV", "Reuters", None),
        ("Madrid, 29 jul 2024 (EFE).- ", "Madrid", "EFE", 29),
        ("Kiew/Berlin (dpa) - ", "Kiew/Berlin", "dpa", None),
        ("MOSCOW, July 29. /TASS/. ", "MOSCOW", "TASS", None),
        ("МОСКВА, 29 июл - РИА Новости. ", "МОСКВА", "РИА Новости", None),
        ("（新华社北京7月29日电）", "北京", "新华社", None),
        ("【東京時事】", "東京", "時事", None),
        ("(서울=연합뉴스) ", "서울", "연합뉴스", None),
        ("القاهرة (رويترز) - ", "القاهرة", "رويترز", None),
        ("PARIS, July 29 — AP. ", "PARIS", "AP", None),
    ],
)
def test_a_dateline_fills_columns_and_stays(line: str, place: str | None, source: str | None, day: int | None) -> None:
    layout, _, body = parts(["A title", line + BODY[0], *BODY[1:]])
    assert (layout.place, layout.source, layout.published and layout.published.day) == (place, source, day)
    assert body == "\n".join([line + BODY[0], *BODY[1:]])
    assert layout.parts[-1] == ("dateline", "dateline", line.strip())


@pytest.mark.parametrize("first", ["Photo: a harbour", "A harbour. (Getty Images)", "July 29, 2024", "3 min read"])
def test_credits_and_dates_are_no_summary(first: str) -> None:
    assert parts(["A title", "The start: it is a line", first, *BODY])[1] == ""


def test_a_summary_says_what_the_body_says() -> None:
    other = ["Rain fell on the northern hills.", "Wolves were seen by farmers.", "Children stayed at home."]
    assert parts(["A title", *SUMMARY, *BODY])[1] == "\n".join(SUMMARY)
    assert parts(["A title", *other, *BODY])[1] == ""


@pytest.mark.parametrize(
    ("rule", "line", "at"),
    [
        ("first-line", "Allies to build more", 0),
        ("byline", "By Ann Lee", 1),
        ("date", "July 29, 2024", 2),
        ("copyright", "© 2024 Agency", -1),
    ],
)
def test_each_rule_is_switched_off_for_a_source(rule: str, line: str, at: int) -> None:
    lines = ["Allies to build more", "By Ann Lee", "July 29, 2024", *BODY, "© 2024 Agency"]
    assert line not in parts(lines)[2]
    for source, off in (("Daily News", True), ("Other", False)):
        _, _, body = parts(lines, Cleaning(off={rule: "Daily"}), source=source)
        assert (line in body.split("\n")) is off
    assert line in parts(lines, Cleaning(off={rule: ""}))[2]


@pytest.mark.parametrize(
    ("line", "following", "title"),
    [
        ("Who Pays for the New Bridge?", BODY[0], True),
        ("“Will It Ever Stop Raining?”", BODY[0], True),
        ("WHO PAYS FOR THIS BRIDGE NOW!", BODY[0], True),
        ("Who pays for the new bridge?", "By Ann Lee", True),
        ("Who pays for the new bridge?", "July 29, 2024", True),
        ("Who pays for the new bridge?", f"TOKYO (AP) — {BODY[0]}", True),
        ("Wer zahlt für die Brücke?", "Von Ann Lee", True),
        ("Who pays for the new bridge?", BODY[0], False),
        ("Who Pays?", BODY[0], False),
        ("The Harbour Bridge Will Open.", "By Ann Lee", False),
        ("Who Pays for the New Bridge? It Is Not Known.", BODY[0], False),
        ("Who Pays for the New Bridge? Who Will Build It?", BODY[0], False),
    ],
)
def test_a_question_is_a_title_where_it_is_written_or_placed_like_one(line: str, following: str, title: bool) -> None:
    language = "de" if line.startswith("Wer") else "en"
    layout = Recogniser(Cleaning()).recognise("\n".join([line, following, *BODY]), language=language)
    assert (layout.title == line) is title


@pytest.mark.parametrize(
    ("line", "authors", "day"),
    [
        ("By ANN LEE, Associated Press", ["Ann Lee"], None),
        ("By Ann Lee, Senior Staff Writer", ["Ann Lee"], None),
        ("By Ann Lee and Bo Li | Harbour Wire | July 29, 2024", ["Ann Lee", "Bo Li"], 29),
    ],
)
def test_a_byline_names_people_and_may_name_the_day(line: str, authors: list[str], day: int | None) -> None:
    layout, _, body = parts(["A title", line, *BODY])
    assert (layout.authors, layout.published and layout.published.day, body) == (authors, day, "\n".join(BODY))


@pytest.mark.parametrize(
    ("language", "line"),
    [("de", "Von Ann Lee, Berlin"), ("nl", "Door Ann Lee"), ("sv", "Av Ann Lee"), ("da", "Af Ann Lee")],
)
def test_a_byline_in_the_first_line_is_no_title(language: str, line: str) -> None:
    layout = Recogniser(Cleaning()).recognise("\n".join([line, *BODY]), language=language)
    assert (layout.title, layout.authors, [p.kind for p in layout.parts][:1]) == (None, ["Ann Lee"], ["byline"])


@pytest.mark.parametrize("line", ["and then nobody came", "he says no"])
def test_a_line_that_begins_small_is_no_title(line: str) -> None:
    assert parts([line, *BODY])[0].title is None
    assert parts(["iPhone sales fall", *BODY])[0].title == "iPhone sales fall"


def test_a_name_before_brackets_is_no_dateline() -> None:
    layout, _, _ = parts(["A title", f"Elon Musk (CEO) - {BODY[0]}", *BODY[1:]])
    assert (layout.place, layout.source, [part.kind for part in layout.parts]) == (None, None, ["title"])


HEADLINES = {
    "zh": ("三国部长签署新协议", "部长们周一在东京签署了新协议，双方表示将扩大合作。"),
    "ja": ("三閣僚が新協定に署名", "三閣僚は月曜日、東京で新しい協定に署名した。"),
    "ko": ("세 장관 새 협정 서명", "세 장관은 월요일 도쿄에서 새 협정에 서명했다."),
}


@pytest.mark.parametrize(
    ("language", "line", "clock", "source"),
    [
        ("zh", "2024年7月29日 10:02 来源：新华网", "10:02", "新华网"),
        ("zh", "2024-07-29 10:02:13 来源: 新华网", "10:02", "新华网"),
        ("zh", "来源：新华社 2024-07-29 10:02", "10:02", "新华社"),
        ("zh", "2024年07月29日10:02 | 来源：人民网", "10:02", "人民网"),
        ("zh", "发布时间：2024-07-29 10:02 来源：中国新闻网", "10:02", "中国新闻网"),
        ("zh", "2024年7月29日 下午3点02分", "15:02", None),
        ("ja", "2024年7月29日 10:02 共同通信", "10:02", "共同通信"),
        ("ja", "2024年7月29日(月) 10:02 配信", "10:02", None),
        ("ja", "2024年7月29日 午前10時2分", "10:02", None),
        ("ja", "公開日時：2024年7月29日 15時", "15:00", None),
        ("ko", "입력 2024.07.29. 오후 3:02", "15:02", None),
        ("ko", "입력 2024.07.29 10:02 수정 2024.07.29 11:02", "10:02", None),
        ("ru", "Обновлено: 29 июля 2024, 10:02", "10:02", None),
        ("uk", "Опубліковано: 29 липня 2024, 10:02", "10:02", None),
        ("fr", "lundi 29 juillet 2024", "00:00", None),
        ("fr", "Publié le 29 juillet 2024 à 10h02, mis à jour le 30 juillet 2024 à 11h02", "10:02", None),
        ("es", "Madrid - 29 jul 2024 - 10:02 CEST", "08:02", None),
        ("pt", "Atualizado em 29/07/2024 às 10h02", "10:02", None),
        ("it", "29 luglio 2024 alle 10:02", "10:02", None),
        ("nl", "ma 29 jul 2024", "00:00", None),
        ("nb", "Publisert 29. juli 2024 kl. 10.02", "10:02", None),
        ("pt", "29/07/2024 10h02 Atualizado há 2 horas", "10:02", None),
        ("sv", "Publicerad 29 juli 2024", "00:00", None),
        ("ar", "29 يوليو/تموز 2024", "00:00", None),
        ("en", "July 29, 2024 / 10:02 AM EDT / CBS News", "14:02", "CBS News"),
        ("en", "Published: 10:02 GMT, 29 July 2024 | Updated: 11:02 GMT, 29 July 2024", "10:02", None),
        ("en", "Last Updated: July 29, 2024, 10:02 IST", "04:32", None),
        ("en", "29.07.24", "00:00", None),
    ],
)
def test_a_line_under_the_title_names_the_moment_and_the_source(
    language: str, line: str, clock: str, source: str | None
) -> None:
    title, first = HEADLINES.get(language, ("Allies to build more", BODY[0]))
    layout = Recogniser(Cleaning()).recognise("\n".join([title, line, first, first]), language=language)
    assert layout.published is not None
    assert (layout.published.strftime("%Y-%m-%d %H:%M"), layout.source) == (f"2024-07-29 {clock}", source)
    assert [(part.kind, part.text) for part in layout.parts] == [("title", title), ("date", line)]


@pytest.mark.parametrize(
    ("line", "authors", "source"),
    [
        ("By The Associated Press", [], "The Associated Press"),
        ("By Reuters Staff", [], None),
        ("By Ann Lee, Bo Li and Carl Doe for The Paper", ["Ann Lee", "Bo Li", "Carl Doe"], None),
        ("By Ann Lee with Bo Li", ["Ann Lee", "Bo Li"], None),
        ("By ANN LEE & BO LI, CNN", ["Ann Lee", "Bo Li"], "CNN"),
        ("By Ann Lee in Tokyo and Bo Li in New York", ["Ann Lee", "Bo Li"], None),
        ("Por Ana Paz y Luis Gil", ["Ana Paz", "Luis Gil"], None),
        ("Автор: Иван Петров", ["Иван Петров"], None),
        ("홍길동 기자 hong@example.co.kr", ["홍길동"], None),
        ("记者：王小明、李华", ["王小明", "李华"], None),
        ("来源：新华社", [], "新华社"),
        ("Le Monde avec AFP", [], "AFP"),
    ],
)
def test_a_byline_names_several_people_or_an_agency(line: str, authors: list[str], source: str | None) -> None:
    language = "es" if line.startswith("Por") else "en"
    layout = Recogniser(Cleaning()).recognise("\n".join(["A title", line, *BODY]), language=language)
    assert (layout.authors, layout.source) == (authors, source)
    assert [part.kind for part in layout.parts] == ["title", "byline"]


@pytest.mark.parametrize(
    "line",
    [
        "By Any Means Necessary",
        "By Popular Demand",
        "By Land and Sea",
        "By Lake Geneva",
        "记者 很累",
        "In 2024 all changed",
        "2024 / Rome",
        "CNN",
    ],
)
def test_a_line_under_the_title_that_names_nobody_stays(line: str) -> None:
    assert parts(["A title", line, *BODY])[2].startswith(line)


@pytest.mark.parametrize(
    ("line", "place", "source"),
    [
        ("July 29 (Reuters) - ", None, "Reuters"),
        ("New Delhi, Jul 29 (PTI) ", "New Delhi", "PTI"),
        ("नयी दिल्ली, 29 जुलाई (भाषा) ", "नयी दिल्ली", "भाषा"),
        ("WASHINGTON, D.C. (AP) — ", "WASHINGTON, D.C.", "AP"),
        ("Tokyo CNN — ", "Tokyo", "CNN"),
        ("(dpa) - ", None, "dpa"),
        ("BERLIN (dpa-AFX) - ", "BERLIN", "dpa"),
        ("Buenos Aires, 29 de julio (Télam) - ", "Buenos Aires", "Télam"),
        ("ROMA, 29 LUG - ", "ROMA", None),
        ("Москва. 29 июля. INTERFAX.RU - ", "Москва", "INTERFAX.RU"),
        ("【北京＝山田太郎】", "北京", None),
        ("［東京　29日　ロイター］ -", "東京", "ロイター"),
        ("（中央社記者王明台北29日電）", "台北", "中央社"),
        ("中新网7月29日电", None, "中新网"),
        ("[서울=뉴시스]", "서울", "뉴시스"),
        ("(ANSA) - ROMA, 29 LUG - ", "ROMA", "ANSA"),
        ("القاهرة - رويترز: ", "القاهرة", "رويترز"),
    ],
)
def test_the_datelines_of_many_agencies_are_read(line: str, place: str | None, source: str | None) -> None:
    layout, _, body = parts(["A title", line + BODY[0], *BODY[1:]])
    assert (layout.place, layout.source, layout.parts[-1].text) == (place, source, line.strip())
    assert body == "\n".join([line + BODY[0], *BODY[1:]])


@pytest.mark.parametrize("before", ["By Ann Lee", "July 29, 2024", "来源：新华社"])
def test_a_title_is_found_after_a_byline_or_a_date(before: str) -> None:
    layout, _, body = parts([before, "Allies to build more", "By Bo Li", *BODY])
    assert (layout.title, body) == ("Allies to build more", "\n".join(BODY))
    assert layout.authors[-1] == "Bo Li"


def test_a_line_that_names_authors_is_no_summary() -> None:
    lines = ["A second line of interceptors", "By Ann Lee", *BODY]
    assert parts(["Allies to build more", *lines], Cleaning(off={"byline": ""}))[1:] == ("", "\n".join(lines))


@pytest.mark.parametrize(
    "lines",
    [
        ["John: I did not do it.", "MARY: You did it.", "JOHN: Prove it.", "MARY: I will."],
        ["Q: What did you agree on?", "A: We agreed to build a second line.", "Q: When?", "A: In three years."],
        ["10:32 Trains stop in the north.", "10:15 Schools are closed.", "09:58 The first trees fall."],
        ["The sea is wide", "The sea is blue", "I cannot swim", "And nor can you"],
        ["4 apples", "200 g flour", "1 egg", "Peel the apples and cut them into thin slices.", "Bake for 40 minutes."],
        ["To the editor:", *BODY, "Ann Lee", "Springfield"],
    ],
)
def test_interviews_plays_live_reports_poems_recipes_and_letters_stay_whole(lines: list[str]) -> None:
    layout, summary, body = parts(["A title", *lines])
    assert ([part.kind for part in layout.parts], summary, body) == (["title"], "", "\n".join(lines))


@pytest.mark.parametrize("line", ["新华社报道说7月29日电力中断。", "【春闘＝賃上げ】経営側が回答した。"])
def test_a_paragraph_that_begins_like_a_dateline_has_none(line: str) -> None:
    layout, _, body = parts(["A title", line, *BODY])
    assert (layout.place, layout.source, body) == (None, None, "\n".join([line, *BODY]))


@pytest.mark.parametrize("label", ["WORLD", "Analysis", "Middle East", "US & Canada", "Business | Energy", "OPINION:"])
def test_a_label_above_the_headline_is_no_title(label: str) -> None:
    lines = [label, "Allies to build more missiles", "By Ann Lee", *BODY]
    layout, _, body = parts(lines)
    assert [(part.kind, part.text) for part in layout.parts[:2]] == [("kicker", label), ("title", lines[1])]
    assert (layout.title, layout.authors, body) == (lines[1], ["Ann Lee"], "\n".join(BODY))
    assert parts([label, lines[1], *BODY])[0].title == lines[1]
    assert parts([label, lines[1], "It will cost a lot.", *BODY])[0].title == lines[1]
    assert parts(lines, title=lines[1])[2] == "\n".join(BODY)
    assert lines[1] in parts(lines, Cleaning(off={"kicker": ""}))[2]


@pytest.mark.parametrize(
    "lines",
    [
        ["HAMLET", "To be, or not to be, that is the question", "Whether it is nobler in the mind to suffer. Or not."],
        ["Africa", "Kenya closes an old bridge", "Uganda opens a new one", *BODY],
        ["World", "It was late.", *BODY],
        ["Dear reader", "The old bridge will be closed", *BODY],
    ],
)
def test_a_first_line_is_a_label_only_above_a_headline(lines: list[str]) -> None:
    layout, _, body = parts(lines)
    assert (layout.title, body) in [(lines[0], "\n".join(lines[1:])), (None, "\n".join(lines))]


@pytest.mark.parametrize("standfirst", [["A second line is to be built, and it will not be cheap."], SUMMARY])
def test_a_byline_is_found_below_a_standfirst(standfirst: list[str]) -> None:
    layout, _, body = parts(["Allies to build more", *standfirst, "By Ann Lee", "July 29, 2024", *BODY])
    assert (layout.authors, layout.published and layout.published.day) == (["Ann Lee"], 29)
    assert layout.parts[1:3] == [("byline", "byline", "By Ann Lee"), ("date", "date", "July 29, 2024")]
    assert body == "\n".join([*standfirst, *BODY] if len(standfirst) == 1 else BODY)


@pytest.mark.parametrize(
    "lines",
    [
        ["Our critics choose.", "By Ann Lee", "A good book.", "By Bo Hardy", "A bad one."],
        ["We slept in the cellar.", "March 3, 2022", "There was no bread.", "March 4, 2022", "The bridge was hit."],
        ["One.", "Two.", "Three.", "Four.", "By Ann Lee", "Five."],
        ["A paragraph. " * 25, "By Ann Lee", "The end."],
    ],
)
def test_lines_that_divide_a_text_name_nobody(lines: list[str]) -> None:
    layout, _, body = parts(["A title", *lines])
    assert (layout.authors, layout.published, body) == ([], None, "\n".join(lines))


@pytest.mark.parametrize(("between", "authors"), [(3, []), (37, []), (38, ["Ann Lee"])])
def test_a_byline_below_a_standfirst_is_the_only_one_of_forty_lines(between: int, authors: list[str]) -> None:
    lines = ["Our critics choose.", "By Ann Lee", *["A line of the text."] * between, "By Bo Hardy", "The end."]
    layout, _, body = parts(["A title", *lines])
    assert (layout.authors, "By Ann Lee" in body, "By Bo Hardy" in body) == (authors, not authors, True)


@pytest.mark.parametrize(
    ("line", "authors", "source", "language"),
    [
        ("BY ANN LEE AND TOM HARDY", ["Ann Lee", "Tom Hardy"], None, "en"),
        ("By Ann Lee, Associated Press", ["Ann Lee"], "Associated Press", "en"),
        ("Analysis by Ann Lee, CNN", ["Ann Lee"], "CNN", "en"),
        ("By Ann Lee @annlee", ["Ann Lee"], None, "en"),
        ("di Maria Rossi", ["Maria Rossi"], None, "it"),
        ("Por Ana Lima, g1 — Rio de Janeiro", ["Ana Lima"], None, "pt"),
        ("本报记者 李伟", ["李伟"], None, "zh"),
    ],
)
def test_bylines_as_papers_write_them(line: str, authors: list[str], source: str | None, language: str) -> None:
    layout = Recogniser(Cleaning()).recognise("\n".join(["A title", line, *BODY]), language=language)
    assert (layout.authors, layout.source) == (authors, source)


def test_a_trailer_has_at_most_fourteen_lines_and_leaves_the_first() -> None:
    notes = [f"© {2000 + i} Agency" for i in range(16)]
    layout, _, body = parts([*BODY, *notes], Cleaning(title=False))
    assert (layout.trailer, body) == ("\n".join(notes[2:]), "\n".join([*BODY, *notes[:2]]))
    assert parts([BODY[0], notes[0]])[2] == BODY[0]
    assert parts(notes[:2])[2] == notes[0]


@pytest.mark.parametrize(("links", "cut"), [(11, True), (12, False)])
def test_a_heading_over_links_is_looked_for_in_the_last_twelve_lines(links: int, cut: bool) -> None:
    below = ["Related stories", *[f"Ministers sign the deal number {i}" for i in range(links)]]
    layout, _, body = parts([*BODY, *below])
    assert (layout.trailer, body) == (
        ("\n".join(below), "\n".join(BODY)) if cut else (None, "\n".join([*BODY, *below]))
    )


@pytest.mark.parametrize(("link", "cut"), [("x" * 15, True), ("x" * 14, False)])
def test_links_are_as_long_as_headlines(link: str, cut: bool) -> None:
    layout, _, _ = parts([*BODY, "Related stories", link, link])
    assert (layout.trailer is not None) is cut


def test_a_list_alone_has_no_summary() -> None:
    bullets = ["- First point made here", "- Second point made here"]
    assert parts(bullets)[1:] == ("", "\n".join(bullets))
    untitled = Cleaning(title=False)
    assert parts(["Key points", *bullets], untitled)[1] == ""
    assert parts(["Key points", *bullets, BODY[0]], untitled)[1] == "\n".join(["Key points", *bullets])
    assert parts(["Key points", bullets[0], BODY[0]], untitled)[1] == ""


@pytest.mark.parametrize(("most", "summary"), [(0, 0), (2, 0), (3, 3), (5, 3)])
def test_a_summary_has_at_most_as_many_lines_as_are_allowed(most: int, summary: int) -> None:
    settings = Cleaning(summary_lines=most)
    lines = parts(["A title", *SUMMARY, *BODY], settings)[1].split("\n")
    assert lines == (SUMMARY[:summary] or [""])


@pytest.mark.parametrize(("chars", "found"), [(29, True), (28, False)])
def test_lines_of_a_summary_are_as_short_as_is_allowed(chars: int, found: bool) -> None:
    assert max(map(len, SUMMARY)) == 29
    settings = Cleaning(summary_chars=chars)
    assert parts(["A title", *SUMMARY, *BODY], settings)[1] == ("\n".join(SUMMARY) if found else "")


def test_at_most_four_lines_after_the_title_name_authors_and_days() -> None:
    names = [f"By Ann Lee{letter}" for letter in "abcde"]
    layout, _, body = parts(["A title", *names, *BODY])
    assert [part.text for part in layout.parts if part.kind == "byline"] == names[:4]
    assert body == "\n".join([names[4], *BODY])


@pytest.mark.parametrize(("before", "found"), [(3, True), (4, False)])
def test_a_dateline_is_in_one_of_the_first_four_lines(before: int, found: bool) -> None:
    layout, _, _ = parts(["A title", *["A line of the text."] * before, f"TOKYO (AP) — {BODY[0]}", *BODY])
    assert layout.place == ("TOKYO" if found else None)


@pytest.mark.parametrize(("more", "taken"), [(19, True), (20, False)])
def test_a_title_is_repeated_when_its_words_are(more: int, taken: bool) -> None:
    line = "Known" + "!" * more + " title"
    assert (line not in parts([line, *BODY], title="Known title")[2]) is taken


def test_a_text_of_one_line_is_no_title_even_when_it_is_the_record_s() -> None:
    assert parts(["Known title"], title="Known title")[2] == "Known title"


def test_capitals_of_any_language_make_no_other_line() -> None:
    assert line_hash("Alle Straßen") == line_hash("ALLE STRASSEN") != line_hash("Alle Strassen ")
    assert parts(["ALLE STRASSEN", *BODY], title="Alle Straßen")[2] == "\n".join(BODY)


def test_a_summary_that_is_known_is_the_first_line() -> None:
    text = "\n".join(["A second line is to be built.", *BODY])
    layout = Recogniser(Cleaning()).recognise(text, "Allies to build more", summary=1)
    assert layout.parts[-1] == ("summary", "field", "A second line is to be built.")
    assert text[layout.body :] == "\n".join(BODY)


def short_lines(sizes: list[int], **settings: int) -> int:
    """How many of the first lines, of so many characters each and all of the same word, are a summary."""
    lines = [("output " * 40)[: size - 1] + "." for size in sizes]
    count, rule = Recogniser(Cleaning(**settings))._summary(lines)
    assert (rule == "short-lines") is (count > 0)
    return count


@pytest.mark.parametrize(
    ("sizes", "most", "count"),
    [
        ([30, 30, 100, 100, 100], 5, 2),
        ([30, 30, 100, 100], 5, 0),  # three lines of a body at least
        ([30, 30, 30, 100, 100], 5, 0),
        ([30, 30, 30, 100, 100, 100], 5, 3),
        ([30, 100, 100, 100, 100], 5, 0),  # two lines of a summary at least
        ([30, 30, 30, 100, 100, 100], 2, 0),  # the line after it is longer
        ([40, 30, 41, 100, 100], 5, 2),
        ([40, 30, 40, 100, 100], 5, 0),
        ([30, 30, 61, 61, 61], 5, 2),  # the usual line is a paragraph
        ([30, 30, 60, 60, 60], 5, 0),
        ([80, 80, 81, 81, 80], 5, 2),  # and longer than the summary
        ([80, 80, 81, 80, 80], 5, 0),
        ([30, 30, 100, 50, 50, 100], 5, 2),
        ([120, 120, 130, 130, 130], 5, 2),
        ([121, 30, 130, 130, 130], 5, 0),
        ([30, 121, 130, 130, 130], 5, 0),
        ([30, 30, 121, 130, 130, 130], 5, 2),
    ],
)
def test_a_summary_is_short_lines_before_longer_ones(sizes: list[int], most: int, count: int) -> None:
    assert short_lines(sizes, summary_lines=most) == count


@pytest.mark.parametrize(
    ("summary", "rest", "retold"),
    [
        ("again blown cloud drawn early", "again blown", True),  # two fifths of the words
        ("again blown cloud drawn early", "again", False),
        ("ministers abcde met and so on", "the ministry met", True),  # words of five letters by these
        ("abcdx abcdx", "abcdy abcde", False),
        ("abcde abcde", "abcdx abcdx", False),
        ("one two three", "three", True),  # shorter words do not count
        ("市长 大桥 关闭", "市长 大桥", True),
        ("市长 大桥 关闭", "市长", False),
        ("Again\nPhoto credit", "again photo credit", False),
        ("Again\nJuly 29, 2024", "again july 2024", False),
    ],
)
def test_a_summary_is_retold_by_two_fifths_of_its_words(summary: str, rest: str, retold: bool) -> None:
    assert _retold(summary.split("\n"), [rest]) is retold
