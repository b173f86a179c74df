"""What changed between two releases, in terms of labels; as a version level, and in words for CHANGELOG.md."""

import difflib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.arrays import flat, records
from builder.release.compare import align
from builder.release.configuration import STRING, arrow_schema, label_names, with_names
from builder.release.configurations import SPECS
from builder.release.manifest import Change, Changes, Exported, Manifest, RowChanges, data_files
from builder.release.provenance import self_descriptions

#: How many single changes of each configuration are shown.
EXAMPLES = 20
_FIGURES = 10
#: Keys of a scheme that hold words for people.
_WORDS = ("guidelines", "title", "description", "heading")


def diff(old: Exported, new: Exported) -> Changes:
    """What changed between two releases."""
    a, b = old.manifest, new.manifest
    added, removed = ([n for n in x.configs if n not in y.configs] for x, y in ((b, a), (a, b)))
    found = Changes(
        level="none",
        old=a.version,
        new=b.version,
        configurations={"added": added, "removed": removed},
        labels=_labels(a.labels, b.labels),
        agreement={
            name: [a.agreement.get(name), b.agreement.get(name)]
            for name in sorted({*a.agreement, *b.agreement})
            if a.agreement.get(name) != b.agreement.get(name)
        },
        card=a.configuration["dataset"] != b.configuration["dataset"]
        or self_descriptions(old.folder) != self_descriptions(new.folder),
        wording=_wording(a.configuration["labels"], b.configuration["labels"]),
    )
    for name in b.configs:
        if name in a.configs:
            features = (_with_tokenizer(made, name) for made in (a, b))
            if columns := _columns(*features):
                found.columns[name] = columns
            found.rows[name], moved = _rows(name, old, new, same_columns=not columns)
            found.moved += moved
    found.level = _level(found)
    return found


def _level(found: Changes) -> str:
    if any(found.configurations.values()) or found.columns or found.labels:
        return "major"
    rows = found.rows.values()
    if any(counts.added or counts.removed for counts in rows) or found.moved:
        return "minor"
    return "patch" if any(counts.changed for counts in rows) or found.card or found.wording else "none"


def _wording(old: Any, new: Any, where: str = "") -> list[str]:
    """How guidelines, titles and descriptions differ: a line each, with the place and the old and the new words."""
    if isinstance(old, dict) and isinstance(new, dict):
        shared = [key for key in new if key in old and key not in ("migrations", "version", "name")]
        return [line for key in shared for line in _wording(old[key], new[key], f"{where}.{key}".lstrip("."))]
    if old == new or where.rpartition(".")[2] not in _WORDS:
        return []
    changed = difflib.unified_diff(str(old).splitlines(), str(new).splitlines(), n=0, lineterm="")
    return [
        f"{where}: {line[0]} {line[1:].strip()}" for line in list(changed)[2:] if line[0] in "+-" and line[1:].strip()
    ]


