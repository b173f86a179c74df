"""Label names by id, append-only from release to release, and what labels are called in this release."""

from collections.abc import Mapping, Sequence

from builder.scheme import Renames


def label_ids(current: Sequence[str], earlier: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    """Label names by id: what an earlier release numbered keeps its number, new labels follow.

    A renamed label keeps its number under the new name. A label that is gone, or was merged into another, keeps its
    number too, with no rows, so that no number ever changes its meaning.

    >>> label_ids(["PERSON", "ARMS", "EVENT"], ["PERSON", "ORG", "WEAPON"], {"WEAPON": "ARMS"})
    ['PERSON', 'ORG', 'ARMS', 'EVENT']
    """
    names: list[str] = []
    for old in earlier:
        new = renamed.get(old, old)
        moved = old not in current and new in current and new not in earlier and new not in names
        names.append(new if moved else old)
    return names + [name for name in current if name not in names]


def exported(labels: Sequence[str], changes: Mapping[str, str | None]) -> list[str]:
    """The labels of a release, in the scheme's order, after the renames, merges and omissions of the export.

    >>> exported(["PERSON", "ORG", "GPE", "EVENT"], {"GPE": "ORG", "EVENT": None})
    ['PERSON', 'ORG']
    """
    names = [changes.get(label, label) for label in labels]
    return list(dict.fromkeys(name for name in names if name is not None))


def renames(migrations: Mapping[str, Mapping[str, Renames]], kind: str) -> dict[str, str]:
    """What every older name of a label ("entities", "stance" or "targets") is called now, chains followed."""
    steps: dict[str, str] = {}
    for version in migrations.values():
        if kind in version:
            steps.update(version[kind].labels)
    found = {}
    for old in steps:
        new, seen = old, {old}
        while new in steps and steps[new] not in seen:
            new = steps[new]
            seen.add(new)
        found[old] = new
    return found


def translation(known: Sequence[str], changes: Mapping[str, str | None], renamed: Mapping[str, str]) -> dict[str, str]:
    """Every label that may stand in gold, to the name it has in the release; those left out are missing."""
    found = {}
    for label in [*known, *renamed]:
        now = label if label in known else renamed[label]
        name = changes.get(now, now)
        if name is not None:
            found[label] = name
    return found
