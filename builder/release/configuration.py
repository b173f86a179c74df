"""What a configuration declares: its columns, labels and rows. Each kind is one file in `configurations/`.

Features of columns are one source for the Parquet schema, its metadata, the card's YAML and Croissant. They are written
as the `datasets` library writes them into Parquet metadata, in the older spelling of lists (`Sequence` of a value, a
one-element array for a list of records), which its versions 3, 4 and 5 all read. That library itself is not imported:
it costs seconds.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.arrays import flat, matching, numbers
from builder.release.compare import Aligned
from builder.release.manifest import Change
from builder.release.settings import Export
from builder.scheme import Question, Scheme
from builder.text import Ints

if TYPE_CHECKING:
    from builder.release.passages import Index


#: Feature name to feature, in the JSON form of the Parquet metadata.
Features = dict[str, Any]


def value(dtype: str) -> dict[str, Any]:
    """A plain value, such as `string` or `int32`."""
    return {"dtype": dtype, "_type": "Value"}


def class_label(names: list[str]) -> dict[str, Any]:
    """An integer that is the number of one of the names."""
    return {"names": names, "_type": "ClassLabel"}


def sequence(feature: dict[str, Any]) -> dict[str, Any]:
    """A list of values or class labels. A list of records is a one-element Python list."""
    return {"feature": feature, "_type": "Sequence"}


STRING, INT, NUMBER, FLAG = value("string"), value("int32"), value("float64"), value("bool")


def arrow_schema(features: Features) -> pa.Schema:
    """The Arrow schema of the features, with the metadata from which `datasets` restores them."""
    fields = [pa.field(name, arrow_type(feature)) for name, feature in features.items()]
    metadata = {"huggingface": json.dumps({"info": {"features": features}}, sort_keys=True)}
    return pa.schema(fields, metadata=metadata)


def arrow_type(feature: Any) -> pa.DataType:
    """The Arrow type of one feature."""
    if isinstance(feature, list):
        return pa.list_(arrow_type(feature[0]))
    kind = feature.get("_type")
    if kind == "Value":
        return pa.type_for_alias(feature["dtype"])
    if kind == "ClassLabel":
        return pa.int64()
    if kind == "Sequence":
        return pa.list_(arrow_type(feature["feature"]))
    return pa.struct([(name, arrow_type(inner)) for name, inner in feature.items()])


def yaml_list(features: Features) -> list[dict[str, Any]]:
    """The features as the `dataset_info` block of a dataset card lists them.

    >>> yaml_list({"tokens": sequence(STRING), "spans": [{"start": INT}]})
    [{'name': 'tokens', 'sequence': 'string'}, {'name': 'spans', 'list': [{'name': 'start', 'dtype': 'int32'}]}]
    """
    return [{"name": name, **_yaml(feature)} for name, feature in features.items()]


def _yaml(feature: Any) -> dict[str, Any]:
    if isinstance(feature, list):
        return {"list": yaml_list(feature[0])}
    kind = feature.get("_type")
    if kind == "Value":
        return {"dtype": feature["dtype"]}
    if kind == "ClassLabel":
        return {"dtype": {"class_label": {"names": {str(i): name for i, name in enumerate(feature["names"])}}}}
    if kind == "Sequence":
        inner = _yaml(feature["feature"])
        return {"sequence": inner["dtype"] if isinstance(inner.get("dtype"), (str, dict)) else inner}
    return {"struct": yaml_list(feature)}


def label_names(features: Features) -> dict[str, list[str]]:
    """The names of every class label, by feature."""
    plain = {name: f.get("feature", f) if isinstance(f, dict) else f for name, f in features.items()}
    return {name: f["names"] for name, f in plain.items() if isinstance(f, dict) and f.get("_type") == "ClassLabel"}


def with_names(table: pa.Table, names: dict[str, list[str]]) -> pa.Table:
    """The table with the class labels of these columns by name."""
    for column, known in names.items():
        values, ids = pa.array(known, pa.string()), flat(table[column])
        is_list = pa.types.is_list(ids.type)
        found = pa.ListArray.from_arrays(ids.offsets, values.take(ids.values)) if is_list else values.take(ids)
        table = table.set_column(table.schema.get_field_index(column), column, found)
    return table


@dataclass(frozen=True)
class Column:
    """One column: its feature, and what it holds, in one line."""

    name: str
    feature: Any
    about: str
    #: Whether a change of it makes another version. Texts follow from ids, and the rest from votes.
    judged: bool = False
    #: The question whose answers it holds, if it holds those of one.
    question: Question | None = None


#: The columns that every configuration begins with, and that of the text for those whose rows are of windows.
KEYS = (
    Column("id", STRING, "id of the row, unique in the configuration"),
    Column("article_id", STRING, "hash of what the article is known by: its source's id, address, file or text"),
    Column("chunk_id", STRING, "id of the chunk or window that the text comes from"),
)
WINDOW = Column("text", STRING, "the window that annotators saw")
#: Columns about the article of a row, which every configuration has as `export.metadata` asks for them.
ABOUT_ARTICLES = {
    "title": "title of the article",
    "source": "who published the article",
    "published": "when it was published: UTC, ISO 8601",
    "language": "language of the article",
}


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
    columns: tuple[Column, ...]
    #: The question whose answers it holds; None for a configuration that holds all of them.
    question: Question | None = None
    numbering: Numbering = field(default_factory=Numbering)
    #: Whether it holds what was not decided: it has no labels of its own.
    open: bool = False
    kind: str = ""

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

    #: The columns of the rows of a batch of texts (see `passages.COLUMNS`), but for those about their articles.
    columns: Callable[[pa.RecordBatch], dict[str, pa.Array]]
    articles: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    #: Gold that is not released, and what the form of the rows loses, by reason; filled while rows are made.
    left_out: dict[str, int] = field(default_factory=dict)
    losses: dict[str, int] = field(default_factory=dict)


def columns_of(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """The columns by name."""
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def of_windows(windows: Ints, rows: Mapping[str, pa.Array]) -> Callable[[pa.RecordBatch], dict[str, pa.Array]]:
    """The columns of rows, each of the window with the number in ascending `windows`."""
    whole = pa.record_batch(dict(rows))

    def columns(passages: pa.RecordBatch) -> dict[str, pa.Array]:
        owner, picked = (pa.array(found) for found in matching(windows, numbers(passages["number"])))
        return columns_of(passages.take(owner)) | columns_of(whole.take(picked))

    return columns


@dataclass(frozen=True)
class Spec:
    """Everything that is special about one kind of configuration."""

    #: "chunks": rows are texts of the chunking at hand, at `export.granularity`. "windows": what annotators saw.
    texts: str
    #: The configurations of this kind that a scheme gives, after a release with these labels by question; without
    #: their kind, and the columns that all have.
    declare: Callable[[Scheme, Export, Mapping[str, list[str]]], Iterator[Configuration]]
    rows: "Callable[[Configuration, Index, Export], Maker]"
    #: One row and several, as the changelog names them.
    noun: tuple[str, str]
    #: What the card says one row is, under these settings of the export.
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
    renames = scheme.renames(question.name)
    renamed = renames.targets if question.many else renames.labels
    now = {label: label if label in known else renamed[label] for label in [*known, *renamed]}
    names = {label: name for label, new in now.items() if (name := changes.get(new, new)) is not None}
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
