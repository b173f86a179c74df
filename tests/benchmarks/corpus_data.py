"""A synthetic news corpus: as many megabytes as asked, the same for the same seed."""

import json
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

_SYLLABLES = [c + v for c in "bdfgklmnprst" for v in ("a", "e", "i", "o", "u", "er", "an")]
_COMMON = ["the", "of", "and", "to", "in", "that", "is", "for", "with", "was", "on", "by"]
SOURCES = ("Northern Post", "Harbour Times", "Daily Ledger", "City Wire")


@lru_cache(maxsize=4)
def _words(seed: int) -> tuple[list[str], list[str], Any]:
    """A vocabulary, a million words drawn from it, and the state of the generator that drew them."""
    r = random.Random(seed)
    vocabulary = ["".join(r.choices(_SYLLABLES, k=r.randint(1, 4))) for _ in range(30_000)]
    vocabulary[: len(_COMMON)] = _COMMON
    weights = [(5 if i < len(_COMMON) else 1) / (i + 8) for i in range(len(vocabulary))]
    return vocabulary, r.choices(vocabulary, weights, k=1_000_000), r.getstate()


class Writer:
    """Draws words by a falling frequency, as in a language; the most frequent are those of English."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.vocabulary, self.pool, state = _words(seed)
        self.random.setstate(state)

    def sentence(self) -> str:
        """A sentence of 6 to 30 words, some with a comma, a name with an initial, a quote or an accent."""
        r = self.random
        at = r.randrange(len(self.pool) - 40)
        words = self.pool[at : at + r.randint(6, 30)]
        r.shuffle(words)
        chance = r.random()
        if chance < 0.1:
            words[2] = f"Mr. {words[2].capitalize()}"
        elif chance < 0.2:
            words[1] = f"“{words[1]}”"
        elif chance < 0.25:
            words[3] = f"{words[3]}é"
        if len(words) > 12:
            words[7] += ","
        return " ".join(words).capitalize() + "."

    def paragraphs(self, count: int) -> list[str]:
        return [" ".join(self.sentence() for _ in range(self.random.randint(1, 4))) for _ in range(count)]

    def article(self, number: int) -> dict[str, str]:
        r = self.random
        return {
            "id": f"a{number}",
            "title": " ".join(self.vocabulary[i] for i in r.choices(range(5000), k=8)).capitalize(),
            "text": "\n".join(self.paragraphs(r.randint(5, 12))),
            "date": f"20{r.randint(10, 24)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}",
            "source": r.choice(SOURCES),
        }


def write(folder: Path, megabytes: float, seed: int = 0, file_mb: float = 4, prefix: str = "news") -> int:
    """Files of lines under `folder`, together so many megabytes; returns the number of articles."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(seed)
    number = total = part = 0
    while total < megabytes * 1e6:
        lines: list[str] = []
        size = 0
        while size < file_mb * 1e6 and total + size < megabytes * 1e6:
            lines.append(json.dumps(writer.article(number), ensure_ascii=False))
            size += len(lines[-1]) + 1
            number += 1
        (folder / f"{prefix}-{part:04}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        total += size
        part += 1
    return number


def edited(text: str, share: float, rng: random.Random) -> str:
    """The text with so large a share of its words replaced, dropped or doubled, in equal parts."""
    out: list[str] = []
    for word in text.split(" "):
        if rng.random() >= share:
            out.append(word)
            continue
        kind = rng.randrange(3)
        if kind == 0:
            out.append("edited")
        elif kind == 2:
            out += [word, "again"]
    return " ".join(out)
