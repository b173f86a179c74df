"""The stage tables of a release, opened with only the columns it needs: votes and texts are most of their bytes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.errors import StoreError

#: Table to the stage that makes it.
STAGES = {
    "articles": "prepare",
    "chunks": "prepare",
    "selected": "prepare",
    "windows": "validate",
    "annotations": "validate",
    "spans": "validate",
    "answers": "validate",
    "gold_spans": "adjudicate",
    "gold_answers": "adjudicate",
}
BATCH = 16_384
_PLACE = ("chunk_id", "article_id", "start", "end")
_NEEDED = {
    "articles": ("article_id", "cluster_id", "published", "raw_sha256"),
    "selected": _PLACE,
    "annotations": ("annotation_id", "chunk_id", "annotator", "state", "quarantined", "updated", "pull"),
}


@dataclass(frozen=True)
class Inputs:
    """Stage tables by name, with the columns that a release reads. `stream` reads others in order, batch by batch."""

    tables: Mapping[str, pa.Table]
    stream: Callable[[str, list[str]], Iterable[pa.RecordBatch]]

    def __getitem__(self, name: str) -> pa.Table:
        return self.tables[name]

    def read(self, name: str, columns: list[str]) -> pa.Table:
        """These columns of a whole table."""
        return pa.Table.from_batches(self.stream(name, columns))


def open_inputs(paths: Mapping[str, Path], reads: Iterable[Mapping[str, tuple[str, ...]]], votes: bool) -> Inputs:
    """The tables at `paths`, which names each of `STAGES`, with the columns of each of `reads`.

    `votes` reads the votes of all gold that is read. Raises `StoreError` when a table is missing or damaged.
    """
    columns: dict[str, list[str]] = {name: list(needed) for name, needed in _NEEDED.items()}
    for found in reads:
        for name, needed in found.items():
            more = [*needed, *(["votes"] if votes and name.startswith("gold_") else [])]
            columns[name] = list(dict.fromkeys([*columns.get(name, []), *more]))

    def stream(name: str, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        with _explained(paths[name], STAGES[name]):
            for file in sorted(paths[name].iterdir()) if paths[name].is_dir() else [paths[name]]:
                with pq.ParquetFile(file) as opened:
                    yield from opened.iter_batches(BATCH, columns=wanted)

    tables = {}
    for name, wanted in columns.items():
        with _explained(paths[name], STAGES[name]):
            tables[name] = pq.read_table(paths[name], columns=wanted)
    return Inputs(tables, stream)


class _explained:  # noqa: N801
    """Turns what goes wrong while a table is read into a `StoreError` that names its stage."""

    def __init__(self, path: Path, stage: str) -> None:
        self._path, self._stage = path, stage

    def __enter__(self) -> None:
        if not self._path.exists():
            raise StoreError(f"{self._path} is missing.", f"Run `builder {self._stage}` first.")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, pa.ArrowInvalid | OSError):
            hint = f"Delete it and run `builder {self._stage}` again."
            raise StoreError(f"{self._path} is damaged: {error}.", hint) from error
