"""What a release configuration declares. Each kind is one file in `configurations/`, listed in the registry there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from builder.release.compare import Aligned, Change
from builder.release.features import STRING, Features
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

if TYPE_CHECKING:
    from builder.release.passages import Index, Passages


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


@dataclass(frozen=True)
class Numbering:
    """The labels of one question in a release: by id, and the released name of every label that gold may hold."""

    labels: list[str]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Configuration:
    """A configuration of one release, declared for its scheme and settings."""

    name: str
    kind: str
    columns: tuple[Column, ...]
    #: The question whose answers it holds; None for a configuration that holds all of them.
    question: Question | None = None
    numbering: Numbering = field(default_factory=lambda: Numbering([], {}))

    @property
    def features(self) -> Features:
        """Column to feature, in order."""
        return {column.name: column.feature for column in self.columns}


@dataclass(frozen=True)
class Source:
    """What rows are made from: the index of texts, and the tables that the specification reads."""

    index: "Index"
    tables: Mapping[str, pa.Table]
    settings: Export


@dataclass
class Maker:
    """Makes the rows of one configuration, and counts what cannot become one.

    `articles` and `labels` hold one entry per released label: the number of its article in the index, and its id.
    """

    table: "Callable[[Passages], pa.Table]"
    articles: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    #: Gold that is not released, by reason.
    left_out: dict[str, int] = field(default_factory=dict)
    #: What the form of the rows loses, by reason; filled while rows are made.
    losses: dict[str, int] = field(default_factory=dict)
    #: Released labels of which each must stand in a row; None when rows repeat or lack them on purpose.
    held: Callable[[], int] | None = None


def no_changes(_: Aligned) -> list[Change]:
    """For configurations whose changed rows are counted alone."""
    return []


@dataclass(frozen=True)
class Spec:
    """Everything that is special about one kind of configuration."""

    #: "chunks": rows are texts of the chunking at hand, at `export.granularity`. "windows": what annotators saw.
    texts: str
    #: The configurations of this kind that a scheme gives. `Numbering` numbers the labels of each question.
    declare: Callable[[Scheme, Export, Callable[[Question], Numbering]], list[Configuration]]
    #: Columns needed of each stage table.
    reads: Mapping[str, tuple[str, ...]]
    rows: Callable[[Configuration, Source], Maker]
    #: One row and several, as the changelog names them.
    noun: tuple[str, str]
    #: What the card says one row is.
    about: Callable[[Configuration, Mapping[str, Any]], str]
    #: What its gold is called on the card; empty when it shows no gold.
    gold: str = ""
    #: Category of the task on the Hub, and a tag in which {name} is the name of the configuration.
    task: str = ""
    tag: str = ""
    #: Columns in which no value stands twice: a Parquet dictionary would cost time for nothing.
    distinct: tuple[str, ...] = ("id",)
    #: Columns of class labels that a diff compares by name. The others keep their ids, which never change.
    by_name: tuple[str, ...] = ()
    #: The single changes inside shared rows, for the diff and the changelog.
    changes: Callable[[Aligned], list[Change]] = no_changes
    #: Whether rows that change their split are counted as moved; one configuration per text is enough.
    moves: bool = True
    #: For `trace`: stage table, and whether one of its rows supports the released row.
    traced: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = field(default_factory=dict)
    #: Other file formats that can hold it, besides those that hold everything.
    formats: tuple[str, ...] = ()
