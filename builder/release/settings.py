"""Settings of splits and releases."""

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from msgspec import Meta

from builder.errors import Fault
from builder.settings import Rules, one_of

SPLITTERS = ("hash", "stratified", "time")
FORMATS = ("jsonl", "conll", "spacy")
Renames = dict[str, str | None]


@dataclass
class Split:
    """How articles are divided. An article that was released keeps its split in every later release."""

    method: Annotated[
        str,
        one_of(
            SPLITTERS,
            "`hash`: by a hash of the near-duplicate cluster. `stratified`: clusters are placed so that labels spread "
            "evenly. `time`: older articles first, see `until`.",
        ),
    ] = "hash"
    ratios: Annotated[
        dict[
            Annotated[
                str,
                Meta(
                    pattern=r"^[a-z][a-z0-9_]*$(?!\n)",
                    extra={"allowed": "lower-case letters, digits and '_', as in train"},
                ),
            ],
            Annotated[float, Meta(ge=0)],
        ],
        Meta(
            description="Share of the clusters per split, in order. Shares need not add up to 1.",
            extra={"example": "split.ratios={train: 0.8, validation: 0.1, test: 0.1}"},
        ),
    ] = field(default_factory=lambda: {"train": 0.7, "validation": 0.15, "test": 0.15})
    seed: Annotated[int, Meta(description="Another seed divides articles otherwise.")] = 0
    near: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Jaccard similarity of word runs from which texts of two splits are near-duplicates; one of "
            "them is left out.",
        ),
    ] = 0.7
    until: Annotated[
        dict[str, str],
        Meta(
            description="Method `time`: last day (UTC) of each split but the last. Empty: days that meet the ratios.",
            extra={"example": "split.until={train: '2025-06-30', validation: '2025-09-30'}"},
        ),
    ] = field(default_factory=dict)

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

    configs: Annotated[
        list[str],
        Meta(
            description="Configurations to release, in this order: `entities`, `evidence`, `annotations`, and those of "
            "answers by the name of their question. Empty: all that the scheme gives."
        ),
    ] = field(default_factory=list)
    variant: Annotated[
        str,
        Meta(
            pattern=r"^[a-z0-9._-]{0,64}$(?!\n)",
            description="If not empty, the release is called `<dataset.name>-<variant>`, beside the main one.",
            extra={"allowed": "at most 64 lower-case letters, digits, '.', '_' and '-'"},
        ),
    ] = ""
    granularity: Annotated[
        str,
        one_of(
            ("chunk", "sentence", "article"),
            "One row of `entities`: a chunk, one of its sentences, or the annotated parts of an article, joined.",
        ),
    ] = "chunk"
    tokenizer: Annotated[
        str,
        Meta(
            min_length=1,
            description="`words`, or the path of a Hugging Face tokenizer.json, which adds `input_ids` and `labels`.",
        ),
    ] = "words"
    tags: Annotated[str, one_of(("bio", "bioes", "none"), "Scheme of the tags of tokens.")] = "bio"
    nested: Annotated[
        str, one_of(("outer", "inner"), "Which of two nested spans the tags keep. `entities` always keeps both.")
    ] = "outer"
    text: Annotated[bool, Meta(description="Write texts, and spans in them.")] = True
    tokens: Annotated[bool, Meta(description="Write tokens and their tags.")] = True
    entities: Annotated[
        Renames,
        Meta(
            description="Entity labels to rename, merge or (null) leave out. The others stay.",
            extra={"example": "export.entities={WEAPON: MILITARY, EVENT: null}"},
        ),
    ] = field(default_factory=dict)
    stance: Annotated[
        Renames,
        Meta(
            description="Stance labels to rename, merge or (null) leave out. The others stay.",
            extra={"example": "export.stance={none: null}"},
        ),
    ] = field(default_factory=dict)
    targets: Annotated[list[str], Meta(description="Targets to release. Empty: all.")] = field(default_factory=list)
    min_probability: Annotated[
        float, Meta(ge=0, le=1, description="Gold with a lower probability is left out and counted on the card.")
    ] = 0.0
    min_agreement: Annotated[
        float,
        Meta(
            ge=0, le=1, description="Gold on which a smaller share of votes agrees is left out and counted on the card."
        ),
    ] = 0.0
    below_gates: Annotated[
        bool, Meta(description="Release although a quality gate does not hold; the card says which.")
    ] = False
    formats: Annotated[
        list[Annotated[str, one_of(FORMATS)]],
        Meta(
            description="Files beside Parquet. `jsonl`: all configurations. `conll` (CoNLL-2003), `spacy`: `entities`."
        ),
    ] = field(default_factory=list)
    repo: Annotated[str, Meta(description="Repository on the Hugging Face Hub for `builder publish`: owner/name.")] = ""
    private: Annotated[bool, Meta(description="Whether a repository that `builder publish` creates is private.")] = True
    shard_rows: Annotated[int, Meta(ge=1, description="Most rows per Parquet file.")] = 100_000
    group_rows: Annotated[
        int, Meta(ge=1, description="Rows per row group; a streaming reader holds one row group in memory.")
    ] = 20_000

    def rules(self) -> Rules:
        if not (self.text or self.tokens):
            yield Fault("tokens", "it is off, as is export.text.", "Keep at least one.")
        if self.configs and "entities" not in self.configs:
            return
        if "conll" in self.formats and not (self.tokens and self.tags != "none"):
            yield Fault("formats", "conll needs tags.", "Set export.tokens=true and export.tags=bio.")
        if "spacy" in self.formats and not (self.text and self.tokens):
            yield Fault("formats", "spacy needs texts and tokens.", "Set export.text and export.tokens to true.")
