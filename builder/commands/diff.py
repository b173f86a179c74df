"""What changed between two releases."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def diff(config: "Config", console: "Console", old: str, new: str) -> dict[str, Any]:
    """Rows, labels, borders, splits and agreement that differ between two releases, named by version or folder."""
    from rich.table import Table

    from builder.commands.export import release_folder
    from builder.release import changelog, versions
    from builder.release.diff import Release
    from builder.release.diff import diff as compare

    folder = release_folder(config)
    a, b = (Release(root, versions.manifest(root)) for root in (versions.find(folder, old), versions.find(folder, new)))
    found = compare(a, b)
    console.print(f"{a.root.name} -> {b.root.name}: {found['level']}")
    for line in changelog.lines(found):
        console.print(f"  {line}")
    spans, flips = (found.get(name, {}).get("examples", []) for name in ("entities", "stance"))
    rows = [(e["id"], e["change"], _span(e["old"]), _span(e["new"])) for e in spans]
    rows += [(e["id"], "flipped", str(e["old"]), str(e["new"])) for e in flips]
    if rows:
        table = Table("row", "change", a.root.name, b.root.name)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    return found


def _span(span: dict[str, Any] | None) -> str:
    return "" if span is None else f"{span['label']} {span['start']}-{span['end']} {span['text']!r}"
