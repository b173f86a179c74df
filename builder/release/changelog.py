"""CHANGELOG.md, written from diffs: the newest release first."""

from builder.release.configurations import SPECS
from builder.release.manifest import Changes

_FIGURES = 10


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
        out.append("What the card says about the dataset changed.")
    known = [(name, old, new) for name, (old, new) in changes.agreement.items() if old is not None and new is not None]
    return out + [f"Agreement, {name}: {old:.3g} -> {new:.3g}." for name, old, new in known[:_FIGURES]]


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
    title = f"## {version}" + (f" ({date})" if date else "")
    return f"{head}\n{title}\n\n{body}\n" + (f"\n{rest}\n" if rest else "")
