"""Functions on plain values, for notebooks: chunk a text, decode an export, measure agreement, aggregate labels.

They are those of the stages, with the settings as keyword arguments.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import ConfigError, SourceError

if TYPE_CHECKING:
    import pyarrow as pa

    from builder.quality.agreement.answers import AnswerMeasures
    from builder.quality.votes import Votes
    from builder.questions.rows import Decoded
    from builder.scheme import Scheme

_COLUMNS = ("task", "annotator", "label")


def chunk_text(text: str, *, language: str = "en", **settings: Any) -> list[tuple[int, int]]:
    """The chunks of a text as half-open intervals of code points; `settings` are those of the group `chunking`.

    Raises `ConfigError` that names every setting at fault.

    >>> text = "Tokyo agreed. Kyiv waits for more."
    >>> [text[start:end] for start, end in chunk_text(text, max_tokens=3, unit="words")]
    ['Tokyo agreed.', 'Kyiv waits for', 'more.']
    """
    from builder.corpus.chunking import Chunker
    from builder.corpus.settings import Chunking
    from builder.languages import language_code
    from builder.settings import settings_from

    try:
        code = language_code(language)
    except ValueError as e:
        raise ConfigError(f"{e}.", "Give a BCP 47 code.") from e
    chunks, _ = Chunker(settings_from(Chunking, settings)).cut(text, [("body", 0, len(text))], code)
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

    A row without a label is no vote. `order` has the labels of an ordinal question from one end to the other.
    `settings` are `bootstrap`, `confidence` and `seed` of the group `quality`. Raises `SourceError` for a table that
    cannot be read so, and `ConfigError` that names every setting at fault.

    >>> votes = {"task": [1, 1, 2, 2], "annotator": ["a", "b", "a", "b"], "label": ["x", "x", "x", "y"]}
    >>> found = agreement(votes, bootstrap=0)
    >>> found.items, found.observed, found.alpha
    (2, 0.5, 0.0)
    """
    from builder.quality.agreement.answers import measure
    from builder.quality.settings import Quality
    from builder.settings import settings_from

    votes, _, _ = _votes(table)
    return measure(votes, settings_from(Quality, settings), list(map(str, order)))


def aggregate(table: "pa.Table | Mapping[str, Sequence[Any]]", method: str = "majority", **settings: Any) -> "pa.Table":
    """One label per task of a long table with the columns task, annotator and label.

    Returns the columns task, label (null where the votes do not decide) and probability (of the likeliest label, null
    without a vote). A row without a label is no vote. `method` and `settings` are those of the group `aggregation`.
    Raises `SourceError` for a table that cannot be read so, and `ConfigError` that names every setting at fault.

    >>> votes = {"task": [1, 1, 1, 2, 2], "annotator": [*"abcab"], "label": ["x", "x", "y", "x", "y"]}
    >>> aggregate(votes).to_pydict()["label"]
    ['x', None]
    """
    import pyarrow as pa

    from builder.quality.aggregation import METHODS
    from builder.quality.aggregation.majority import winners
    from builder.quality.settings import Aggregation
    from builder.settings import load, settings_from

    given = settings_from(Aggregation, {"method": method, **settings})
    votes, tasks, labels = _votes(table)
    beliefs = load(METHODS[method])(votes, given, {})
    chosen = winners(beliefs, given.min_share).tolist()
    voted = votes.per_item() > 0
    return pa.table(
        {
            "task": tasks,
            "label": pa.array([labels[i] if i >= 0 else None for i in chosen], pa.array(labels).type),
            "probability": pa.array(beliefs.max(axis=1, initial=0.0), mask=~voted),
        }
    )


def _votes(table: "pa.Table | Mapping[str, Sequence[Any]]") -> "tuple[Votes, list[Any], list[Any]]":
    """The votes of a long table; the tasks, and the labels, whose positions are the numbers in the votes."""
    import pyarrow as pa

    from builder.quality.votes import Votes

    names = table.column_names if isinstance(table, pa.Table) else table
    if missing := [name for name in _COLUMNS if name not in names]:
        raise SourceError(f"The table has no column {', '.join(missing)}.", f"Name them {', '.join(_COLUMNS)}.")
    try:
        columns = [pa.array(table[name], from_pandas=True).to_pylist() for name in _COLUMNS]
        # A row that is there twice says nothing more.
        rows = list(dict.fromkeys(zip(*columns, strict=True)))
    except (pa.ArrowException, TypeError, ValueError) as e:
        raise SourceError(f"The table cannot be read: {e}.", "Give columns of one length, each of one type.") from e
    tasks = list(dict.fromkeys(task for task, _, _ in rows))
    number = {task: i for i, task in enumerate(tasks)}
    voted = [row for row in rows if row[2] is not None]
    labels = sorted({label for _, _, label in voted})
    twice = [pair for pair, count in Counter((task, who) for task, who, _ in voted).items() if count > 1]
    if twice:
        task, who = twice[0]
        raise SourceError(
            f"Annotator {who!r} has several labels for task {task!r}.", "Keep one row per annotator and task."
        )
    if any(task is None or who is None for task, who, _ in voted):
        raise SourceError("A label has no task or no annotator.", "Fill them, or leave the row out.")
    given = [(number[task], str(who), str(label)) for task, who, label in voted]
    return Votes.of(given, len(tasks), [str(label) for label in labels]), tasks, labels
