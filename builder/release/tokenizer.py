"""Tokens of a Hugging Face tokenizer file, with its ids and the places of its tokens among them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from builder.errors import ConfigError
from builder.store import file_digest
from builder.text import SPACE, Ints, Texts, Tokens, class_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

IGNORED = -100


@dataclass(frozen=True)
class Encoded:
    """`ids[rows[r]:rows[r + 1]]` is the encoding of text r; `places` says which of `ids` each token is."""

    tokens: Tokens
    ids: Ints
    rows: Ints
    places: Ints

    def labels(self, tags: Ints) -> Ints:
        """One label per id: the tag of its token, or -100 for special ids and for pieces without characters."""
        found = np.full(len(self.ids), IGNORED, np.int64)
        found[self.places] = tags
        return found


@cache
def _load(path: str, digest: str) -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def tokenizer_digest(path: str) -> str:
    """sha256 of the tokenizer file; raises `ConfigError` when there is none."""
    if not Path(path).is_file():
        raise ConfigError(f"export.tokenizer is {path!r}, which is no file.", "Write words, or a tokenizer.json.")
    return file_digest(Path(path))


def encode(column: pa.Array, texts: Texts, path: str) -> Encoded:
    """The texts encoded with special tokens; a token is a piece trimmed to its characters, and has at least one.

    Offsets of the tokenizer count code points. Raises `ConfigError` when the file is missing.
    """
    tokenizer = _load(path, tokenizer_digest(path))
    encodings = tokenizer.encode_batch(column.to_pylist(), add_special_tokens=True)
    rows = np.concatenate([[0], np.cumsum([len(e.ids) for e in encodings])]).astype(np.int64)
    ids = np.array([i for e in encodings for i in e.ids], np.int64)
    special = np.array([i for e in encodings for i in e.special_tokens_mask], np.bool_)
    offsets = np.array([pair for e in encodings for pair in e.offsets], np.int64).reshape(-1, 2)
    owner = np.repeat(np.arange(len(encodings)), np.diff(rows))
    starts, ends = offsets[:, 0] + texts.starts[owner], offsets[:, 1] + texts.starts[owner]
    blank = np.append(class_of(texts.points) == SPACE, False)
    while (moving := (starts < ends) & blank[starts]).any():
        starts = starts + moving
    while (moving := (starts < ends) & blank[ends - 1]).any():
        ends = ends - moving
    kept = np.flatnonzero(~special & (starts < ends))
    counts = np.bincount(owner[kept], minlength=len(encodings))
    return Encoded(
        Tokens(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), starts[kept], ends[kept]), ids, rows, kept
    )
