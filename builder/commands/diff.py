"""What changed between two releases."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def diff(config: "Config", console: "Console", old: str, new: str) -> dict[str, Any]:
    """Rows, labels, borders, splits and agreement that differ between two releases, named by version or folder."""
    import msgspec
    from rich.table import Table

    from builder.commands.export import release_folder
    from builder.release import changelog, manifest, versions
    from builder.release.diff import Release
    from builder.release.diff import diff as compare

    roots = [versions.find_release(release_folder(config), name) for name in (old, new)]
    a, b = (Release(root, manifest.read(root)) for root in roots)
    found = compare(a, b)
    console.print(f"{a.root.name} -> {b.root.name}: {found.level}")
    for line in changelog.lines(found, b.manifest.configs):
        console.print(f"  {line}")
    table = Table("configuration", "row", "change", a.root.name, b.root.name)
    for name, rows in found.rows.items():
        for example in rows.examples:
            table.add_row(name, example.id, example.what, example.old, example.new)
    if table.row_count:
        console.print(table)
    changes: dict[str, Any] = msgspec.to_builtins(found)
    return changes
