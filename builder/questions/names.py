"""What the labels of a result are called now: the scheme's own names, and those of earlier versions."""

from collections.abc import Iterable

from builder.questions import controls
from builder.scheme import EVIDENCE, Scheme


class Names:
    """Name as it stands in a result of scheme version `version` -> name in `scheme`; a missing one is unknown.

    `entities` are the labels of spans: those of evidence among them.
    """

    def __init__(self, scheme: Scheme, version: str) -> None:
        # The version the task was pushed under speaks first; a project may have been migrated since.
        order = [version, *(v for v in scheme.migrations if v != version)]
        steps = [scheme.migrations[v] for v in order if v in scheme.migrations]
        self.entities = resolve(scheme.entities, [m.entities for m in steps])
        self.stance = resolve(scheme.stance, [m.stance for m in steps])
        self.targets = resolve(scheme.targets, [m.targets for m in steps])
        self.problems = set(scheme.problems)
        #: Questions asked of single regions.
        self.of_region: set[str] = set()
        if scheme.stance and scheme.target_mode == "mention":
            self.of_region.add(controls.MENTION_STANCE)
        if scheme.stance and scheme.evidence:
            self.entities[EVIDENCE] = EVIDENCE
            if scheme.target_mode != "mention":
                self.of_region.add(controls.EVIDENCE_TARGET)
        #: Stance control to target, with the controls of earlier targets.
        self.asked = (
            {controls.stance(old): now for old, now in self.targets.items()} if controls.asked(scheme, []) else {}
        )


def resolve(current: Iterable[str], steps: list[dict[str, str]]) -> dict[str, str]:
    """Every known name, old or current, to its current name; renames of renames are followed.

    >>> resolve(["C"], [{"A": "B"}, {"B": "C"}])
    {'C': 'C', 'A': 'C', 'B': 'C'}
    """
    known = {name: name for name in current}
    for old in [old for step in steps for old in step]:
        name, seen = old, set[str]()
        while name not in known and name not in seen:
            seen.add(name)
            name = next((step[name] for step in steps if name in step), name)
        if name in known:
            known.setdefault(old, known[name])
    return known
