"""Word tokens of whole columns are those of one text at a time, at the right characters."""

import unicodedata

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from builder.release.words import Texts, words

TEXTS = st.lists(
    st.text(alphabet=st.sampled_from("ab_1 .-\n\u00a0'é\u0301\u200d👍\ufe0f🇺🇦日ا"), max_size=12), max_size=5
)


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


@given(TEXTS)
def test_columns_are_cut_as_single_texts_are(texts: list[str]) -> None:
    made = Texts.of(pa.array(texts, pa.string()))
    tokens = words(made)
    starts = made.starts.tolist()
    for row, text in enumerate(texts):
        lo, hi = tokens.rows[row], tokens.rows[row + 1]
        places = [(int(a) - starts[row], int(b) - starts[row]) for a, b in zip(tokens.starts, tokens.ends, strict=True)]
        assert places[lo:hi] == plain(text)
        assert tokens.strings(made).to_pylist()[lo:hi] == [text[a:b] for a, b in plain(text)]


def test_slices_of_a_sliced_column_start_at_its_own_texts() -> None:
    column = pa.array(["önly", "the secönd", "x"]).slice(1)
    made = Texts.of(column)
    tokens = words(made)
    assert tokens.strings(made).to_pylist() == ["the", "secönd", "x"]
