"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

import re
from dataclasses import dataclass, field

from builder.errors import ConfigError

SPLIT_METHODS = ("hash", "stratified", "time")
GRANULARITIES = ("chunk", "sentence", "article")
TAGS = ("bio", "bioes", "none")
NESTED = ("outer", "inner")
FORMATS = ("jsonl", "conll", "spacy")
_VARIANT = re.compile(r"[a-z0-9._-]{0,64}\Z")
_SPLIT = re.compile(r"[a-z][a-z0-9_]*\Z")


def _choice(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(f"{name} is {value!r}.", f"Choose one of {', '.join(known)}.")


@dataclass
class Split:
    """How articles are divided. An article that was released keeps its split in every later release."""

    #: "hash": by a hash of the near-duplicate cluster; "stratified": so that labels spread evenly; "time": by `until`.
    method: str = "hash"
    #: Share of the clusters each split gets, in the order in which splits are listed; they need not add up to 1.
    ratios: dict[str, float] = field(default_factory=lambda: {"train": 0.7, "validation": 0.15, "test": 0.15})
    seed: int = 0
    #: Jaccard similarity of word runs from which texts in two splits are near-duplicates; one of them is left out.
    near: float = 0.7
    #: Method "time": the last day (ISO, UTC) of each split but the last. Empty: days are chosen so that ratios hold.
    until: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _choice("split.method", self.method, SPLIT_METHODS)
        for name, ratio in self.ratios.items():
            if not _SPLIT.match(name):
                raise ConfigError(
                    f"split.ratios names {name!r}.", "Use lower-case letters, digits and '_', as in train."
                )
            if ratio < 0:
                raise ConfigError(f"split.ratios.{name} is {ratio}.", "A share is not negative.")
        if not sum(self.ratios.values()) > 0:
            raise ConfigError("split.ratios leaves no room for any article.", "Give at least one split a share.")
        if not 0 < self.near <= 1:
            raise ConfigError(f"split.near is {self.near}.", "It lies above 0 and at most at 1.")
        unknown = set(self.until) - set(self.ratios)
        if unknown:
            raise ConfigError(
                f"split.until names {sorted(unknown)[0]!r}, which has no ratio.", "Add it to split.ratios."
            )


@dataclass
class Export:
    """What a release holds and in which form."""

    #: Configurations to release, in this order; empty: all that the scheme gives. Those of answers are called after
    #: their question.
    configs: list[str] = field(default_factory=list)
    #: Released as `<dataset.name>-<variant>` when not empty, so that several variants of one pull live side by side.
    variant: str = ""
    #: What one row of `entities` is: a chunk, a sentence of it, or the annotated stretch of an article.
    granularity: str = "chunk"
    #: "words", or the path of a Hugging Face tokenizer.json, which adds `input_ids` and aligned `labels`.
    tokenizer: str = "words"
    tags: str = "bio"
    #: Which of two spans in the same tokens the tags keep; `entities` always keeps both.
    nested: str = "outer"
    text: bool = True
    tokens: bool = True
    #: Entity labels to rename or merge (`WEAPON: MILITARY`) or to leave out (`EVENT: null`). The others stay.
    entities: dict[str, str | None] = field(default_factory=dict)
    #: Stance labels to rename, merge or leave out, likewise.
    stance: dict[str, str | None] = field(default_factory=dict)
    #: Targets to keep; empty: all.
    targets: list[str] = field(default_factory=list)
    #: Gold below this probability is left out, and counted on the card.
    min_probability: float = 0.0
    #: Gold on which a smaller share of the votes agrees is left out, and counted on the card.
    min_agreement: float = 0.0
    #: Release although a quality gate does not hold; the card then says which.
    below_gates: bool = False
    #: Files beside Parquet: "jsonl" for every configuration, "conll" (CoNLL-2003) and "spacy" (DocBin) for entities.
    formats: list[str] = field(default_factory=list)
    #: Where `builder publish` uploads to, as `owner/name` on the Hub, and whether a repository it makes is private.
    repo: str = ""
    private: bool = True
    #: Most rows a Parquet file, and rows a row group: streaming readers hold one row group at a time.
    shard_rows: int = 100_000
    group_rows: int = 20_000

    def __post_init__(self) -> None:
        for name in self.formats:
            _choice("export.formats", name, FORMATS)
        if not _VARIANT.match(self.variant):
            raise ConfigError(
                f"export.variant is {self.variant!r}.", "Use lower-case letters, digits, '.', '_' and '-'."
            )
        _choice("export.granularity", self.granularity, GRANULARITIES)
        _choice("export.tags", self.tags, TAGS)
        _choice("export.nested", self.nested, NESTED)
        if not (self.text or self.tokens):
            raise ConfigError("export.text and export.tokens are both off.", "Keep at least one.")
        for name in ("min_probability", "min_agreement"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"export.{name} is {getattr(self, name)}.", "It lies between 0 and 1.")
        for name in ("shard_rows", "group_rows"):
            if getattr(self, name) < 1:
                raise ConfigError(f"export.{name} is {getattr(self, name)}.", "It is at least 1.")
