"""What was in the pull before and is not on the server any more, so that nothing vanishes unseen."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from builder.errors import StoreError
from builder.store import write_json
from builder.studio.pulls import PulledTask


@dataclass
class Losses:
    """Ids of what is gone; annotations and drafts as "<project>:<id>". `share` is the larger one of annotations and
    tasks. A draft that was submitted is not gone."""

    projects: list[str] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    annotations: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    predictions: list[int] = field(default_factory=list)
    #: E-mail addresses of deleted accounts whose work is there.
    accounts: list[str] = field(default_factory=list)
    share: float = 0.0

    def described(self) -> str:
        """Such as "3 annotations, 1 account"; empty when nothing is gone."""
        counts = {name: len(value) for name, value in vars(self).items() if isinstance(value, list)}
        return ", ".join(f"{n} {name if n > 1 else name[:-1]}" for name, n in counts.items() if n)


def losses(before: Sequence[PulledTask], now: Sequence[PulledTask]) -> Losses:
    """What the tasks of the pull before held and those of now do not."""
    # A number may be given out again after a backup was restored, but not at the same time.
    there = {(made.id, made.created_at) for task in now for made in task.annotations}
    seen = {(made.id, made.created_at) for task in before for made in task.annotations}
    submitted = {task.id for task in now if any((m.id, m.created_at) not in seen for m in task.annotations)}
    tasks, drafts = {task.id for task in now}, {draft.id for task in now for draft in task.drafts}
    predictions = {made.id for task in now for made in task.predictions}
    found = Losses(
        tasks=sorted({task.id for task in before} - tasks),
        annotations=[f"{t.project}:{m.id}" for t in before for m in t.annotations if (m.id, m.created_at) not in there],
        drafts=[
            f"{task.project}:{draft.id}"
            for task in before
            for draft in task.drafts
            if draft.id not in drafts and task.id not in submitted and not draft.annotation
        ],
        predictions=[made.id for task in before for made in task.predictions if made.id not in predictions],
    )
    found.share = max(len(found.annotations) / max(len(seen), 1), len(found.tasks) / max(len(before), 1))
    return found


def refuse_losses(found: Losses, most: float, url: str, file: Path) -> None:
    """Raises `StoreError` when a larger share than `most` is gone; then `file` lists what."""
    if found.share > most:
        write_json(file, asdict(found))
        raise StoreError(
            f"At {url} {found.described()} of the pull before are gone ({found.share:.0%}); {file} lists them. Nothing"
            " was pulled.",
            "If the server lost them, run `builder push` and `builder restore`. If they were deleted on purpose, pull"
            " with label_studio.gone_share=1.",
        )
