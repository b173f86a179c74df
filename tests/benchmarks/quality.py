"""Speed of checks, agreement and aggregation, each against what one would otherwise write or install.

`python -m tests.benchmarks.quality` prints one line per ratio. Data are generated; peers come from the extra `bench`.
"""

import gc
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks import downstream, sequences
from tests.benchmarks.ratios import Report, best_of

SPANS, PER_ANNOTATION, ANNOTATORS = 1_000_000, 20, 3
LABELS = ["PERSON", "ORG", "GPE", "WEAPON", "EVENT"]
TARGETS = ["united_states", "japan", "ukraine", "china"]
WORDS = [
    "Tokyo",
    "Kyiv",
    "Boeing",
    "Patriot",
    "missile",
    "Japan",
    "the",
    "of",
    "will",
    "build",
    "naïve",
    "café",
    "über",
]


def crowd(spans: int = SPANS) -> dict[str, Any]:
    """Arrow tables of annotations with `spans` spans, one in a thousand of them faulty in one way or another."""
    from builder.tables import ANNOTATIONS, ANSWERS, SPANS, WINDOWS

    rng = random.Random(5)
    chunks = spans // PER_ANNOTATION // ANNOTATORS
    windows: dict[str, list[Any]] = {name: [] for name in WINDOWS.names}
    rows: dict[str, list[Any]] = {name: [] for name in SPANS.names}
    made: dict[str, list[Any]] = {name: [] for name in ANNOTATIONS.names}
    answers: dict[str, list[Any]] = {name: [] for name in ANSWERS.names}
    for c in range(chunks):
        words = [f"{word}{rng.randrange(1000)}" for word in rng.choices(WORDS, k=120)]
        text, places, at = " ".join(words), [], 0
        for word in words:
            places.append((at, at + len(word)))
            at += len(word) + 1
        chunk, start = f"c{c:06}", rng.randrange(5000)
        values = (chunk, f"a{c // 4:06}", start, start + len(text), text, "", "news@1", None, None)
        for name, value in zip(WINDOWS.names, values, strict=True):
            windows[name].append(value)
        for who in range(ANNOTATORS):
            annotation = f"1:{c * ANNOTATORS + who}"
            own = {
                "annotation_id": annotation,
                "chunk_id": chunk,
                "article_id": f"a{c // 4:06}",
                "annotator": f"w{who}",
            }
            more = {"task_id": c, "project_id": 1, "state": "labelled", "prediction": "none", "ground_truth": False,
                    "problems": [], "lead_time": 30.0, "scheme_version": "1", "quarantined": False}  # fmt: skip
            for name in ANNOTATIONS.names:
                made[name].append(own.get(name, more.get(name)))
            for target in TARGETS:
                answer = {**own, "question": "stance", "target": target, "span_id": None, "label": "none"}
                for name in ANSWERS.names:
                    answers[name].append(answer.get(name))
            for n, i in enumerate(sorted(rng.sample(range(120), PER_ANNOTATION))):
                low, high = places[i]
                label = rng.choice(LABELS)
                if rng.random() < 0.001:
                    low, high, label = rng.choice([(low, high + 1, label), (low + 1, high, label), (low, high, "X")])
                span = {"span_id": f"r{n}", "kind": "entity", "start": start + low, "end": start + high, "label": label,
                        "text": text[low:high], "targets": []}  # fmt: skip
                for name in SPANS.names:
                    rows[name].append(own.get(name, span.get(name)))
    return {
        "annotations": pa.table(made, schema=ANNOTATIONS),
        "spans": pa.table(rows, schema=SPANS),
        "answers": pa.table(answers, schema=ANSWERS),
        "windows": pa.table(windows, schema=WINDOWS),
    }


def scheme() -> Any:
    """A scheme like that of the sample project."""
    from tests import samples

    targets: dict[str, list[str]] = {target: [] for target in TARGETS}
    return samples.scheme(name="news", entities=LABELS, stance=("favor", "against", "neutral", "none"), targets=targets)


