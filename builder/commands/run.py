"""`builder run`: the whole way from raw articles to a release, or as far as people have annotated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.commands import Shown, module_of, plain_of, right, table_of
from builder.config import Config
from builder.stage import Progress, Stage, silent

if TYPE_CHECKING:
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
    from builder.commands import adjudicate, export, prepare, pull, push, serve, validate
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
    steps = ("prepare", "push", "progress", "pull", "validate", "adjudicate", "export")
    named = {step: getattr(result, step) for step in steps} | {"serve": result.server}
    made = {step: plain_of(step, made) for step, made in named.items() if made is not None}
    return {"state": "waiting for annotators" if result.export is None else "released", **made}


def code(result: Run) -> int:
    """3 while people have still to annotate."""
    return 3 if result.export is None else 0


def show(result: Run) -> Shown:
    """Each step, and what came out or what is left to annotate."""
    for step in ("prepare", "push"):
        yield from module_of(step).show(getattr(result, step))
    if result.pull is None:
        state = result.progress
        yield f"run: {state.done} of {state.tasks} chunks are annotated."
        if state.by_annotator:
            table = table_of("Annotators", "annotator", right("annotated"), right("skipped"))
            for email, counts in sorted(state.by_annotator.items()):
                table.add_row(email, str(counts.annotated), str(counts.skipped))
            yield table
        yield f"A chunk is done when {result.overlap} people annotated or skipped it; run the same command then."
    steps = {"serve": result.server} | {n: getattr(result, n) for n in ("pull", "validate", "adjudicate", "export")}
    for step, made in steps.items():
        if made is not None:
            yield from module_of(step).show(made)
