"""Opens a release with the library that people load it with, before it takes its place."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from builder.errors import ReleaseError
from builder.release.features import arrow_schema
from builder.release.manifest import Configured, Manifest
from builder.release.versions import data_files

#: Splits with more rows than this are streamed: counted batch by batch, and only first and last row compared.
STREAMED = 200_000
_BATCH = 10_000


def check_loads(root: Path, manifest: Manifest, streamed: int = STREAMED) -> None:
    """Every configuration and split loads with `load_dataset`; raises `ReleaseError` with what is wrong otherwise.

    Compared are the splits, features and label names by name, the number of rows, and the first and the last row as the
    Parquet files have them. Nothing is read over the network; the cache is a folder that goes afterwards.
    """
    import datasets

    datasets.disable_progress_bars()
    with tempfile.TemporaryDirectory(prefix="loading-", dir=root.parent) as cache:
        for name, found in manifest.configs.items():
            if not found.splits:
                continue
            large = sum(facts.rows for facts in found.splits.values()) > streamed
            try:
                loaded = datasets.load_dataset(str(root), name, cache_dir=cache, streaming=large)
                problems = list(_problems(datasets, root, name, found, loaded, large))
            except Exception as e:  # noqa: BLE001 - whatever `datasets` raises, its users would meet it
                problems = [f"{type(e).__name__}: {e}"]
            if problems:
                raise ReleaseError(
                    f"The new release does not load as it was declared: {name}: {'; '.join(problems)}.",
                    "Nothing was released. Check the version of `datasets`, and report this with the message.",
                )


def _problems(datasets: Any, root: Path, name: str, found: Configured, loaded: Any, large: bool) -> Iterator[str]:
    if set(loaded) != set(found.splits):
        yield f"splits are {', '.join(loaded)}, not {', '.join(found.splits)}"
        return
    declared = datasets.Features.from_arrow_schema(arrow_schema(found.features))
    for split, facts in found.splits.items():
        part = loaded[split]
        if part.features != declared:
            yield f"{split} has the features {part.features}, not {declared}"
            continue
        rows, first, last = _streamed(part) if large else (len(part), part[:1], part[-1:])
        if rows != facts.rows:
            yield f"{split} has {rows} rows, not {facts.rows}"
        files = data_files(root, name, split)
        for edge, shown, expected in (
            ("first", first, _edge(files[0], last=False)),
            ("last", last, _edge(files[-1], last=True)),
        ):
            if shown != expected:
                yield f"the {edge} row of {split} is {shown}, not {expected}"


def _streamed(part: Any) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Number of rows, first and last row of a split that is streamed."""
    rows, first, last = 0, pa.table({}), pa.table({})
    for batch in part.with_format("arrow").iter(batch_size=_BATCH):
        first = first if rows else batch.slice(0, 1)
        last = batch.slice(batch.num_rows - 1)
        rows += batch.num_rows
    return rows, first.to_pydict(), last.to_pydict()


def _edge(path: Path, last: bool) -> dict[str, Any]:
    with pq.ParquetFile(path) as opened:
        group = opened.read_row_group(opened.num_row_groups - 1 if last else 0)
    row: dict[str, Any] = group.slice(group.num_rows - 1 if last else 0, 1).to_pydict()
    return row
