"""What changed between two releases, in terms of labels: the base of version numbers and changelogs."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.release.compare import Aligned, align
from builder.release.features import label_names

#: How many single changes of a kind are told one by one.
EXAMPLES = 20
#: Columns whose change is a change of labels or of what supports them. Texts follow from ids.
_JUDGED = {
    "entities": ["entities", "ner_tags", "labels"],
    "stance": ["label", "votes", "probability", "status"],
    "annotations": ["state", "quarantined", "entities", "stances", "evidence", "problems", "comment", "updated"],
}


@dataclass(frozen=True)
class Release:
    """A release's folder and its manifest; the folder of one that is being made has no manifest yet."""

    root: Path
    manifest: dict[str, Any]

    def rows(self, config: str, splits: list[str]) -> pa.Table:
        """Id, split and judged columns of the splits; stance labels by name."""
        facts = self.manifest["configs"][config]
        columns = [name for name in ["id", *_JUDGED[config]] if name in facts["features"]]
        parts = []
        for split in splits:
            for path in sorted((self.root / config).glob(f"{split}-?????-of-?????.parquet")):
                part = pq.read_table(path, columns=columns)
                parts.append(part.append_column("split", pa.array([split] * part.num_rows, pa.string())))
        whole = pa.concat_tables(parts).replace_schema_metadata(None)
        if config == "stance":
            names = pa.array(label_names(facts["features"])["label"], pa.string())
            whole = whole.set_column(whole.schema.get_field_index("label"), "label", names.take(whole["label"]))
        return whole


def diff(old: Release, new: Release) -> dict[str, Any]:
    """What changed, as plain JSON-able data; `level` is the part of the version number it asks for.

    "major": configurations, columns or labels changed; "minor": rows came or went; "patch": labels, votes or the card
    were corrected; "none": the same contents.
    """
    a, b = old.manifest["configs"], new.manifest["configs"]
    found: dict[str, Any] = {
        "old": old.manifest["version"],
        "new": new.manifest["version"],
        "configs": {"added": [n for n in b if n not in a], "removed": [n for n in a if n not in b]},
        "columns": {},
        "labels": _labels(old.manifest["labels"], new.manifest["labels"]),
        "rows": {},
        "splits": {"moved": 0},
        "agreement": _numbers_of(old.manifest["agreement"], new.manifest["agreement"]),
        "card": old.manifest["configuration"]["dataset"] != new.manifest["configuration"]["dataset"],
    }
    for config in b:
        if config in a:
            columns = _columns(a[config]["features"], b[config]["features"])
            if columns:
                found["columns"][config] = columns
            _compare(config, old, new, found)
    found["level"] = _level(found)
    return found


def _level(found: dict[str, Any]) -> str:
    if any(found["configs"].values()) or found["columns"] or any(found["labels"].values()):
        return "major"
    rows = found["rows"].values()
    if any(counts["added"] or counts["removed"] for counts in rows) or found["splits"]["moved"]:
        return "minor"
    if any(counts["changed"] for counts in rows) or found["card"]:
        return "patch"
    return "none"