def _labels(old: dict[str, list[str]], new: dict[str, list[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for question in sorted({*old, *new}):
        pairs = zip_longest(old.get(question, []), new.get(question, []))
        lines = [
            f"{a} is now called {b}" if a and b else f"{b} is new" if b else f"{a} is gone" for a, b in pairs if a != b
        ]
        if lines:
            found[question] = lines
    return found


def _with_tokenizer(made: Manifest, name: str) -> dict[str, Any]:
    """The features of a configuration; ids of tokens are of their tokenizer."""
    features = made.configs[name].features
    return features | ({"input_ids": made.tokenizer} if "input_ids" in features else {})


def _columns(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[str]]:
    found = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "retyped": [name for name in new if name in old and old[name] != new[name]],
    }
    return {what: names for what, names in found.items() if names}


def _rows(name: str, old: Exported, new: Exported, same_columns: bool) -> tuple[RowChanges, int]:
    """How the rows of a configuration differ, and how many moved to another split."""
    a, b = (release.manifest.configs[name].splits for release in (old, new))
    kind = new.manifest.configs[name].kind
    # Splits with the same contents need not be read.
    equal = {s for s in b if s in a and same_columns and a[s].logical_sha256 == b[s].logical_sha256}
    labels = (made.manifest.labels.get(made.manifest.configs[name].question, []) for made in (old, new))
    # A label that is only called otherwise is the same label.
    renamed = {before: now for before, now in zip(*labels, strict=False) if before != now}
    both = align(_judged(old, name, a.keys() - equal, renamed), _judged(new, name, b.keys() - equal, {}))
    shared = [c for c in both.new.column_names if c in both.old.column_names and c not in ("id", "split")]
    changes = list(SPECS[kind].changes(both))
    counts = RowChanges(
        kind,
        added=both.added.num_rows,
        removed=both.removed.num_rows,
        changed=len(both.changed([c for c in shared if both.old[c].type == both.new[c].type])),
        labels=dict(sorted(Counter(change.what for change in changes).items())),
        added_ids=both.added["id"].slice(0, EXAMPLES).to_pylist(),
        removed_ids=both.removed["id"].slice(0, EXAMPLES).to_pylist(),
        examples=_examples(changes),
    )
    moved = pc.sum(pc.not_equal(both.old["split"], both.new["split"])).as_py() or 0
    return counts, moved if SPECS[kind].moves else 0


def _examples(changes: Iterable[Change]) -> list[Change]:
    """The first changes of each kind in turn, so that no kind hides another."""
    kinds: dict[str, list[Change]] = {}
    for change in changes:
        kinds.setdefault(change.what, []).append(change)
    return [change for turn in zip_longest(*kinds.values()) for change in turn if change][:EXAMPLES]


def _judged(release: Exported, configuration: str, splits: Collection[str], renamed: Mapping[str, str]) -> pa.Table:
    """Id, split and judged columns of these splits; labels by name, the `renamed` ones under their new name."""
    facts = release.manifest.configs[configuration]
    columns = ["id", *facts.judged]
    parts = [arrow_schema({name: facts.features[name] for name in columns} | {"split": STRING}).empty_table()]
    for split in (split for split in facts.splits if split in splits):
        for path in data_files(release.folder, configuration, split):
            part = pq.read_table(path, columns=columns)
            parts.append(part.append_column("split", pa.array([split] * part.num_rows, pa.string())))
    whole = pa.concat_tables([part.replace_schema_metadata(None) for part in parts])
    names = label_names(facts.features)
    named = with_names(whole, {name: names[name] for name in SPECS[facts.kind].by_name if name in names})
    if not renamed:
        return named
    columns = [_renamed(flat(named[name]), name, renamed) for name in named.column_names]
    return pa.table(columns, named.column_names)


def _renamed(array: pa.Array, name: str, names: Mapping[str, str]) -> pa.Array:
    """A column, or a part of its records, with other names for its labels."""
    if pa.types.is_list(array.type):
        return pa.ListArray.from_arrays(array.offsets, _renamed(array.values, name, names), mask=array.is_null())
    if pa.types.is_struct(array.type):
        return records(**{f.name: _renamed(array.field(i), f.name, names) for i, f in enumerate(array.type)})
    if name not in ("label", "labels", "polarity"):
        return array
    at = pc.index_in(array, value_set=pa.array(names))
    return pc.coalesce(pa.array(names.values(), pa.string()).take(at), array)


def lines(changes: Changes) -> list[str]:
    """What a reader wants to know about a diff, one line per change."""
    if changes.level == "first":
        return ["First release."]
    out = [f"Configuration `{name}` {what}." for what, names in changes.configurations.items() for name in names]
    out += [f"Label of `{question}`: {line}." for question, found in changes.labels.items() for line in found]
    for name, columns in changes.columns.items():
        out += [f"`{name}`: column `{column}` {what}." for what, found in columns.items() for column in found]
    for name, rows in changes.rows.items():
        noun = SPECS[rows.kind].noun
        found = [f"{count(n, *noun)} {what}" for what, n in (("added", rows.added), ("removed", rows.removed)) if n]
        found += [f"{what}: {number:,}" for what, number in rows.labels.items()]
        if rows.changed and not rows.labels:
            found.append(f"{count(rows.changed, *noun)} changed")
        out += [f"`{name}`: {line}." for line in found]
    if changes.moved:
        out.append(f"{count(changes.moved, 'row', 'rows')} moved to another split.")
    if changes.card:
        out.append("What is said about the dataset or its annotators changed.")
    out += [f"Reworded, {line}" for line in changes.wording]
    out += changes.notes
    known = [(name, old, new) for name, (old, new) in changes.agreement.items() if old is not None and new is not None]
    return out + [f"Agreement, {name}: {_apart(old, new)}." for name, old, new in known[:_FIGURES]]


def _apart(old: float, new: float) -> str:
    """Two numbers with as many digits as they need to differ.

    >>> _apart(0.7512, 0.7514), _apart(0.5, 0.75)
    ('0.7512 -> 0.7514', '0.5 -> 0.75')
    """
    pairs = ((f"{old:.{digits}g}", f"{new:.{digits}g}") for digits in range(3, 18))
    return " -> ".join(next(pair for pair in pairs if pair[0] != pair[1]))


def count(number: int, one: str, many: str) -> str:
    """A number and its noun.

    >>> count(1, "row", "rows"), count(2000, "row", "rows")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {one if number == 1 else many}"


def changelog(version: str, date: str, found: list[str], earlier: str) -> str:
    """The whole file: the lines of this version before the sections of the earlier file."""
    head = "# Changelog\n"
    body = "\n".join(f"- {line}" for line in found)
    rest = earlier.removeprefix(head).strip()
    title = f"## {version} ({date})" if date else f"## {version}"
    return f"{head}\n{title}\n\n{body}\n" + (f"\n{rest}\n" if rest else "")
