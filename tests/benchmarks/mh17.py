"""Agreement and adjudication on entity spans of a real crowd: `python -m tests.benchmarks.mh17 PATH`.

PATH is a JSON Lines file of texts with `annotations`: annotator, `asked` (labels the annotator was asked for) and
`spans` (start, end, label). It is not part of the project; the figures were made with section E of the Broad Twitter
Corpus (L. Derczynski, K. Bontcheva and I. Roberts, COLING 2016), whose workers were asked for one kind of name each.
"""

import json
import math
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from builder.quality.adjudication.spans import gold_spans
from builder.quality.aggregation.believe import Decider
from builder.quality.agreement.spans import span_agreement
from builder.quality.settings import Aggregation, Quality
from builder.quality.votes import Voters
from builder.tables import ANNOTATIONS, SPANS, WINDOWS


def tables(path: Path) -> tuple[pa.Table, pa.Table, pa.Table, dict[str, list[str]]]:
    """Annotations, spans and windows, and the labels each annotator was asked for.

    Whoever was asked for different labels at different times is one annotator for each list of labels.
    """
    annotations: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    windows: list[dict[str, Any]] = []
    asked: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        text = json.loads(line)
        shown = {"chunk_id": text["id"], "article_id": text["id"], "start": 0, "end": len(text["text"])}
        windows.append({**shown, "text": text["text"]})
        for made in text["annotations"]:
            name = f"{made['annotator']} {'+'.join(sorted(made['asked']))}"
            asked[name] = sorted(made["asked"])
            who = {"annotation_id": f"1:{len(annotations)}", "chunk_id": text["id"], "article_id": text["id"]}
            who["annotator"] = name
            state = "labelled" if made["spans"] else "labelled-empty"
            annotations.append({**who, "project_id": 1, "state": state, "quarantined": False})
            for n, span in enumerate(made["spans"]):
                given = {key: span[key] for key in ("start", "end", "label")}
                words = text["text"][span["start"] : span["end"]]
                spans.append({**who, **given, "span_id": f"r{n}", "kind": "entity", "text": words, "targets": []})
    made_tables = [
        pa.Table.from_pylist(r, s) for r, s in ((annotations, ANNOTATIONS), (spans, SPANS), (windows, WINDOWS))
    ]
    return made_tables[0], made_tables[1], made_tables[2], asked


def main() -> None:
    """Prints agreement by label, and what each method keeps."""
    annotations, spans, windows, asked = tables(Path(sys.argv[1]))
    say(
        f"{windows.num_rows} texts, {annotations.num_rows} annotations, {spans.num_rows} spans, {len(asked)} annotators"
    )
    start = time.perf_counter()
    measured = span_agreement(annotations, spans, windows, "entity", Quality(bootstrap=500, asked=asked))
    if measured is None:
        raise SystemExit("Nobody marked anything.")
    say(f"agreement in {time.perf_counter() - start:.2f} s")
    for label, found in [*measured.labels.items(), ("all", measured.overall)]:
        low, high = found.exact_f1_interval or (math.nan, math.nan)
        alpha = "undefined" if found.token_alpha is None else f"{found.token_alpha:.4f}"
        f1 = f"exact F1 {found.exact_f1:.4f} [{low:.4f}, {high:.4f}], partial F1 {found.partial_f1:.4f}"
        say(f"  {label}: {f1}, token alpha {alpha} over {found.tokens} tokens")
    for method, measured_by in measured.parts.calibration.items():
        entropies = (measured_by.shares, measured_by.model, measured_by.released)
        shown = ", ".join(f"{one.cross_entropy:.3f}" for one in entropies)
        say(f"  {method}: cross-entropy on {measured_by.shares.votes} held-out votes (shares, model, released) {shown}")
    kept: dict[str, set[tuple[Any, ...]]] = {}
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    for method in ("majority", "dawid_skene", "sequence", "mace", "weighted", "auto"):
        for way in ("exact", "overlap", "tokens"):
            name = f"{method}:{way}"
            start = time.perf_counter()
            decider = Decider(Voters(annotations, (), asked), Aggregation(method=method, spans=way))
            rows = gold_spans(spans, windows, decider).to_pylist()
            statuses[name].update(r["status"] for r in rows)
            final = [r for r in rows if r["status"] in ("agreed", "adjudicated")]
            kept[name] = {(r["chunk_id"], r["start"], r["end"], r["label"]) for r in final}
            counts = ", ".join(f"{n} {status}" for status, n in sorted(statuses[name].items()))
            shared = len(kept[name] & kept["majority:exact"])
            f1 = 2 * shared / (len(kept[name]) + len(kept["majority:exact"]))
            say(f"  {name}: {counts}; F1 with majority:exact {f1:.4f} ({time.perf_counter() - start:.2f} s)")


def say(line: str) -> None:
    """Prints a line."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
