"""Releases against what they are measured by: `datasets`, plain Parquet writing, plain reading.

Run as `python -m tests.benchmarks.release [ROWS]`; a million chunks with spans by default.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from builder import tables
from builder.release.build import Built, Sources, build_release
from builder.release.configurations import SPECS
from builder.release.manifest import File
from builder.release.parquet import Writer
from builder.release.passages import STAGES
from builder.release.settings import Export, Split
from builder.release.verify import check_files
from builder.store import file_digest
from tests.benchmarks import masking
from tests.benchmarks.ratios import Report, best_of
from tests.samples import scheme

ROWS = 1_000_000
_BATCH = 16_384
_CHUNKS_AN_ARTICLE = 10
_WORDS = 40
_LABELS = ("PERSON", "ORG", "GPE")
SCHEME = scheme(name="bench", entities=_LABELS, stance=("favor", "against", "none"), targets={"japan": []})


def texts(rows: int, seed: int) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Texts of words of 2 to 9 letters, with the starts and ends of three spans of one word each."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(2, 10, (rows, _WORDS))
    ends = np.cumsum(lengths + 1, axis=1)
    letters = draw.integers(97, 123, int(ends[:, -1].sum()), dtype=np.uint8)
    bounds = np.concatenate([[0], np.cumsum(ends[:, -1])])
    letters[(bounds[:-1, None] + ends - 1).ravel()] = 32
    # Every word is followed by a space; the last one of a text goes.
    keep = np.ones(len(letters), np.bool_)
    keep[bounds[1:] - 1] = False
    offsets = np.concatenate([[0], np.cumsum(ends[:, -1] - 1)]).astype(np.int32)
    column = pa.Array.from_buffers(
        pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters[keep]))]
    )
    chosen = np.sort(draw.permuted(np.tile(np.arange(_WORDS, dtype=np.int8), (rows, 1)), axis=1)[:, :3], axis=1)
    at = np.arange(rows)[:, None]
    span_ends = ends[at, chosen] - 1
    return column, span_ends - lengths[at, chosen], span_ends


def stages(folder: Path, rows: int) -> None:
    """Stage tables of `rows` chunks, one vote each, with three entity spans and one stance a chunk."""
    parts: dict[str, list[pa.Table]] = {name: [] for name in ("annotations", "gold_spans", "gold_answers")}
    step = 100_000
    with pq.ParquetWriter(folder / "selected.parquet", tables.CHUNKS, compression="zstd") as writer:
        for at in range(0, rows, step):
            count = min(step, rows - at)
            text, starts, ends = texts(count, at)
            number = np.arange(at, at + count)
            ids = pa.array([f"{n:016x}" for n in number.tolist()])
            articles = pa.array([f"{n // _CHUNKS_AN_ARTICLE:016x}" for n in number.tolist()])
            offset = (number % _CHUNKS_AN_ARTICLE) * 1000
            lengths = pa.compute.utf8_length(text).to_numpy()
            writer.write_table(_table(tables.CHUNKS, count, chunk_id=ids, article_id=articles, text=text,
                                      start=pa.array(offset.astype(np.int32)),
                                      end=pa.array((offset + lengths).astype(np.int32))))  # fmt: skip
            parts["annotations"].append(_table(
                tables.ANNOTATIONS, count, annotation_id=ids, chunk_id=ids, article_id=articles,
                annotator=_same("annotator-000000", count), state=_same("labelled", count),
                quarantined=pa.array(np.zeros(count, bool))))  # fmt: skip
            owner = pa.array(np.repeat(np.arange(count), 3))
            starts, ends = starts.ravel(), ends.ravel()
            joined = text.buffers()[2]
            edges = np.frombuffer(text.buffers()[1], np.int32)[:count].astype(np.int64)
            base = np.repeat(edges, 3)
            letters = np.frombuffer(joined, np.uint8)
            sizes = ends - starts
            bounds = np.concatenate([[0], np.cumsum(sizes)])
            picks = np.repeat(base + starts - bounds[:-1], sizes) + np.arange(bounds[-1])
            found = pa.Array.from_buffers(pa.string(), len(sizes), [
                None, pa.py_buffer(bounds.astype(np.int32)), pa.py_buffer(letters[picks])])  # fmt: skip
            shift = np.repeat(offset, 3)
            label = pa.array(_LABELS).take(pa.array(np.arange(len(sizes)) % 3))
            parts["gold_spans"].append(_table(
                tables.GOLD_SPANS, len(sizes), chunk_id=ids.take(owner), article_id=articles.take(owner),
                kind=_same("entity", len(sizes)), start=pa.array((starts + shift).astype(np.int32)),
                end=pa.array((ends + shift).astype(np.int32)), label=label, text=found,
                status=_same("agreed", len(sizes))))  # fmt: skip
            parts["gold_answers"].append(_table(
                tables.GOLD_ANSWERS, count, chunk_id=ids, article_id=articles, target=_same("japan", count),
                label=pa.array(["favor", "against", "none"]).take(pa.array(number % 3)),
                probability=pa.array(np.ones(count)), status=_same("agreed", count)))  # fmt: skip
    for name, made in parts.items():
        pq.write_table(pa.concat_tables(made), folder / f"{name}.parquet", compression="zstd")
    count = -(-rows // _CHUNKS_AN_ARTICLE)
    ids = pa.array([f"{n:016x}" for n in range(count)])
    articles = _table(tables.ARTICLES, count, article_id=ids, cluster_id=ids, raw_sha256=ids)
    pq.write_table(articles, folder / "articles.parquet")
    for name, schema in (("spans", tables.SPANS), ("answers", tables.ANSWERS)):
        pq.write_table(schema.empty_table(), folder / f"{name}.parquet")


def _same(value: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), count)


def _table(schema: pa.Schema, count: int, **columns: pa.Array) -> pa.Table:
    return pa.Table.from_arrays([columns.get(f.name, pa.nulls(count, f.type)) for f in schema], schema=schema)


def export(folder: Path, root: Path) -> Built:
    """The `entities` of the stage tables as a release's data files."""
    shutil.rmtree(root, ignore_errors=True)
    settings = Export(configs=["entities"])
    paths = {name: folder / f"{name}.parquet" for name in STAGES}
    sources = Sources(paths, SCHEME, settings, Split(), {"dataset": {"language": "en"}})
    return build_release(root, sources, {}, {})


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    if len(sys.argv) > 2:
        began = time.perf_counter()
        export(Path(sys.argv[2]), Path(sys.argv[3]))
        print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)  # noqa: T201
        return
    report = Report()
    masking.measure(report)
    with tempfile.TemporaryDirectory() as name:
        _measure(Path(name), rows, report)
    report.finish()


