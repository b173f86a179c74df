"""What a configuration declares: its columns, labels and rows. Each kind is one file in `configurations/`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.arrays import flat, mask, numbers, records, small
from builder.release.compare import Aligned
from builder.release.features import INT, NUMBER, STRING, Features, arrow_schema
from builder.release.manifest import Change
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

if TYPE_CHECKING:
    from builder.release.passages import Index, Passages

RELEASED = ("agreed", "single", "adjudicated", "expert")
#: What is known of a gold row: it is released, it is not decided, or it was voted down.
KEPT, OPEN, DOWN = 0, 1, 2
#: Reason for which gold is left out, to what the card says. "rejected" spans are no loss: they were voted down.
REASONS = {
    "unresolved": "without a decision between the annotators",
    "improbable": "below the minimum probability",
    "disputed": "below the minimum agreement",
    "outside": "in no text of this release",
}


@dataclass(frozen=True)
class Column:
    """One column: its feature in the JSON form of `features`, and what it holds, in one line."""

    name: str
    feature: Any
    about: str
    #: Whether a change of it is a change of labels or of what supports them. Texts follow from ids.
    judged: bool = False
    #: The question whose answers it holds, if it holds those of one.
    question: Question | None = None


#: The columns that every configuration begins with.
KEYS = (
    Column("id", STRING, "id of the row, unique in the configuration"),
    Column("article_id", STRING, "beginning of the sha256 of the article's raw record"),
    Column("chunk_id", STRING, "id of the chunk or window that the text comes from"),
)
#: Columns about the article of a row, which every configuration has as `export.metadata` asks for them.
ABOUT_ARTICLES = {
    "title": "title of the article",
    "source": "who published the article",
    "published": "when it was published: UTC, ISO 8601",
    "language": "language of the article",
}
#: What gold spans and evidence say about how they were decided, besides their place and label.
DECISION = {
    "status": STRING, "probability": NUMBER, "votes_for": INT, "votes_against": INT, "share": NUMBER, "entropy": NUMBER,
}  # fmt: skip
#: What tables of gold must be read for `decided` and `decisions`.
DECIDING = ("label", "probability", "votes", "shares", "entropy", "status")


@dataclass(frozen=True)
class Numbering:
    """The labels of one question in a release: by id, and the released name of every label that gold may hold."""

    labels: list[str] = field(default_factory=list)
    names: Mapping[str, str] = field(default_factory=dict)

    def ids(self, labels: pa.ChunkedArray | pa.Array) -> Ints:
        """The id of each label's released name, -1 for labels that are left out."""
        known = list(self.names)
        to_id = np.array([self.labels.index(self.names[label]) for label in known] + [-1], np.int64)
        found = pc.index_in(labels, value_set=pa.array(known, pa.string()))
        return to_id[numbers(pc.fill_null(found, len(known)))]