def ours(tables: dict[str, Any]) -> int:
    """Every check of the list."""
    from builder.quality.checks.inputs import CheckInputs, run_checks
    from builder.quality.settings import Quality

    names = ("annotations", "spans", "answers", "windows")
    issues, _ = run_checks(CheckInputs(*(tables[name] for name in names), scheme(), Quality()))
    return int(issues.num_rows)


def span_checks(rows: Any, windows: dict[str, tuple[int, str]], known: set[str]) -> Iterator[tuple[str, str, str]]:
    """The checks of spans as a plain loop over objects, written with care for speed."""
    by_annotation: dict[str, list[Any]] = {}
    for row in rows:
        by_annotation.setdefault(row.annotation_id, []).append(row)
    for annotation, spans in by_annotation.items():
        seen, reach = set(), -1
        spans.sort(key=lambda r: (r.start, -r.end))
        for position, row in enumerate(spans):
            first, text = windows[row.chunk_id]
            low, high = row.start - first, row.end - first
            if row.label not in known:
                yield annotation, row.span_id, "unknown-label"
            if low >= high:
                yield annotation, row.span_id, "zero-length"
                continue
            if low < 0 or high > len(text):
                yield annotation, row.span_id, "bounds"
                continue
            words = text[low:high]
            if words != row.text:
                yield annotation, row.span_id, "text-mismatch"
            if words[0].isspace() or words[-1].isspace():
                yield annotation, row.span_id, "edge-whitespace"
            if (low and words[0].isalnum() and text[low - 1].isalnum()) or (
                high < len(text) and words[-1].isalnum() and text[high].isalnum()
            ):
                yield annotation, row.span_id, "mid-word"
            key = (row.start, row.end, row.label)
            if key in seen:
                yield annotation, row.span_id, "duplicate-span"
            seen.add(key)
            if low + first < reach:
                for other in spans[:position]:
                    if other.start < row.start < other.end < row.end:
                        yield annotation, row.span_id, "overlap"
                        break
            reach = max(reach, row.end)


class Plain(NamedTuple):
    """A row as a plain object."""

    annotation_id: str
    chunk_id: str
    article_id: str
    span_id: str
    kind: str
    start: int
    end: int
    label: str
    text: str


NAMES = ["annotation_id", "chunk_id", "article_id", "span_id", "kind", "start", "end", "label", "text"]


def loop(tables: dict[str, Any]) -> int:
    """The same checks in plain Python, from the same Arrow tables."""
    columns = [tables["spans"][name].to_pylist() for name in NAMES]
    windows = _windows(tables)
    rows = map(Plain, *columns)
    return sum(1 for _ in span_checks(rows, windows, set(LABELS)))


def models(tables: dict[str, Any]) -> int:
    """The same checks over pydantic models, which check the types as well."""
    from pydantic import BaseModel

    class Span(BaseModel):
        annotation_id: str
        chunk_id: str
        article_id: str
        span_id: str
        kind: str
        start: int
        end: int
        label: str
        text: str

    rows = (Span(**row) for row in tables["spans"].select(NAMES).to_pylist())
    return sum(1 for _ in span_checks(rows, _windows(tables), set(LABELS)))


def _windows(tables: dict[str, Any]) -> dict[str, tuple[int, str]]:
    columns = (tables["windows"][c].to_pylist() for c in ("chunk_id", "start", "text"))
    return {chunk: (start, text) for chunk, start, text in zip(*columns, strict=True)}


def checks(report: Report) -> None:
    """All checks over a million spans against a plain loop and against pydantic."""
    tables = crowd()
    # The cyclic collector would make millions of objects even dearer; without it the peers are at their best.
    gc.collect()
    gc.disable()
    fast = best_of(3, lambda: ours(tables))
    report.at_least("quality.checks_vs_loop", best_of(3, lambda: loop(tables)) / fast, 2)
    report.at_least("quality.checks_vs_pydantic", best_of(1, lambda: models(tables)) / fast, 5)
    gc.enable()