def _measure(folder: Path, rows: int, report: Report) -> None:
    # Made in a process of its own too: what it frees would make later allocations look cheap.
    _python(f"from tests.benchmarks.release import stages; stages(Path(sys.argv[1]), {rows})", folder)
    seconds, gibibytes = _apart(folder, rows)
    release = folder / "release"
    files = sorted(release.glob("entities/*.parquet"))
    whole = pa.concat_tables(pq.read_table(path) for path in files)
    # In turns, so that a busy moment of the machine falls on both.
    turns = [
        (
            best_of(1, lambda: pq.write_table(whole, folder / "plain.parquet", compression="zstd")),
            best_of(1, lambda: _write(whole, folder / "again")),
        )
        for _ in range(3)
    ]
    plain, written = (min(times) for times in zip(*turns, strict=True))
    part = whole.slice(0, max(rows // 20, 1))
    slow = _generated(part, folder) * len(whole) / len(part)
    report.at_least("release.export_from_generator", slow / seconds, 8)
    report.at_most("release.write_parquet", written / plain, 1.5)
    report.at_most("release.export_memory", gibibytes, 2, " GiB")
    hashed = [File(p.relative_to(release).as_posix(), p.stat().st_size, file_digest(p)) for p in files]
    # Against the bytes in memory, as a loader wants them: a loop over one small buffer never leaves the core's cache.
    loaded = best_of(5, lambda: [path.read_bytes() for path in files])
    report.at_most("release.verify_hashes", best_of(5, lambda: check_files(release, hashed)) / loaded, 1.5)


def _write(table: pa.Table, root: Path) -> None:
    """Sharded, hashed twice, with the features' metadata: what a release does beyond writing the table."""
    shutil.rmtree(root, ignore_errors=True)
    shards, groups = Export().shard_rows, Export().group_rows
    writer = Writer(root / "entities", table.schema, shards, groups, SPECS["entities"].distinct)
    for batch in table.to_batches(_BATCH):
        writer.add("train", pa.Table.from_batches([batch], schema=table.schema))
    writer.close(["train"])


def _generated(table: pa.Table, folder: Path) -> float:
    """Seconds that `datasets` takes to write the rows from a generator, the way most builders do it."""
    from datasets import Dataset, Features, disable_progress_bars

    disable_progress_bars()
    features = Features.from_arrow_schema(table.schema)
    rows = table.to_pylist()

    def work() -> None:
        made = Dataset.from_generator(lambda: iter(rows), features=features, cache_dir=str(folder / "cache"))
        made.to_parquet(folder / "generated.parquet")

    return best_of(1, work)


def _apart(folder: Path, rows: int) -> tuple[float, float]:
    """Seconds and GiB of the better of two exports, each in a process of its own with only what it needs in memory."""
    code = f"sys.argv = ['', '{rows}', *sys.argv[1:]]; from tests.benchmarks.release import main; main()"
    found = [tuple(map(float, _python(code, folder, folder / "release").split())) for _ in range(2)]
    return min(f[0] for f in found), max(f[1] for f in found)


def _python(code: str, *paths: Path) -> str:
    command = [sys.executable, "-c", f"import sys; from pathlib import Path; {code}", *map(str, paths)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
