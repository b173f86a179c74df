"""Chunks tile their sections, keep to the budget, never split a sentence that fits, and are what the text says."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus import chunking
from builder.corpus.chunking import ChunkBounds, Chunker, tokenizer
from builder.corpus.settings import CHUNKERS, Chunking
from builder.errors import ConfigError
from builder.sentences import sentences

WORD = st.text(alphabet="abcdé🚀中", min_size=1, max_size=8)
SENTENCE = st.lists(WORD, min_size=1, max_size=14).map(lambda w: " ".join(w).capitalize() + ".")
TEXT = st.lists(st.lists(SENTENCE, min_size=1, max_size=4).map(" ".join), min_size=1, max_size=5).map("\n".join)
ANY = st.text(
    alphabet=st.one_of(st.sampled_from("A. \n\u00a0\t!?,;“”é中🚀"), st.characters(exclude_categories=["Cs"])),
    max_size=80,
)


def cut(text: str, **settings: object) -> list[ChunkBounds]:
    chunker = Chunker(Chunking(**settings))  # type: ignore[arg-type]
    return [piece for _, piece in chunker.cut(text, [("body", 0, len(text))], "en")[0]]


def tiles(text: str, pieces: list[ChunkBounds]) -> None:
    at = 0
    for p in pieces:
        assert not text[at : p.start].strip()
        assert p.start < p.end
        assert text[p.start : p.end] == text[p.start : p.end].strip()
        at = p.end
    assert not text[at:].strip()


@given(ANY)
def test_sentences_leave_out_only_whitespace_and_stay_in_their_line(text: str) -> None:
    at = 0
    for start, end in sentences(text):
        assert not text[at:start].strip()
        assert start < end
        assert "\n" not in text[start:end]
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
        at = end
    assert not text[at:].strip()


@given(ANY, st.sampled_from(sorted(CHUNKERS)), st.sampled_from(["words", "characters"]), st.integers(1, 30))
def test_chunks_tile_any_text(text: str, method: str, unit: str, budget: int) -> None:
    tiles(text, cut(text, method=method, unit=unit, max_tokens=budget))


@given(TEXT, st.sampled_from(["sentences", "paragraphs"]), st.integers(1, 40))
def test_no_chunk_is_over_the_budget(text: str, method: str, budget: int) -> None:
    for piece in cut(text, method=method, max_tokens=budget):
        assert piece.tokens <= budget


@given(TEXT, st.integers(1, 40))
def test_a_sentence_is_split_only_when_it_alone_exceeds_the_budget(text: str, budget: int) -> None:
    found = sentences(text)
    sizes = dict(zip(found, Chunker(Chunking()).counter.sizes(text, found), strict=True))
    for piece in cut(text, max_tokens=budget):
        for a, b in found:
            if (a < piece.start < b or a < piece.end < b) and sizes[a, b] <= budget:
                pytest.fail(f"{text[a:b]!r} was split")


@given(TEXT)
def test_every_sentence_is_counted_once(text: str) -> None:
    for method in CHUNKERS:
        assert sum(p.sentences for p in cut(text, method=method, max_tokens=9)) == len(sentences(text))


def test_sections_are_never_mixed() -> None:
    text = "One. Two.\nThree. Four."
    pieces, _ = Chunker(Chunking()).cut(text, [("summary", 0, 9), ("body", 10, len(text))], "en")
    assert [(kind, text[p.start : p.end]) for kind, p in pieces] == [("summary", "One. Two."), ("body", "Three. Four.")]


def test_a_full_enough_chunk_ends_with_its_paragraph() -> None:
    text = "One two three four five six.\nSeven eight nine. Ten eleven twelve."
    first, second = text.split("\n")
    assert [text[p.start : p.end] for p in cut(text, max_tokens=10)] == [first, second]
    packed = [f"{first}\nSeven eight nine.", "Ten eleven twelve."]
    assert [text[p.start : p.end] for p in cut(text, max_tokens=10, min_fill=1)] == packed


def test_a_tiny_last_chunk_is_evened_out() -> None:
    text = " ".join(["One two three four."] * 6)
    assert [p.tokens for p in cut(text, max_tokens=20)] == [12, 12]


def test_a_sentence_over_the_budget_is_cut_between_clauses_first() -> None:
    text = "one two three four, five six seven; eight nine."
    assert [text[p.start : p.end] for p in cut(text, max_tokens=4)] == [
        "one two three four,",
        "five six seven;",
        "eight nine.",
    ]


@given(ANY.map(lambda text: text.replace(".", ",")), st.integers(1, 9))
def test_a_huge_sentence_is_cut_a_stretch_at_a_time(text: str, budget: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunking, "_STRETCH", 20)
        pieces = cut(text, max_tokens=budget)
    tiles(text, pieces)
    assert all(p.tokens <= budget for p in pieces)


def test_text_without_spaces_is_cut_too() -> None:
    pieces = cut("中" * 5000, max_tokens=50)
    assert max(p.end - p.start for p in pieces) <= 200
    tiles("中" * 5000, pieces)


def test_windows_of_fixed_size() -> None:
    text = "one two. three four five."
    assert [text[p.start : p.end] for p in cut(text, method="tokens", max_tokens=3)] == ["one two. three", "four five."]
    dense = cut("中" * 5000, method="tokens", max_tokens=50)
    assert {p.end - p.start for p in dense} == {100}


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small byte-level tokenizer trained on the spot."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(["the cat sat on the mat and the hat"] * 20, trainer)
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(path))
    return str(path)


@pytest.mark.parametrize("method", sorted(CHUNKERS))
def test_a_tokenizer_file_counts_the_budget(tokenizer_file: str, method: str) -> None:
    text = "The cat 🚀 sat on the mat. The hat sat on the café, naïvely.\nAnd the mat sat.\n" + "x" * 300
    text += "\n" + "🚀" * 40
    pieces = cut(text, unit="tokenizer", tokenizer=tokenizer_file, method=method, max_tokens=16)
    tiles(text, pieces)
    model = tokenizer(tokenizer_file)
    assert [len(model.encode(text[p.start : p.end]).ids) for p in pieces] == [p.tokens for p in pieces]
    if method != "article":
        assert len(pieces) > 3
        assert max(p.tokens for p in pieces) <= 16


def test_a_tokenizer_file_that_pads_or_cuts_texts_counts_them_whole(tokenizer_file: str, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(tokenizer_file)
    text = "The cat sat on the mat. The hat sat on the mat, and the cat."
    whole = len(made.encode(text).ids)
    made.enable_padding(length=4 * whole)
    made.save(str(tmp_path / "padding.json"))
    made.no_padding()
    made.enable_truncation(2)
    made.save(str(tmp_path / "truncation.json"))
    for name in ("padding", "truncation"):
        (piece,) = cut(text, unit="tokenizer", tokenizer=str(tmp_path / f"{name}.json"), method="article")
        assert piece.tokens == whole, name


@given(TEXT, st.sampled_from(sorted(CHUNKERS)), st.integers(8, 40))
def test_a_chunk_has_as_many_tokens_as_a_model_will_see(
    tokenizer_file: str, text: str, method: str, budget: int
) -> None:
    pieces = cut(text, unit="tokenizer", tokenizer=tokenizer_file, method=method, max_tokens=budget)
    model = tokenizer(tokenizer_file)
    seen = [len(model.encode(text[p.start : p.end]).ids) for p in pieces]
    assert method == "article" or max(seen) <= budget
    assert seen == [p.tokens for p in pieces]


@given(TEXT, st.sampled_from(sorted(CHUNKERS)), st.integers(1, 60))
def test_a_chunk_has_as_many_characters_as_its_text(text: str, method: str, budget: int) -> None:
    pieces = cut(text, unit="characters", method=method, max_tokens=budget)
    assert method == "article" or max(p.end - p.start for p in pieces) <= budget
    assert all(p.end - p.start == p.tokens for p in pieces)


def test_a_missing_tokenizer_is_named(tmp_path: object) -> None:
    with pytest.raises(ConfigError, match="There is no tokenizer file"):
        Chunker(Chunking(unit="tokenizer", tokenizer=f"{tmp_path}/none.json"))


def test_chunks_are_in_order() -> None:
    text = "\n".join("A sentence here. Another one there." for _ in range(30))
    assert all(a.end < b.start for a, b in pairwise(cut(text, max_tokens=20)))


def texts(text: str, **settings: object) -> list[str]:
    return [text[p.start : p.end] for p in cut(text, **settings)]


def test_a_chunk_holds_what_just_fits() -> None:
    text = "One two three. Four five six."
    assert texts(text, max_tokens=6) == [text]
    assert texts(text, max_tokens=5) == ["One two three.", "Four five six."]
    assert texts("One two three.", max_tokens=3) == ["One two three."]
    assert texts("One two three.", max_tokens=2) == ["One two", "three."]


def test_a_chunk_is_full_enough_from_min_fill_on() -> None:
    text = "One two three four.\nFive six seven eight. Nine ten eleven."
    assert texts(text, max_tokens=10, min_fill=0.4) == ["One two three four.", "Five six seven eight. Nine ten eleven."]
    assert texts(text, max_tokens=10, min_fill=0.41) == [
        "One two three four.\nFive six seven eight.",
        "Nine ten eleven.",
    ]


def test_every_chunk_is_full_enough_from_min_fill_on() -> None:
    before = "A b c d e f g h i j."
    text = f"{before}\nOne two three four.\nFive six seven eight. Nine ten eleven."
    for least, chunks in (
        (0.4, ["One two three four.", "Five six seven eight. Nine ten eleven."]),
        (0.41, ["One two three four.\nFive six seven eight.", "Nine ten eleven."]),
    ):
        assert texts(text, max_tokens=10, min_fill=least) == [before, *chunks]


FOUR = "One two three four."


def test_a_last_chunk_is_evened_out_below_a_quarter_of_the_budget() -> None:
    assert [p.tokens for p in cut(" ".join([*[FOUR] * 3, "Five six seven."]), max_tokens=12)] == [12, 3]
    assert [p.tokens for p in cut(" ".join([*[FOUR] * 3, "Five six."]), max_tokens=12)] == [8, 6]


def test_evening_out_prefers_the_end_of_a_paragraph() -> None:
    sizes = [p.tokens for p in cut(f"{FOUR} {FOUR}\n{FOUR} {FOUR} {FOUR} Five.", max_tokens=20, min_fill=1)]
    assert sizes == [8, 13]
    sizes = [p.tokens for p in cut(f"{FOUR} {FOUR} {FOUR} {FOUR} {FOUR} Five.", max_tokens=20, min_fill=1)]
    assert sizes == [12, 9]


def test_words_count_bytes_where_there_are_no_spaces_and_characters_of_chinese() -> None:
    for text, size in (
        ("a" * 12, 1),
        ("a" * 24, 2),
        ("a" * 23, 1),
        ("中" * 12, 6),
        ("中" * 13, 7),
        ("中文, ABC 中", 3),
        ("ก" * 13, 3),
        ("ab cd", 2),
        ("ab  cd", 2),
    ):
        (piece,) = cut(text, method="article")
        assert piece.tokens == size, text


@given(st.text("aé. \n\xa0\t!“🚀", max_size=80))
def test_words_of_sentences_are_what_is_between_whitespace(text: str) -> None:
    found = sentences(text)
    sizes = Chunker(Chunking()).counter.sizes(text, found)
    for (start, end), size in zip(found, sizes, strict=True):
        words = len(text[start:end].split())
        assert size == words or end - start > 12 * words


def test_windows_cut_no_word_that_fits() -> None:
    assert texts("ab cd  ef", method="tokens", unit="characters", max_tokens=3) == ["ab", "cd", "ef"]
    assert [p.tokens for p in cut("ab cd  ef", method="tokens", unit="characters", max_tokens=5)] == [5, 2]
    assert texts("ab cdefg", method="tokens", unit="characters", max_tokens=3) == ["ab", "cde", "fg"]


def test_a_window_counts_the_sentences_that_begin_in_it() -> None:
    pieces = cut("One two. Three four. Five.", method="tokens", max_tokens=3)
    assert [(p.tokens, p.sentences) for p in pieces] == [(3, 2), (2, 1)]


def test_a_sentence_over_the_budget_is_counted_like_the_text_it_is_in() -> None:
    text = "A.\nA.\nA aaa中."  # the last line alone would pass for one with spaces
    assert [(text[c.start : c.end], c.tokens) for c in cut(text, max_tokens=1)][2:] == [(c, 1) for c in "Aaaa中."]


def test_each_way_of_cutting_ends_chunks_where_it_says() -> None:
    text = "One two. Three four.\nFive six seven. Eight.\nNine."
    first, second, third = text.split("\n")
    assert texts(text, method="paragraphs") == [first, second, third]
    assert texts(text, method="paragraphs", max_tokens=3) == [
        *first.replace(". ", ".|").split("|"),
        *second.replace(". ", ".|").split("|"),
        third,
    ]
    assert texts(text, method="article", max_tokens=1) == [text]
    assert texts(text, method="tokens", max_tokens=5) == ["One two. Three four.\nFive", "six seven. Eight.\nNine."]
    counted = [(p.tokens, p.sentences) for p in cut(text, method="tokens", max_tokens=5)]
    assert counted == [(5, 3), (4, 2)]
    assert [(p.tokens, p.sentences) for p in cut(text, method="article")] == [(9, 5)]
    assert [(p.tokens, p.sentences) for p in cut(text, method="paragraphs")] == [(4, 2), (4, 2), (1, 1)]
