"""CHANGELOG.md, written from diffs: the newest release first."""

from typing import Any

_NOUNS = {"entities": ("row", "rows"), "stance": ("stance", "stances"), "annotations": ("annotation", "annotations")}


def lines(changes: dict[str, Any]) -> list[str]:
    """What a reader wants to know of a diff, one change a line."""
    if changes.get("level") == "first":
        return ["First release."]
    out = [f"Configuration `{name}` {what}." for what, names in changes["configs"].items() for name in names]
    out += [f"Label of {kind}: {told}." for kind, all_told in changes["labels"].items() for told in all_told]
    for config, columns in changes["columns"].items():
        out += [f"`{config}`: column `{name}` {what}." for what, names in columns.items() for name in names]
    for config, counts in changes["rows"].items():
        out += [
            f"`{config}`: {count(counts[what], *_NOUNS[config])} {what}."
            for what in ("added", "removed")
            if counts[what]
        ]
    out += _labels(changes)
    for config, counts in changes["rows"].items():
        if counts["changed"] and not _told(config, changes):
            out.append(f"`{config}`: {count(counts['changed'], *_NOUNS[config])} changed.")
    if changes["splits"]["moved"]:
        out.append(f"{count(changes['splits']['moved'], 'row', 'rows')} moved to another split.")
    if changes["card"]:
        out.append("What the card says about the dataset changed.")
    shown = {name: both for name, both in changes["agreement"].items() if None not in both}
    out += [f"Agreement, {name}: {old:.3g} -> {new:.3g}." for name, (old, new) in list(shown.items())[:10]]
    return out


def _told(config: str, changes: dict[str, Any]) -> bool:
    if config == "entities":
        return any(changes.get("entities", {}).get(k) for k in ("added", "removed", "relabelled", "moved"))
    return config == "stance" and bool(changes.get("stance", {}).get("flipped"))


def _labels(changes: dict[str, Any]) -> list[str]:
    out = []
    spans = changes.get("entities", {})
    for kind, text in (
        ("added", "added in rows that were there"),
        ("removed", "removed from rows that stay"),
        ("relabelled", "relabelled"),
        ("moved", "with moved borders"),
    ):
        if spans.get(kind):
            out.append(f"{count(spans[kind], 'entity span', 'entity spans')} {text}.")
    out += [f"Stance {flip}: {number}." for flip, number in changes.get("stance", {}).get("flips", {}).items()]
    return out


def count(number: int, one: str, many: str) -> str:
    """A number and its noun.

    >>> count(1, "row", "rows"), count(2000, "row", "rows")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {one if number == 1 else many}"


def changelog(version: str, date: str, changes: dict[str, Any], earlier: str) -> str:
    """The whole file: this version's section before those of the earlier file."""
    head = "# Changelog\n"
    body = "\n".join(f"- {line}" for line in lines(changes))
    rest = earlier.removeprefix(head).strip()
    title = f"## {version}" + (f" ({date})" if date else "")
    return f"{head}\n{title}\n\n{body}\n" + (f"\n{rest}\n" if rest else "")