def memory(report: Report) -> None:
    """The peak of a process that has the million spans and checks them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, table in crowd().items():
            pq.write_table(table, Path(folder) / f"{name}.parquet")
        report.at_most("quality.checks_memory", float(_child("--peak-of-checks", folder)), 1.0, " GiB")


def alpha(report: Report) -> None:
    """Nominal alpha of a million ratings against the bare count matrix."""
    from builder.quality.agreement.coefficients import nominal_alpha, patterns_of_votes
    from builder.quality.votes import Votes

    rng = np.random.default_rng(1)
    item, label = np.repeat(np.arange(333_334), 3)[:1_000_000], rng.integers(0, 4, 1_000_000)
    votes = Votes(333_334, ["a", "b", "c"], list("wxyz"), item, np.tile(np.arange(3), 333_334)[:1_000_000], label)

    def bare() -> Any:
        return np.bincount(item * 4 + label, minlength=4 * 333_334).reshape(-1, 4)

    ratio = best_of(7, lambda: nominal_alpha(*patterns_of_votes(votes))) / best_of(7, bare)
    report.at_most("quality.alpha_vs_counts", ratio, 1.5)


def dawid_skene(report: Report) -> None:
    """Dawid-Skene over a million votes against crowd-kit, in time and memory, with the same labels."""
    ours_s, ours_gib, mine = _child("--dawid-skene", "ours").split()
    peer_s, peer_gib, theirs = _child("--dawid-skene", "crowd-kit").split()
    report.at_least("quality.dawid_skene_vs_crowd_kit", float(peer_s) / float(ours_s), 3)
    report.at_most("quality.dawid_skene_memory_vs_crowd_kit", float(ours_gib) / float(peer_gib), 1)
    same = np.mean(np.frombuffer(bytes.fromhex(mine), np.uint8) == np.frombuffer(bytes.fromhex(theirs), np.uint8))
    report.at_least("quality.dawid_skene_same_labels", float(same), 0.999, "")


def _million_votes() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(2)
    items, annotators, labels, each = 200_000, 200, 4, 5
    truth, skill = rng.integers(0, labels, items), rng.uniform(0.4, 0.95, annotators)
    item, who = np.repeat(np.arange(items), each), rng.integers(0, annotators, items * each)
    wrong = (np.repeat(truth, each) + rng.integers(1, labels, items * each)) % labels
    label = np.where(rng.random(items * each) < skill[who], np.repeat(truth, each), wrong)
    # An annotator votes once for an item.
    _, once = np.unique(item * annotators + who, return_index=True)
    return item[once], who[once], label[once]


def _run_dawid_skene(which: str) -> None:
    item, who, label = _million_votes()
    if which == "ours":
        from builder.quality.aggregation.dawid_skene import dawid_skene_fit
        from builder.quality.settings import Aggregation
        from builder.quality.votes import Votes

        votes = Votes(200_000, [str(i) for i in range(200)], list("abcd"), item, who, label)
        settings = Aggregation(smoothing=0, rounds=100)
        found: list[Any] = []
        seconds = best_of(5, lambda: found.append(dawid_skene_fit(votes, settings)[0].argmax(axis=1)))
        chosen = found[-1]
    else:
        import pandas as pd
        from crowdkit.aggregation import DawidSkene

        frame = pd.DataFrame({"task": item, "worker": who, "label": label})
        found = []
        seconds = best_of(3, lambda: found.append(DawidSkene(n_iter=100).fit_predict(frame)))
        chosen = found[-1].sort_index().to_numpy()
    print(seconds, _peak(), chosen.astype(np.uint8).tobytes().hex())  # noqa: T201


def _peak() -> float:
    """The most memory this process held, in GiB. Other than `ru_maxrss`, it knows nothing of the parent."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**20  # type: ignore[index]


def _child(*flags: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.quality", *flags], capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    if sys.argv[1:2] == ["--dawid-skene"]:
        _run_dawid_skene(sys.argv[2])
        return
    if sys.argv[1:2] == ["--peak-of-checks"]:
        folder = Path(sys.argv[2])
        ours({path.stem: pq.read_table(path) for path in sorted(folder.iterdir())})
        print(_peak())  # noqa: T201
        return
    report = Report()
    checks(report)
    memory(report)
    alpha(report)
    dawid_skene(report)
    sequences.votes_on_tokens(report)
    sequences.units(report)
    downstream.main()
    report.finish()


if __name__ == "__main__":
    main()
