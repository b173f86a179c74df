"""Settings of splits and releases."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from builder.errors import Fault
from builder.settings import Rules, limits, setting

SPLITTERS = ("hash", "stratified", "time")
FORMATS = ("jsonl", "conll", "spacy")
SplitName = Annotated[
    str, limits(pattern=r"^[a-z][a-z0-9_]*$(?!\n)", allowed="lower-case letters, digits and '_', as in train")
]


@dataclass
class Split:
    """How articles are divided. An article that was released keeps its split in every later release."""

    method: str = setting("hash", "How articles are divided; the choices of this group describe it.", choices=SPLITTERS)
    ratios: dict[SplitName, Annotated[float, limits(ge=0)]] = setting(
        {"train": 0.7, "validation": 0.15, "test": 0.15},
        "Share of the clusters per split, in order. Shares need not add up to 1.",
        example="split.ratios={train: 0.8, validation: 0.1, test: 0.1}",
    )
    seed: int = setting(0, "Another seed divides articles otherwise.")
    near: float = setting(0.7, "Jaccard similarity from which one of two texts in two splits is left out.", gt=0, le=1)
    until: dict[str, str] = setting(
        {},
        "Method `time`: last day (UTC) of each split but the last. Empty: days that meet the ratios.",
        example="split.until={train: '2025-06-30', validation: '2025-09-30'}",
    )

    def rules(self) -> Rules:
        if not sum(self.ratios.values()) > 0:
            yield Fault("ratios", "they leave no room for any article.", "Give at least one split a share.")
        for name, day in self.until.items():
            if name not in self.ratios:
                yield Fault(f"until.{name}", "the split has no ratio.", f"Known: {', '.join(self.ratios)}.")
            try:
                date.fromisoformat(day)
            except ValueError:
                yield Fault(f"until.{name}", f"{day!r} is not a day.", "Write it as 2025-06-30.")


@dataclass
class Export:
    """What a release holds and in which form."""

    configs: list[str] = setting(
        [],
        "Configurations to release, in this order: `entities`, `evidence`, `annotations`, and those of answers by the "
        "name of their question. Empty: all that the scheme gives.",
    )
    variant: str = setting(
        "",
        "If not empty, the release is called `<dataset.name>-<variant>`, beside the main one.",
        pattern=r"^[a-z0-9._-]{0,64}$(?!\n)",
        allowed="at most 64 lower-case letters, digits, '.', '_' and '-'",
    )
    granularity: str = setting(
        "chunk",
        "One row of `entities`: a chunk, one of its sentences, or the annotated parts of an article, joined.",
        choices=("chunk", "sentence", "article"),
    )
    tokenizer: str = setting("words", "`words`, or a tokenizer.json, to add `input_ids` and `labels`.", min_length=1)
    tags: str = setting("bio", "Scheme of the tags of tokens.", choices=("bio", "bioes", "none"))
    nested: str = setting("outer", "Which of two nested spans the tags keep.", choices=("outer", "inner"))
    text: bool = setting(True, "Write texts, and spans in them.")
    tokens: bool = setting(True, "Write tokens and their tags.")
    entities: dict[str, str | None] = setting(
        {}, "Entity labels to rename or (null) leave out.", example="export.entities={WEAPON: MILITARY, EVENT: null}"
    )
    stance: dict[str, str | None] = setting(
        {}, "Stance labels to rename or (null) leave out.", example="export.stance={none: null}"
    )
    targets: list[str] = setting([], "Targets to release. Empty: all.")
    min_probability: float = setting(0.0, "Gold with a lower probability is left out and counted.", ge=0, le=1)
    min_agreement: float = setting(0.0, "Gold with a smaller share of votes is left out and counted.", ge=0, le=1)
    below_gates: bool = setting(False, "Release although a quality gate does not hold; the card says which.")
    formats: list[Annotated[str, limits(choices=FORMATS)]] = setting(
        [], "Files beside Parquet; `conll` (CoNLL-2003) and `spacy` hold `entities`."
    )
    repo: str = setting("", "Repository on the Hugging Face Hub for `builder publish`: owner/name.")
    private: bool = setting(True, "Whether a repository that `builder publish` creates is private.")
    shard_rows: int = setting(100_000, "Most rows per Parquet file.", ge=1)
    group_rows: int = setting(20_000, "Rows per row group; a streaming reader holds one in memory.", ge=1)

    def rules(self) -> Rules:
        if not (self.text or self.tokens):
            yield Fault("tokens", "it is off, as is export.text.", "Keep at least one.")
        if self.configs and "entities" not in self.configs:
            return
        if "conll" in self.formats and not (self.tokens and self.tags != "none"):
            yield Fault("formats", "conll needs tags.", "Set export.tokens=true and export.tags=bio.")
        if "spacy" in self.formats and not (self.text and self.tokens):
            yield Fault("formats", "spacy needs texts and tokens.", "Set export.text and export.tokens to true.")
