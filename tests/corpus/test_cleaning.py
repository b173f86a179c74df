"""Cleaning yields tidy text, changes nothing twice, and every cleaned character is explained by raw ones."""

import html
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.corpus.cleaning import clean, markdown, steps
from builder.corpus.settings import Cleaning
from builder.offsets import edit

ALL = steps(Cleaning(mojibake=True))
DEFAULT = steps(Cleaning())
MESSY = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab. \n\r\t\x00\x0b\u00a0\u00ad\u200b\ufeff\u2028\u3000é🚀&;#39ampÃ©â€™"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\r\nb\r\n\r\nc\r\n", "a\nb\n\nc"),
        ("so\u00adft zero\u200bwidth \ufeffmark", "soft zerowidth mark"),
        ("a\x00b\x07c", "abc"),
        ("  a \u00a0 b\t\n\n\n\n c ", "a b\n\nc"),
        ("Tom &amp; Jerry&#8217;s &lt;b&gt; &unknown; AT&T", "Tom & Jerry’s <b> &unknown; AT&T"),
        ("\n \n", ""),
        ("👩\u200d🚀 stays one", "👩\u200d🚀 stays one"),
    ],
)
def test_what_cleaning_does(raw: str, text: str) -> None:
    assert clean(raw, DEFAULT)[0] == text


def test_mojibake_is_repaired_when_asked_for() -> None:
    broken = "Sinéad’s “café”".encode().decode("latin-1")
    assert clean("SinÃ©ad saidâ€”no", ALL)[0] == "Sinéad said—no"
    assert clean(broken, ALL)[0] == "Sinéad’s “café”"
    assert clean("SinÃ©ad", DEFAULT)[0] == "SinÃ©ad"


def test_an_address_is_hidden_and_leads_back_to_itself() -> None:
    raw = "Write to ann.lee@news.example.org, or not."
    text, mapping = clean(raw, DEFAULT)
    assert text == "Write to [e-mail], or not."
    start = text.index("[e-mail]")
    assert raw[slice(*mapping.to_raw(start, start + 8))] == "ann.lee@news.example.org"
    assert clean("It met @ noon & left", DEFAULT)[0] == "It met @ noon & left"


def test_a_wrapped_paragraph_is_joined_and_a_list_is_not() -> None:
    line = "word " * 11 + "wording"
    wrapped = "\n".join([line, line, "end."])
    short = "one\ntwo\nthree"
    assert clean(f"{wrapped}\n\n{short}", DEFAULT)[0] == f"{line} {line} end.\n\n{short}"


@given(MESSY)
@example("&amp;nbsp; &nbsp;")
def test_every_cleaned_span_is_explained_by_its_raw_characters(raw: str) -> None:
    text, mapping = clean(raw, DEFAULT)
    for i, character in enumerate(text):
        start, end = mapping.to_raw(i, i + 1)
        source = raw[start:end]
        if character.isspace():
            assert any(c.isspace() or unicodedata.category(c) in ("Cc", "Zl", "Zp") for c in html.unescape(source))
        elif "&" not in raw and "@" not in raw:
            assert source == character
        else:
            assert character in source or character in html.unescape(source) or "@" in html.unescape(source)


@given(MESSY)
def test_the_result_is_tidy(raw: str) -> None:
    text, _ = clean(raw, DEFAULT)
    assert text == text.strip(" \n")
    assert not any(bad in text for bad in ("  ", " \n", "\n ", "\n\n\n", "\r", "\x00", "\u00ad", "\u200b", "\u00a0"))


@given(st.one_of(MESSY, st.text(alphabet="ab \n", max_size=40)))
def test_the_quick_look_at_a_text_misses_nothing(raw: str) -> None:
    text = raw
    for step in DEFAULT:
        text = edit(text, step(text))[0]
    assert clean(raw, DEFAULT)[0] == text


@given(st.text(alphabet="abc é“”.,", max_size=50).map(lambda t: " ".join(t.split())))
def test_a_tidy_text_is_left_alone(text: str) -> None:
    cleaned, mapping = clean(text, DEFAULT)
    assert cleaned == text
    assert mapping.is_identity


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("# Heading ##\nText", "Heading\nText"),
        ("Some **bold**, *slanted* and `code`.", "Some bold, slanted and code."),
        ("A [link](http://x.y/z) and ![image](a.png)here", "A link and here"),
        ("> Quoted\n\n---\n\nNext", "Quoted\n\n\n\nNext"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("---\ntitle: T\n---\nBody <b>here</b> <http://a.b>", "Body here http://a.b"),
        ("```python\ncode\n```", "\ncode\n"),
    ],
)
def test_markdown_marks_go_and_the_words_stay(raw: str, text: str) -> None:
    assert edit(raw, markdown(raw))[0] == text


@pytest.mark.parametrize(
    ("widest", "last", "joined"),
    [(40, "end.", True), (39, "end.", False), (100, "end.", True), (101, "end.", False)],
)
def test_lines_are_joined_from_the_width_of_a_column_to_that_of_a_page(widest: int, last: str, joined: bool) -> None:
    line = ("word " * 30)[: widest - 1] + "s"
    wrapped = f"{line.replace('  ', ' s')}\n{line.replace('  ', ' s')}\n{last}\n\nNext."
    assert ("\n" not in clean(wrapped, DEFAULT)[0].split("\n\n")[0]) is joined


def test_a_line_with_room_for_the_next_word_is_the_end_of_a_paragraph() -> None:
    full = "x" * 30 + " " + "y" * 29
    for short, joined in (("a" * 53, True), ("a" * 52, False)):
        text = clean(f"{full}\n{short}\nabcd end.\n\nNext.", DEFAULT)[0]
        assert ("\n" not in text.split("\n\n")[0]) is joined


@pytest.mark.parametrize("off", ["characters", "whitespace", "entities", "emails", "reflow"])
def test_each_step_can_be_turned_off(off: str) -> None:
    line = "word " * 11 + "wording"
    messy = f"{line}\n{line}\nend.\n\nA  b &amp; c@d.org\x07"
    made = clean(messy, steps(Cleaning(**{off: False})))[0]  # type: ignore[arg-type]
    kept = {"characters": "\x07", "whitespace": "A  b", "entities": "&amp;", "emails": "c@d.org", "reflow": "ing\nw"}
    assert [name for name, sign in kept.items() if sign in made] == [off]
