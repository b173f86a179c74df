"""What a new version of the scheme means for a project that has annotations already.

Additions apply at once. Renames and merges rewrite the results that carry the old names; the server accepts that
while both names are in its configuration. Removals would orphan labels, and are refused.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from builder.questions import controls
from builder.questions.names import Names
from builder.scheme import Scheme


@dataclass
class Changes:
    """Differences between two schemes, each in words; `renames` are old name to new name, by kind."""

    additions: list[str] = field(default_factory=list)
    renames: dict[str, dict[str, str]] = field(default_factory=dict)
    removals: list[str] = field(default_factory=list)

    @property
    def none(self) -> bool:
        return not (self.additions or self.renames or self.removals)


def changes(old: Scheme, new: Scheme) -> Changes:
    """What was added, renamed (by `new.migrations`) and removed between two versions of a scheme."""
    names = Names(new, old.version)
    found = Changes()
    for kind, before, after, now in (
        ("entity label", old.entities, new.entities, names.entities),
        ("stance label", old.stance, new.stance, names.stance),
        ("target", old.targets, new.targets, names.targets),
        ("problem", old.problems, new.problems, dict.fromkeys(new.problems, "")),
    ):
        renames = {name: now[name] for name in before if name not in after and name in now}
        if renames:
            found.renames[kind] = renames
        found.removals += [f"{kind} {name}" for name in before if name not in after and name not in now]
        found.additions += [f"{kind} {name}" for name in after if name not in before and name not in renames.values()]
    if old.target_mode != new.target_mode and old.stance:
        found.removals.append(f"target mode {old.target_mode}")
    for what, before_has, after_has in (
        ("evidence", old.evidence and bool(old.stance), new.evidence and bool(new.stance)),
        ("comment", old.comment, new.comment),
        *((f"target slot {n}", n <= old.max_targets, n <= new.max_targets) for n in _slots(old, new)),
    ):
        if before_has != after_has:
            (found.removals if before_has else found.additions).append(what)
    return found


def transition(old: Scheme, new: Scheme) -> Scheme:
    """The new scheme with the old names beside it: a configuration that holds results under either."""
    renames = changes(old, new).renames

    def with_old(kind: str, now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        return {**now, **{name: before[name] for name in renames.get(kind, ())}}

    # Old labels lose their keys and titles: those may have gone to the new ones, and nobody annotates meanwhile.
    return replace(
        new,
        entities=with_old("entity label", new.entities, {n: replace(e, hotkey="") for n, e in old.entities.items()}),
        stance=with_old("stance label", new.stance, {n: replace(s, title="") for n, s in old.stance.items()}),
        targets=with_old("target", new.targets, {n: replace(t, title="") for n, t in old.targets.items()}),
        migrations={},
    )


def renamed(result: Sequence[Mapping[str, Any]], old: Scheme, new: Scheme) -> list[dict[str, Any]]:
    """Result items under the names of the new scheme; what the old scheme does not know stays as it is."""
    by_kind = changes(old, new).renames
    entities, stance = by_kind.get("entity label", {}), by_kind.get("stance label", {})
    targets = by_kind.get("target", {})
    asked = {controls.stance(before): controls.stance(after) for before, after in targets.items()}
    stance_controls = {*controls.asked(old, []), controls.MENTION_STANCE}
    if old.target_mode == "article":
        stance_controls |= {controls.slot(n) for n in range(1, old.max_targets + 1)}
    out = []
    for item in result:
        made = deepcopy(dict(item))
        control, value = made.get("from_name"), made.get("value")
        made_of = {controls.ENTITY: ("labels", entities), controls.EVIDENCE_TARGET: ("choices", targets)}
        key, names = made_of.get(str(control), ("choices", stance if control in stance_controls else {}))
        if isinstance(value, dict) and isinstance(value.get(key), list):
            value[key] = list(dict.fromkeys(names.get(name, name) for name in value[key]))
        if control in asked:
            made["from_name"] = asked[control]
        out.append(made)
    return out


def _slots(old: Scheme, new: Scheme) -> range:
    if old.target_mode != "article" or new.target_mode != "article":
        return range(0)
    return range(1, max(old.max_targets, new.max_targets) + 1)
