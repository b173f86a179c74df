"""`builder run`: the whole way from raw articles to a release, or as far as people have annotated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.commands import adjudicate, export, prepare, pull, push, serve, validate
from builder.config import Config
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
    from rich.console import Console

    from builder.commands.export import Release
    from builder.commands.prepare import Prepared
    from builder.commands.serve import Server
    from builder.studio.pull import Pulled
    from builder.studio.push import Pushed
    from builder.studio.serving import AnnotationProgress


@dataclass
class Run:
    """The result of every step that ran. Without a release, people have still to annotate; `server` is for them."""

    overlap: int
    prepare: "Prepared"
    push: "Pushed"
    progress: "AnnotationProgress"
    server: "Server | None" = None
    pull: "Pulled | None" = None
    validate: Stage | None = None
    adjudicate: Stage | None = None
    export: "Release | None" = None


def run(config: Config, *, progress: Progress = silent) -> Run:
    """Do everything: prepare, push, annotate, pull, validate, adjudicate, export

    Recorded annotators submit their labels right after the push. With people, the embedded server keeps running when
    this returns, and the same command goes on where they are.
    """
    from builder import pipeline
    from builder.studio.campaign import open_server
    from builder.studio.serving import annotation_progress

    campaign = pipeline.campaign(config)
    people = config.annotators.kind == "human"
    prepared = prepare.prepare(config, progress=progress)
    with open_server(campaign, progress, keep=people):
        pushed = push.push(config, progress=progress)
        made = Run(config.annotators.overlap, prepared, pushed, annotation_progress(campaign, progress))
        if made.progress.done < made.progress.tasks:
            # On a server elsewhere people have their accounts already, and the push said where the projects are.
            if people and not config.label_studio.url:
                made.server = serve.serve(config, progress=progress)
            return made
        made.pull = pull.pull(config, progress=progress)
    made.validate = validate.validate(config, progress=progress)
    made.adjudicate = adjudicate.adjudicate(config, progress=progress)
    made.export = export.export(config, progress=progress)
    return made


def plain(result: Run) -> dict[str, Any]:
    """By step, what a script may read."""
    from builder.commands import plain_of

    steps = ("prepare", "push", "progress", "pull", "validate", "adjudicate", "export")
    found = {step: plain_of(step, getattr(result, step)) for step in steps if getattr(result, step) is not None}
    return found | ({"serve": serve.plain(result.server)} if result.server else {})


def show(result: Run, console: "Console") -> None:
    """Prints each step, and what came out or what is left to annotate."""
    prepare.show(result.prepare, console)
    push.show(result.push, console)
    if result.pull is None:
        _show_what_is_left(result, console)
        if result.server:
            serve.show(result.server, console)
        return
    pull.show(result.pull, console)
    if result.validate:
        validate.show(result.validate, console)
    if result.adjudicate:
        adjudicate.show(result.adjudicate, console)
    if result.export:
        export.show(result.export, console)


def _show_what_is_left(result: Run, console: "Console") -> None:
    from rich.table import Table

    state = result.progress
    table = Table("annotator", "annotated", "skipped")
    for email, counts in sorted(state.by_annotator.items()):
        table.add_row(email, str(counts.annotated), str(counts.skipped))
    console.print(f"run: {state.done} of {state.tasks} chunks are annotated.")
    if state.by_annotator:
        console.print(table)
    console.print(f"A chunk is done when {result.overlap} people annotated or skipped it; run the same command then.")
