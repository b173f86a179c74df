"""Text is read in one way: tokens and their characters, whole-word mentions, and similarity."""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.text import Texts, Tokens, is_printable, mentions, similarity, strings, token_spans, words

ALPHABET = "ab_1 .-\n\u00a0'é\u0301\u200d👍\ufe0f🇺🇦日اन\u094d\u093c"
TEXTS = st.lists(st.text(alphabet=st.sampled_from(ALPHABET), max_size=12), max_size=5)


def kind(char: str) -> str:
    category = unicodedata.category(char)
    if char.isspace() or category == "Cc":
        return "space"
    if category[0] == "M" or char == "\u200d":
        return "mark"
    return "word" if char.isalnum() or char == "_" else "other"


def plain(text: str) -> list[tuple[int, int]]:
    """The definition, one character at a time."""
    out: list[list[int]] = []
    before = "space"
    for i, char in enumerate(text):
        now = kind(char)
        if now == "mark" and before != "space":
            out[-1][1] = i + 1
            continue
        now = "word" if now == "mark" else now
        if now == "word" and before == "word":
            out[-1][1] = i + 1
        elif now != "space":
            out.append([i, i + 1])
        before = now
    return [(a, b) for a, b in out]


@settings(deadline=None)
@given(TEXTS)
def test_columns_are_cut_as_single_texts_are(texts: list[str]) -> None:
    made = Texts.of(pa.array(texts, pa.string()))
    tokens = words(made)
    starts = made.starts.tolist()
    for row, text in enumerate(texts):
        lo, hi = tokens.rows[row], tokens.rows[row + 1]
        places = [(int(a) - starts[row], int(b) - starts[row]) for a, b in zip(tokens.starts, tokens.ends, strict=True)]
        assert places[lo:hi] == plain(text)
        assert token_spans(text) == plain(text)
        assert tokens.strings(made).to_pylist()[lo:hi] == [text[a:b] for a, b in plain(text)]


def test_marks_stay_with_their_word() -> None:
    text = "न्यूज़ देखी, बिहार."
    assert [text[a:b] for a, b in token_spans(text)] == ["न्यूज़", "देखी", ",", "बिहार", "."]
    column = Texts.of(pa.array([text]))
    assert words(column).strings(column).to_pylist() == ["न्यूज़", "देखी", ",", "बिहार", "."]


def test_slices_of_a_sliced_column_start_at_its_own_texts() -> None:
    column = pa.array(["önly", "the secönd", "x"]).slice(1)
    made = Texts.of(column)
    tokens = words(made)
    assert tokens.strings(made).to_pylist() == ["the", "secönd", "x"]


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        ("Xi", ["Xi spoke", "(Xi)", "Xi's"], ["xi", "XI", "taXi", "Xinhua", "Xi_1"]),
        ("USA", ["the USA."], ["usa", "USAF"]),
        ("Nato", ["Nato", "NATO", "nato's"], ["Natos", "nAtO2"]),
        ("NATO", ["NATO", "(NATO)"], ["Nato", "nato"]),
        ("U.S.", ["The U.S. said", "U.S.-led"], ["u.s. law", "U.S.A"]),
        ("Bank of Japan", ["BANK OF JAPAN", "the Bank of Japan's"], ["Bank  of Japan", "Bank of Japanese"]),
        ("न्यूज", ["न्यूज 24", "«न्यूज»"], ["न्यूज़ 24", "न्यूजर"]),
        ("市政府", ["昨天市政府宣布", "市政府"], ["市政", "政府"]),
        ("東京", ["首相は東京で述べた"], ["京東"]),
        ("กรุงเทพ", ["ที่กรุงเทพเมื่อวันพุธ"], ["กรุง"]),
        ("서울", ["그는 서울은 춥다고"], ["서 울"]),
        ("Kyiv", ["🚀\ufe0fKyiv", "é Kyiv"], ["e\u0301Kyiv", "Kyiv\u0301"]),
    ],
)
def test_a_name_is_mentioned_as_a_whole_word(name: str, yes: list[str], no: list[str]) -> None:
    pattern = mentions([name])
    assert [bool(pattern.search(text)) for text in yes] == [True] * len(yes)
    assert [bool(pattern.search(text)) for text in no] == [False] * len(no)


def test_the_length_from_which_case_does_not_matter() -> None:
    assert not mentions(["Ira"]).search("ira")
    assert mentions(["Iran"]).search("iran")


def test_the_longest_name_is_found_and_blank_ones_find_nothing() -> None:
    assert [m[0] for m in mentions(["Japan", "Bank of Japan"]).finditer("Bank of Japan, Japan")] == [
        "Bank of Japan",
        "Japan",
    ]
    assert not mentions([]).search("")
    assert not mentions(["", " "]).search(" a ")
    assert mentions(["", "a+b"]).search("a+b")
    assert not mentions(["a+b"]).search("aab")


@settings(deadline=None)
@given(st.text(alphabet=st.sampled_from("aA 1'.日न\u094d\u0301"), max_size=12))
def test_mentions_begin_and_end_with_tokens(text: str) -> None:
    text = re.sub("([\u094d\u0301])[\u094d\u0301]+", r"\1", text)  # of several marks after a symbol only one is known
    spans = token_spans(text)
    for name in ("a", "aA", "न"):
        found = [m.span() for m in mentions([name]).finditer(text)]
        assert found == [(a, b) for a, b in spans if text[a:b] == name]


def test_a_text_is_printable_when_its_only_spaces_are_plain() -> None:
    texts = ["a b\nc", "a\tb", "a\u00a0b", "", "é🚀", "a\rb"]
    assert [is_printable(text) for text in texts for _ in range(2)] == [
        answer for answer in (True, False, False, True, True, False) for _ in range(2)
    ]


def test_similarity_is_what_two_sets_share() -> None:
    a, b = {1, 2, 3}, {2, 3, 4, 5}
    assert similarity(a, b) == similarity(np.array([1, 2, 3]), np.array([2, 3, 4, 5])) == 2 / 5
    assert similarity(a, a) == 1
    assert similarity(a, {9}) == 0
    assert similarity(set(), set()) == similarity(np.array([]), np.array([])) == 0


@pytest.mark.parametrize("texts", [["One two", "", "three"], ["Sinéad 🚀 met", "", "東京 x"]])
def test_tokens_and_slices_have_their_texts(texts: list[str]) -> None:
    column = Texts.of(pa.array(texts))
    tokens = words(column)
    expected = [text[a:b] for text in texts for a, b in token_spans(text)]
    assert tokens.strings(column).to_pylist() == expected
    apart = Tokens(tokens.rows, tokens.starts, tokens.ends)
    assert apart.strings(column).to_pylist() == expected
    assert column.slices(tokens.starts[::-1], tokens.ends[::-1]).to_pylist() == expected[::-1]
    assert (len(tokens), column.slices(tokens.starts[:0], tokens.ends[:0]).to_pylist()) == (len(expected), [])


def test_more_text_than_one_array_holds_is_refused() -> None:
    with pytest.raises(OverflowError, match="more than 2 GiB of text in one batch"):
        strings(np.zeros(0, np.uint8), np.array([0, 2**31]))