def _labels(old: dict[str, list[str]], new: dict[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind in sorted({*old, *new}):
        before, after = old.get(kind, []), new.get(kind, [])
        told = [f"{a} is now called {b}" for a, b in zip(before, after, strict=False) if a != b]
        told += [f"{name} is new" for name in after[len(before) :]]
        told += [f"{name} is gone" for name in before[len(after) :]]
        if told:
            found[kind] = told
    return found


def _columns(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[str]]:
    found = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "retyped": [name for name in new if name in old and old[name] != new[name]],
    }
    return {key: names for key, names in found.items() if names}


def _compare(config: str, old: Release, new: Release, found: dict[str, Any]) -> None:
    a, b = (r.manifest["configs"][config]["splits"] for r in (old, new))
    same_columns = config not in found["columns"]
    # Splits with the same contents need not be read.
    equal = {s for s in b if s in a and same_columns and a[s]["logical_sha256"] == b[s]["logical_sha256"]}
    counts = {"added": 0, "removed": 0, "changed": 0}
    found["rows"][config] = counts
    left, right = [s for s in a if s not in equal], [s for s in b if s not in equal]
    if not left and not right:
        return
    schema = (new if right else old).rows(config, (right or left)[:1]).schema.empty_table()
    both = align(old.rows(config, left) if left else schema, new.rows(config, right) if right else schema)
    columns = [c for c in both.new.column_names if c in both.old.column_names and c not in ("id", "split")]
    comparable = [c for c in columns if both.old[c].type == both.new[c].type]
    changed = both.changed(comparable)
    counts |= {"added": both.added.num_rows, "removed": both.removed.num_rows, "changed": len(changed)}
    counts["added_ids"] = both.added["id"].slice(0, EXAMPLES).to_pylist()
    counts["removed_ids"] = both.removed["id"].slice(0, EXAMPLES).to_pylist()
    if config != "annotations":
        found["splits"]["moved"] += pc.sum(pc.not_equal(both.old["split"], both.new["split"])).as_py() or 0
    if config == "entities" and "entities" in comparable:
        found["entities"] = _spans(both, both.changed(["entities"]).tolist())
    if config == "stance":
        found["stance"] = _flips(both, both.changed(["label"]).tolist())


def _spans(both: Aligned, changed: list[int]) -> dict[str, Any]:
    """Entity spans that came, went, got another label or moved their borders."""
    found: dict[str, Any] = {"added": 0, "removed": 0, "relabelled": 0, "moved": 0, "examples": []}
    old, new = both.old.take(pa.array(changed, pa.int64())), both.new.take(pa.array(changed, pa.int64()))
    for row, before, after in zip(
        new["id"].to_pylist(), old["entities"].to_pylist(), new["entities"].to_pylist(), strict=True
    ):
        for kind, a, b in pair(before, after):
            found[kind] += 1
            if len(found["examples"]) < EXAMPLES:
                found["examples"].append({"id": row, "change": kind, "old": _brief(a), "new": _brief(b)})
    return found


def pair(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    """How one row's spans became the other's: (kind, old span, new span), with None for no span.

    The same place under another label is "relabelled"; an overlapping place under the same label is "moved".
    """
    a = Counter((s["start"], s["end"], s["label"]) for s in old)
    b = Counter((s["start"], s["end"], s["label"]) for s in new)
    texts = {(s["start"], s["end"]): s["text"] for s in [*old, *new]}
    gone, come = sorted((a - b).elements()), sorted((b - a).elements())
    out: list[tuple[str, Any, Any]] = []
    for kind in ("relabelled", "moved"):
        for x in list(gone):
            y = next((y for y in come if _related(kind, x, y)), None)
            if y is not None:
                gone.remove(x)
                come.remove(y)
                out.append((kind, (*x, texts[x[:2]]), (*y, texts[y[:2]])))
    out += [("removed", (*x, texts[x[:2]]), None) for x in gone]
    return out + [("added", None, (*y, texts[y[:2]])) for y in come]


def _related(kind: str, x: tuple[int, int, str], y: tuple[int, int, str]) -> bool:
    if kind == "relabelled":
        return x[:2] == y[:2]
    return x[2] == y[2] and x[0] < y[1] and y[0] < x[1]


def _brief(span: tuple[int, int, str, str] | None) -> dict[str, Any] | None:
    return None if span is None else dict(zip(("start", "end", "label", "text"), span, strict=True))


def _flips(both: Aligned, changed: list[int]) -> dict[str, Any]:
    at = pa.array(changed, pa.int64())
    ids = both.new["id"].take(at).to_pylist()
    old, new = both.old["label"].take(at).to_pylist(), both.new["label"].take(at).to_pylist()
    triples = list(zip(ids, old, new, strict=True))
    flips = Counter(f"{a} -> {b}" for _, a, b in triples)
    return {
        "flipped": len(triples),
        "flips": dict(sorted(flips.items())),
        "examples": [{"id": i, "old": a, "new": b} for i, a, b in triples[:EXAMPLES]],
    }


def _numbers_of(old: Any, new: Any, name: str = "") -> dict[str, list[float | None]]:
    """Every number of the agreement that differs, old and new, by dotted name."""
    if isinstance(old, dict) or isinstance(new, dict):
        a, b = (side if isinstance(side, dict) else {} for side in (old, new))
        found: dict[str, list[float | None]] = {}
        for key in sorted({*a, *b}):
            found |= _numbers_of(a.get(key), b.get(key), f"{name}.{key}" if name else key)
        return found
    plain = [v if isinstance(v, int | float) and not isinstance(v, bool) else None for v in (old, new)]
    return {name: plain} if plain[0] != plain[1] else {}
