"""Functions on plain values, for notebooks: chunk a text, decode an export, measure agreement, aggregate labels.

They are those of the stages, with the settings as keyword arguments.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import ConfigError, SourceError

if TYPE_CHECKING:
    import pyarrow as pa

    from builder.quality.agreement.answers import AnswerMeasures
    from builder.questions.rows import Decoded
    from builder.scheme import Scheme

_COLUMNS = ("task", "annotator", "label")


def chunk_text(text: str, *, language: str = "en", **settings: Any) -> list[tuple[int, int]]:
    """The chunks of a text as half-open intervals of code points; `settings` are those of the group `chunking`.

    >>> text = "Tokyo agreed. Kyiv waits for more."
    >>> [text[start:end] for start, end in chunk_text(text, max_tokens=3, unit="words")]
    ['Tokyo agreed.', 'Kyiv waits for', 'more.']
    """
    from builder.corpus.chunking import Chunker
    from builder.corpus.settings import Chunking

    chunks, _ = Chunker(Chunking(**settings)).cut(text, [("body", 0, len(text))], language)
    return [(chunk.start, chunk.end) for _, chunk in chunks]


def decode_export(export: "Path | str | Sequence[Mapping[str, Any]]", scheme: "Scheme") -> "Decoded":
    """The tables of a Label Studio export in JSON, as this builder pushed it.

    `export` is the file, or the list of its tasks. Annotators appear as "annotator-<6 hex digits>" of their account's
    number. Raises `SourceError` when the file is no such export.
    """
    import msgspec

    from builder.questions.decode import decode

    try:
        tasks = msgspec.json.decode(Path(export).read_bytes()) if isinstance(export, Path | str) else export
        lines = [msgspec.json.encode(task) for task in tasks]
    except (OSError, ValueError, RecursionError, TypeError) as e:
        raise SourceError(f"{export} is no JSON export of Label Studio: {e}.", "Export the project as JSON.") from e
    return decode(lines, {}, b"", scheme, "")


def agreement(
    table: "pa.Table | Mapping[str, Sequence[Any]]", order: Sequence[str] = (), **settings: Any
) -> "AnswerMeasures":
    """Agreement of a long table with the columns task, annotator and label: kappa and alpha with intervals.

    `order` has the labels of an ordinal question from one end to the other. `settings` are `bootstrap`, `confidence`
    and `seed` of the group `quality`.

    >>> votes = {"task": [1, 1, 2, 2], "annotator": ["a", "b", "a", "b"], "label": ["x", "x", "x", "y"]}
    >>> found = agreement(votes, bootstrap=0)
    >>> found.items, found.observed, found.alpha
    (2, 0.5, 0.0)
    """
    from builder.quality.agreement.answers import measure
    from builder.quality.settings import Quality
    from builder.quality.votes import Votes

    rows, tasks, labels = _votes(table)
    return measure(Votes.of(rows, len(tasks), labels), Quality(**settings), order)


def aggregate(table: "pa.Table | Mapping[str, Sequence[Any]]", method: str = "majority", **settings: Any) -> "pa.Table":
    """One label per task of a long table with the columns task, annotator and label.

    Returns the columns task, label (null where the votes do not decide) and probability (of the likeliest label).
    `method` and `settings` are those of the group `aggregation`.

    >>> votes = {"task": [1, 1, 1, 2, 2], "annotator": [*"abcab"], "label": ["x", "x", "y", "x", "y"]}
    >>> aggregate(votes).to_pydict()["label"]
    ['x', None]
    """
    import pyarrow as pa

    from builder.quality.aggregation import METHODS
    from builder.quality.aggregation.majority import winners
    from builder.quality.settings import Aggregation
    from builder.quality.votes import Votes
    from builder.settings import load

    if method not in METHODS:
        raise ConfigError(f"There is no aggregation method {method!r}.", f"Choose one of {', '.join(METHODS)}.")
    rows, tasks, labels = _votes(table)
    given = Aggregation(method=method, **settings)
    beliefs = load(METHODS[method])(Votes.of(rows, len(tasks), labels), given, {})
    chosen = winners(beliefs, given.min_share).tolist()
    return pa.table(
        {
            "task": tasks,
            "label": [labels[i] if i >= 0 else None for i in chosen],
            "probability": beliefs.max(axis=1).tolist() if labels else [],
        }
    )


def _votes(table: "pa.Table | Mapping[str, Sequence[Any]]") -> tuple[list[tuple[int, str, str]], list[Any], list[str]]:
    """Item number, annotator and label of each row; the tasks by number; and the labels."""
    import pyarrow as pa

    found = table if isinstance(table, pa.Table) else pa.table(dict(table))
    if missing := [name for name in _COLUMNS if name not in found.column_names]:
        raise SourceError(f"The table has no column {', '.join(missing)}.", f"Name them {', '.join(_COLUMNS)}.")
    columns = [found[name].to_pylist() for name in _COLUMNS]
    tasks = list(dict.fromkeys(columns[0]))
    number = {task: i for i, task in enumerate(tasks)}
    labels = sorted({str(label) for label in columns[2]})
    rows = [(number[task], str(who), str(label)) for task, who, label in zip(*columns, strict=True)]
    return rows, tasks, labels