@dataclass(frozen=True)
class Configuration:
    """A configuration of one release, declared for its scheme and settings."""

    name: str
    kind: str
    columns: tuple[Column, ...]
    #: The question whose answers it holds; None for a configuration that holds all of them.
    question: Question | None = None
    numbering: Numbering = field(default_factory=Numbering)
    #: Whether it holds what was not decided: it has no labels of its own.
    open: bool = False

    @property
    def labels(self) -> list[str]:
        """Names of its labels by id."""
        return [] if self.open else self.numbering.labels

    @property
    def features(self) -> Features:
        """Column to feature, in order."""
        return {column.name: column.feature for column in self.columns}

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the rows."""
        return arrow_schema(self.features)

    def rows(self, columns: Mapping[str, pa.Array]) -> pa.Table:
        """The columns that the configuration has, in its order; others are dropped."""
        return pa.Table.from_arrays([columns[name] for name in self.schema.names], schema=self.schema)


@dataclass
class Maker:
    """Makes the rows of one configuration, and counts what cannot become one.

    `articles` and `labels` hold one entry per released label: the number of its article in the index, and its id.
    """

    #: The columns of the rows of some passages, but for those about their articles.
    columns: "Callable[[Passages], dict[str, pa.Array]]"
    articles: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    #: Gold that is not released, by reason.
    left_out: dict[str, int] = field(default_factory=dict)
    #: What the form of the rows loses, by reason; filled while rows are made.
    losses: dict[str, int] = field(default_factory=dict)
    #: Released labels of which each must be in a row; None when rows repeat or lack them on purpose.
    held: Callable[[], int] | None = None


@dataclass(frozen=True)
class Spec:
    """Everything that is special about one kind of configuration."""

    #: "chunks": rows are texts of the chunking at hand, at `export.granularity`. "windows": what annotators saw.
    texts: str
    #: The configurations of this kind that a scheme gives, after a release with these labels by question.
    declare: Callable[[Scheme, Export, Mapping[str, list[str]]], list[Configuration]]
    #: Columns needed of each stage table.
    reads: Mapping[str, tuple[str, ...]]
    rows: "Callable[[Configuration, Index, Export], Maker]"
    #: One row and several, as the changelog names them.
    noun: tuple[str, str]
    #: What the card says one row is.
    about: Callable[[Configuration, Mapping[str, Any]], str]
    #: What its gold is called on the card; empty when it shows no gold.
    gold: str = ""
    #: Category of the task on the Hub, and a tag in which {name} is the name of the configuration.
    task: str = ""
    tag: str = ""
    #: Columns in which no value occurs twice: a Parquet dictionary would cost time for nothing.
    distinct: tuple[str, ...] = ("id",)
    #: Columns of class labels that a diff compares by name. The others keep their ids, which never change.
    by_name: tuple[str, ...] = ()
    #: The single changes inside shared rows.
    changes: Callable[[Aligned], Iterator[Change]] = lambda _: iter(())
    #: The labels in rows, for the counts of each split.
    tally: Callable[[Configuration, pa.Table], pa.Array] | None = None
    #: Whether rows that change their split are counted as moved; one configuration per text is enough.
    moves: bool = True
    #: For `trace`: stage table, and whether one of its rows supports the released row.
    traced: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = field(default_factory=dict)
    #: Other file formats that can hold it, besides those that hold everything.
    formats: tuple[str, ...] = ()


def numbering(question: Question, scheme: Scheme, settings: Export, earlier: Mapping[str, list[str]]) -> Numbering:
    """The labels or options of a question after `export.<question>`; `earlier` are those of the release before."""
    known = list(question.targets if question.many else question.labels)
    setting = vars(settings).get(question.name)
    changes = setting if isinstance(setting, dict) else {}
    before = scheme.renames(question.name)
    renamed = before.targets if question.many else before.labels
    names = translation(known, changes, renamed)
    current = list(dict.fromkeys(names[label] for label in known if label in names))
    return Numbering(label_ids(current, earlier.get(question.name, []), renamed), names)


def label_ids(current: Sequence[str], earlier: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    """Label names by id: what an earlier release numbered keeps its number, renamed or gone; new labels follow.

    >>> label_ids(["PERSON", "ARMS", "EVENT"], ["PERSON", "ORG", "WEAPON"], {"WEAPON": "ARMS"})
    ['PERSON', 'ORG', 'ARMS', 'EVENT']
    """
    names: list[str] = []
    for old in earlier:
        new = renamed.get(old, old)
        moved = old not in current and new in current and new not in earlier and new not in names
        names.append(new if moved else old)
    return names + [name for name in current if name not in names]


def translation(known: Sequence[str], changes: Mapping[str, str | None], renamed: Mapping[str, str]) -> dict[str, str]:
    """Every label that gold may hold, with its name in the release; labels that are left out are missing.

    >>> translation(["ORG", "GPE"], {"GPE": None}, {"COMPANY": "ORG", "PLACE": "GPE"})
    {'ORG': 'ORG', 'COMPANY': 'ORG'}
    """
    now = {label: label if label in known else renamed[label] for label in [*known, *renamed]}
    found = {label: changes.get(name, name) for label, name in now.items()}
    return {label: name for label, name in found.items() if name is not None}


def decided(gold: pa.Table, settings: Export) -> tuple[Ints, dict[str, int]]:
    """Whether each row of a gold table is KEPT, OPEN or DOWN, and how many are not kept, by reason."""
    state = np.where(mask(pc.is_in(gold["status"], pa.array(RELEASED))), KEPT, OPEN)
    state[mask(pc.equal(gold["status"], "rejected"))] = DOWN
    counts = {"unresolved": int((state == OPEN).sum()), "rejected": int((state == DOWN).sum())}
    if settings.min_probability:
        sure = mask(pc.fill_null(pc.greater_equal(gold["probability"], settings.min_probability), True))
        counts["improbable"] = int(((state == KEPT) & ~sure).sum())
        state[(state == KEPT) & ~sure] = OPEN
    if settings.min_agreement:
        votes, agreed = votes_for(gold)
        shared = (votes == 0) | (agreed / np.maximum(votes, 1) >= settings.min_agreement)
        counts["disputed"] = int(((state == KEPT) & ~shared).sum())
        state[(state == KEPT) & ~shared] = OPEN
    return state, counts


def decisions(gold: pa.Table) -> dict[str, pa.Array]:
    """The columns of `DECISION` for rows of GOLD_SPANS; `share` is the smoothed share of votes for the label."""
    votes, agreed = votes_for(gold)
    columns = {name: flat(gold[name]) for name in ("status", "probability", "entropy")}
    soft = flat(gold["shares"])
    parents, entries = pc.list_parent_indices(soft), pc.list_flatten(soft)
    mine = pc.fill_null(pc.equal(pc.struct_field(entries, "label"), flat(gold["label"]).take(parents)), False)
    at = pc.index_in(pa.array(np.arange(gold.num_rows)), value_set=parents.filter(mine).cast(pa.int64()))
    columns["share"] = pc.struct_field(entries, "probability").filter(mine).take(at)
    return columns | {"votes_for": small(agreed), "votes_against": small(votes - agreed)}


def soft_labels(gold: pa.Table, column: str, numbering: Numbering) -> pa.StructArray:
    """One number per released label, from a column of lists of `POSTERIOR`; null where the list is."""
    soft, width = flat(gold[column]), len(numbering.labels)
    entries = pc.list_flatten(soft)
    cast = numbering.ids(pc.struct_field(entries, "label"))
    cells, known = numbers(pc.list_parent_indices(soft)) * width + cast, cast >= 0
    amounts = pc.struct_field(entries, "probability").to_numpy(zero_copy_only=False)[known]
    sums = np.bincount(cells[known], amounts, gold.num_rows * width).reshape(gold.num_rows, width)
    missing = mask(pc.is_null(soft))
    return records(**{name: pa.array(sums[:, i], mask=missing) for i, name in enumerate(numbering.labels)})


def votes_for(gold: pa.Table) -> tuple[Ints, Ints]:
    """How many votes each gold row has, and how many of them are for its label."""
    votes = flat(gold["votes"])
    parents = numbers(pc.list_parent_indices(votes))
    cast = pc.struct_field(pc.list_flatten(votes), "label")
    hit = mask(pc.fill_null(pc.equal(cast, flat(gold["label"]).take(pa.array(parents))), False))
    return np.bincount(parents, minlength=gold.num_rows), np.bincount(parents[hit], minlength=gold.num_rows)
