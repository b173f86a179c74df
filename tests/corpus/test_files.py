"""Patterns for paths mean what fsspec says, and no pattern makes a path take long."""

import re

import pytest
from fsspec.utils import glob_translate
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.files import matcher
from builder.errors import ConfigError

SEGMENTS = ["*", "**", "a", "a*", "*a", "*a*b", "?b", "[ab]*", "[!a]", "b*a*", "[*]", "x.y", "*.*", "[]a]"]
NAMES = ["a", "b", "ab", "ba", "aab", "bab", "abab", "x.y", "*", "xxy", "]", "b.b"]


@given(
    st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=5).map("/".join),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=6).map("/".join),
)
def test_a_pattern_means_what_it_means_elsewhere(pattern: str, path: str) -> None:
    assert bool(matcher([pattern]).match(path)) == bool(re.match(glob_translate(pattern), path))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**/" * 12 + "x", "a/" * 5000 + "y"),
        ("/".join(["**", "a"] * 12) + "/x", "a/" * 5000 + "y"),
        ("*a" * 12 + "x", "a" * 10_000 + "y"),
        ("**/" + "*a" * 6 + "*/**/x", "aaaaaaaa/" * 2000 + "y"),
        ("**/*/" * 12 + "x", "a/" * 5000 + "y"),
    ],
)
@pytest.mark.timeout(20)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    """Tried in every way, each of these would take years."""
    assert not matcher([pattern]).match(path)
    assert matcher([pattern]).match(re.sub("y$", "a/x" if pattern.endswith("/x") else "ax", path))


def test_several_patterns_are_alternatives() -> None:
    either = matcher(["a/*", "b/**"])
    assert [bool(either.match(path)) for path in ("a/x", "a/x/y", "b/x/y", "c")] == [True, False, True, False]
    assert not matcher([]).match("a")
    with pytest.raises(ConfigError, match=r"patterns x, a\*\* is not valid"):
        matcher(["x", "a**"])
