"""Words and runs of words have the hashes of their letters, however the texts are cut into blocks."""

import re

import numpy as np
import pyarrow as pa
import pytest

from builder import hashing
from builder.hashing import mixed, word_hashes, word_runs
from tests.benchmarks.corpus_data import Writer


@pytest.fixture(scope="module")
def paragraphs() -> list[str]:
    """News-like texts of one to four sentences; to draw the words of a writer takes long."""
    return Writer(0).paragraphs(28)


def runs(texts: list[str], size: int = 3) -> tuple[hashing.Hashes, hashing.Ints]:
    return word_runs(*word_hashes(texts), size)


def reference(text: str, size: int) -> set[tuple[str, ...]]:
    """Word shingles the plain way."""
    words = re.findall(r"[^\W_]+", text.lower())
    return {tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))} if words else set()


def test_shingles_are_those_of_the_plain_way(paragraphs: list[str]) -> None:
    texts = [
        "",
        "One",
        "one two",
        *(" ".join(paragraphs[at : at + 3]) for at in range(0, 15, 3)),
        "“Quoted” — it’s done…",
        "ab ab ab ab",
    ]
    flat, offsets = runs(texts)
    for i, text in enumerate(texts):
        assert len(set(flat[offsets[i] : offsets[i + 1]].tolist())) == len(reference(text, 3))


def test_case_and_punctuation_do_not_matter_but_words_do() -> None:
    flat, offsets = runs(["Hello, big WORLD!", "hello big world", "hello big word"])
    first, second, third = (flat[offsets[i]] for i in range(3))
    assert first == second != third


def test_characters_without_spaces_are_words_of_their_own() -> None:
    assert len(hashing.word_hashes(["日本政府 said 東京"])[0]) == 7


def test_shingles_do_not_depend_on_the_batch(paragraphs: list[str]) -> None:
    texts = [" ".join(paragraphs[at : at + 2]) for at in range(15, 23, 2)] + ["short", ""]
    flat, offsets = runs(texts)
    for i, text in enumerate(texts):
        assert flat[offsets[i] : offsets[i + 1]].tolist() == runs([text])[0].tolist()


def test_a_long_text_is_hashed_in_pieces_with_the_same_result(
    paragraphs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["Short one here.", " ".join(paragraphs[23:28]), "", "x" * 50 + " end", "日本 news"]
    whole = hashing.word_hashes(texts)
    monkeypatch.setattr(hashing, "_BLOCK", 40)
    pieces = hashing.word_hashes(texts)
    # Only a word longer than a piece is another one.
    assert pieces[1].tolist() == [*whole[1][:4].tolist(), *(whole[1][4:] + 1).tolist()]
    assert pieces[0][: whole[1][3]].tolist() == whole[0][: whole[1][3]].tolist()
    assert pieces[0][-4:].tolist() == whole[0][-4:].tolist()


def test_words_end_where_their_text_ends() -> None:
    apart = word_hashes(["one", "two", "", "three"])
    assert apart[1].tolist() == [0, 1, 2, 2, 3]
    assert apart[0].tolist() == word_hashes(["one two three"])[0].tolist()
    column = pa.array(["zero", "one", "two", "", "three"]).slice(1)
    assert word_hashes(column)[0].tolist() == apart[0].tolist()
    assert word_hashes([])[1].tolist() == [0]


def test_bits_are_mixed_as_splitmix64_does() -> None:
    assert mixed(np.array([0, 1], np.uint64)).tolist() == [0, 6238072747940578789]


def test_a_word_is_hashed_as_a_number_of_its_bytes() -> None:
    """To an odd base, lower-cased in ASCII: the hashes of a corpus are kept, so they must stay the same."""
    base, words = 0x9E3779B97F4A7C15, ["a", "Ab", "Über", "x9" * 40]
    numbers = [sum(b * base**i for i, b in enumerate(word.encode().lower())) % 2**64 for word in words]
    assert word_hashes([" ".join(words)])[0].tolist() == word_hashes(words)[0].tolist() == numbers


@pytest.mark.parametrize("size", [2**16, 2**16 + 1, 2**17 + 1])
def test_a_block_of_any_size_has_powers_enough(size: int) -> None:
    words = ["x" * (size - 2), "b"]
    assert word_hashes([" ".join(words)])[0].tolist() == word_hashes(words)[0].tolist()


def test_a_run_of_words_is_hashed_as_a_number_of_its_words() -> None:
    base, words = 0x9E3779B97F4A7C15, [3, 5, 2**63, 7]
    hashes, offsets = word_runs(np.array(words, np.uint64), np.array([0, 3, 3, 4]), 2)
    numbers = [(a * base + b) % 2**64 for a, b in ((3, 5), (5, 2**63), (0, 7))]
    assert hashes.tolist() == mixed(np.array(numbers, np.uint64)).tolist()
    assert offsets.tolist() == [0, 2, 2, 3]


@pytest.mark.parametrize("mark", ["\x7f", "\x1f", "\u0080", "\u00bf", "\u2000", "\u2fff", "-", "_", "\u00b7"])
def test_punctuation_parts_words(mark: str) -> None:
    """Also at the end, and where a block ends inside it."""
    assert word_hashes([f"ab{mark}cd"])[0].tolist() == word_hashes(["ab cd"])[0].tolist()
    assert word_hashes([f"ab{mark}"])[0].tolist() == word_hashes(["ab"])[0].tolist()


def test_a_block_may_end_inside_a_character(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in (3, 4):
        monkeypatch.setattr(hashing, "_BLOCK", size)
        assert word_hashes(["ab\u2026"])[0][:1].tolist() == word_hashes(["ab"])[0].tolist()


@pytest.mark.parametrize("letter", ["\u00c0", "\u1fff", "\u0301", "9"])
def test_letters_and_marks_are_inside_words(letter: str) -> None:
    assert len(word_hashes([f"ab{letter}cd"])[0]) == 1


@pytest.mark.parametrize("first", ["\u3000", "\u3040", "\uac00", "\ud7a3"])
def test_each_character_of_a_script_without_spaces_begins_a_word(first: str) -> None:
    assert [len(word_hashes([text])[0]) for text in (first, first * 3, f"ab{first}")] == [1, 3, 2]
