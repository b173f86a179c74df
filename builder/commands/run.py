"""The whole way from raw articles to a release, as far as people have annotated."""

from dataclasses import dataclass
from typing import Any

from builder import pipeline, reports
from builder.commands import annotation, function_of, plain_of, releases, working
from builder.commands.stages import Prepared, adjudicate, prepare, validate
from builder.config import Config
from builder.errors import GateError
from builder.release.manifest import releases as finished
from builder.reporting.terminal import Shown, table_of
from builder.stage import Progress, Stage, silent
from builder.studio.campaign import open_server
from builder.studio.pull import Pulled
from builder.studio.push import Pushed
from builder.studio.serving import AnnotationProgress, annotation_progress


@dataclass
class Run:
    """The result of every step that ran. Without a release, people have still to annotate; `serve` is for them."""

    overlap: int
    prepare: Prepared
    push: Pushed
    progress: AnnotationProgress
    serve: annotation.Server | None = None
    pull: Pulled | None = None
    validate: Stage | None = None
    adjudicate: Stage | None = None
    export: releases.Release | None = None
    report: reports.WrittenReport | None = None


@working
def run(config: Config, *, progress: Progress = silent) -> Run:
    """Every step ran, or those before people annotate.

    Recorded annotators submit their labels right after the push. With people, the embedded server keeps running when
    this returns, and the same command goes on where they are. The report is written in any case, also below a gate.
    """
    campaign = pipeline.campaign(config)
    people = config.annotators.kind == "human"
    prepared = prepare(config, progress=progress)
    with open_server(campaign, progress, keep=people):
        pushed = annotation.push(config, progress=progress)
        made = Run(config.annotators.overlap, prepared, pushed, annotation_progress(campaign, progress))
        if made.progress.done < made.progress.tasks:
            # On a server elsewhere people have their accounts already, and the push said where the projects are.
            if people and not config.label_studio.url:
                made.serve = annotation.serve(config, progress=progress)
            made.report = _report(config, progress)
            return made
        made.pull = annotation.pull(config, progress=progress)
    try:
        made.validate = validate(config, progress=progress)
        made.adjudicate = adjudicate(config, progress=progress)
        made.export = releases.export(config, progress=progress)
    except GateError as e:
        report = _report(config, progress)
        raise GateError(e.message, f"{e.hint} See also {report.file}." if report else e.hint, e.result) from e
    made.report = _report(config, progress)
    return made


def _report(config: Config, progress: Progress) -> reports.WrittenReport | None:
    """The report is written; None where it is to be public and nothing is released yet."""
    if config.report.public and not finished(config.release_folder):
        return None
    return reports.write_report(config, progress)


def plain_run(result: Run) -> dict[str, Any]:
    steps = {step: plain_of(step, made) for step, made in vars(result).items() if step != "overlap" and made}
    return {"state": "waiting for annotators" if result.export is None else "released", **steps}


def code_run(result: Run) -> int:
    """3 while people have still to annotate."""
    return 3 if result.export is None else 0


def show_run(result: Run) -> Shown:
    for step, made in vars(result).items():
        if step == "progress" and result.pull is None:
            yield f"run: {made.done} of {made.tasks} chunks are annotated."
            people = sorted(made.by_annotator.items())
            if people:
                rows = [(email, counts.annotated, counts.skipped) for email, counts in people]
                yield table_of("Annotators", ("annotator", ">annotated", ">skipped"), rows)
            yield f"A chunk is done when {result.overlap} people annotated or skipped it; run the same command then."
        elif step not in ("overlap", "progress") and made is not None:
            yield from function_of(step, "show")(made)
