"""A release: how its labels are balanced, what changed since the one before, and what tags and rows lose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from builder.release.diff import lines
from builder.release.manifest import Manifest, SplitFacts
from builder.release.tags import LOSSES

#: What rows cannot hold, in words.
_LOST = {why: f"spans that {words}" for why, words in LOSSES.items()} | {
    "row-border": "spans that cross the border of a row and are in none",
    "masked-tokens": "tokens whose tag is not known, so that training does not see them",
    "strict-rows": "texts that are left out, because a span in them was not decided",
}


@dataclass(frozen=True)
class ReleaseSection:
    """One release and its difference from the one before; `words` say it as CHANGELOG.md does.

    `balance` has per configuration and label, or "rows", the number of all and of each of the `splits`. `lost` is what
    rows cannot hold, and `left_out` gold that has no row: configuration, reason and number. `changes` are by
    configuration: rows added and removed, labels that became others, spans whose bounds moved. `examples` of them
    are by a title that says of how many: row, change, before and now.
    """

    missing: str = ""
    version: str = ""
    previous: str = ""
    versions: tuple[str, ...] = ()
    below_gates: str = ""
    splits: tuple[str, ...] = ()
    balance: tuple[tuple[str | int, ...], ...] = ()
    left_out: tuple[tuple[str, str, int], ...] = ()
    lost: tuple[tuple[str, str, int], ...] = ()
    words: tuple[str, ...] = ()
    changes: tuple[tuple[str, int, int, int, int], ...] = ()
    examples: Mapping[str, list[tuple[str, str, str, str]]] = field(default_factory=dict)


def release_section(manifest: Manifest | None, versions: Sequence[str] = ()) -> ReleaseSection:
    """What the manifest of the latest of the releases says; all of it is public."""
    if manifest is None:
        return ReleaseSection("Nothing is released yet: run `builder export`.")
    splits = tuple(dict.fromkeys(name for found in manifest.configs.values() for name in found.splits))
    balance: list[tuple[str | int, ...]] = []
    for name, found in manifest.configs.items():
        facts = [found.splits.get(split, SplitFacts()) for split in splits]
        counts = {"rows": [one.rows for one in facts]}
        labels = dict.fromkeys(label for one in facts for label in one.labels)
        counts |= {label: [one.labels.get(label, 0) for one in facts] for label in labels}
        balance += [(name, label, sum(each), *each) for label, each in counts.items()]
    changes, examples = [], {}
    for name, change in manifest.changes.rows.items():
        # A label that became another is such as "favor -> against"; statuses are written so as well.
        flips = (w == "relabelled" or (" -> " in w and not w.startswith("status ")) for w in change.labels)
        flipped = sum(n for n, flip in zip(change.labels.values(), flips, strict=True) if flip)
        changes.append((name, change.added, change.removed, flipped, change.labels.get("moved", 0)))
        shown, of = len(change.examples), sum(change.labels.values())
        if shown:
            title = f"Changes in {name}" + (f": {shown} of {of}" if of > shown else "")
            examples[title] = [(one.id, one.what, one.old, one.new) for one in change.examples]
    return ReleaseSection(
        version=manifest.version,
        previous=manifest.previous,
        versions=tuple(versions),
        below_gates=manifest.below_gates,
        splits=splits,
        balance=tuple(balance),
        left_out=_listed(manifest.counts.left_out),
        lost=_listed(manifest.losses),
        words=tuple(lines(manifest.changes)),
        changes=tuple(changes),
        examples=examples,
    )


def _listed(counts: Mapping[str, Mapping[str, int]]) -> tuple[tuple[str, str, int], ...]:
    """Configuration, reason in words and number; what is held is no loss."""
    return tuple(
        (name, _LOST.get(why, why), n)
        for name, found in counts.items()
        for why, n in found.items()
        if n and why != "held"
    )
