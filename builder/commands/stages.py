"""The stages from raw articles to gold labels."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec

from builder import pipeline
from builder.commands import working
from builder.config import Config
from builder.errors import ConfigError, GateError, StoreError
from builder.pseudonyms import refuse_unknown_people
from builder.quality.agreement import AgreementReport
from builder.quality.validate import ValidationSummary
from builder.release.settings import unstated
from builder.reporting.terminal import Shown, agreement_shown, table_of
from builder.stage import Progress, Stage, silent


@dataclass(frozen=True)
class Prepared(Stage):
    """The stage; `new` counts its chunks that the one before it did not have, `gone` those that it has no more."""

    new: int = 0
    gone: int = 0


@working
def prepare(config: Config, *, progress: Progress = silent) -> Prepared:
    """The stage has the tables articles, chunks, selected and rejects, and counts as its summary.

    Raises `SourceError` when there is nothing to read or nothing readable.
    """
    before = pipeline.stages(config).latest("prepare")
    found = pipeline.prepared(config, progress)
    new, gone = 0, 0
    if before is not None and before.key != found.key:
        with suppress(StoreError):  # a damaged stage that is used no more is nothing to stop for
            new, gone = pipeline.chunk_changes(before, found)
    return Prepared(**vars(found), new=new, gone=gone)


def plain_prepare(result: Prepared) -> dict[str, Any]:
    return result.summary | {"new": result.new, "gone": result.gone}


def show_prepare(result: Prepared) -> Shown:
    summary = result.summary
    rows = [(name, summary[name]) for name in ("files", "records", "articles", "kept", "chunks", "selected")]
    shown = {"encoding": "encodings", "language": "languages", "rejected": "rejected", "unused": "unused_fields"}
    rows += [(f"{what}: {name}", number) for what, group in shown.items() for name, number in summary[group].items()]
    yield table_of("Articles and chunks", ("what", ">number"), [(name, f"{number:,}") for name, number in rows])
    if result.new or result.gone:
        yield f"prepare: {result.new:,} chunks are new and {result.gone:,} are gone; all others kept their ids."
    if summary["unmatched"]:
        yield f"prepare: no chunk mentions {', '.join(summary['unmatched'])}."
    if not summary["selected"]:
        yield "prepare: no chunk is selected, so there is nothing to annotate. Change the settings of selection."


@working
def validate(config: Config, *, card: bool = False, progress: Progress = silent) -> Stage:
    """The stage has the tables annotations, spans, answers, issues and windows, and agreement.json.

    Raises `GateError` when a gate does not hold, with the stage as its `result`; `StoreError` when nothing was pulled;
    `ConfigError` when the pull was annotated under other labels, settings name nobody, or `card` finds one empty.
    """
    if card and (missing := unstated(config.dataset)):
        raise ConfigError.of(missing)
    refuse_unknown_people(config)
    stage = pipeline.checked(config, progress)
    if (below := pipeline.gates(stage)) and not config.export.below_gates:
        hint = f"See {stage.folder}, run `builder review`, or change quality.gates."
        raise GateError(f"Below the quality gates: {below}.", hint, stage)
    return stage


def show_validate(result: Stage) -> Shown:
    summary = msgspec.convert({k: v for k, v in result.summary.items() if k != "pull"}, ValidationSummary)
    agreement = msgspec.convert(result.json("agreement"), AgreementReport)
    rows = summary.rows
    yield (
        f"validate: {rows['annotations']} annotations, {rows['spans']} spans, {rows['answers']} answers; "
        f"{rows['issues']} issues, {summary.quarantined} annotations in quarantine"
    )
    if summary.issues:
        issues = [
            (i.check, i.severity, i.count, f"{i.message} ({f'chunk {i.chunk_id}' if i.chunk_id else i.annotator})")
            for i in summary.issues
        ]
        yield table_of("Checks", ("check", "severity", ">findings", "the first of them"), issues)
    yield from agreement_shown(agreement)
    if summary.gates:
        gates = [(g.gate, f"{g.needed:g}", "yes" if g.holds else "NO", g.message) for g in summary.gates]
        yield table_of("Gates", ("gate", "needed", "holds", "found"), gates)


@working
def adjudicate(config: Config, *, progress: Progress = silent) -> Stage:
    """The stage has the tables gold_spans and gold_answers.

    Its summary has the verdict of the gate on unresolved labels, which `export` holds. Raises `StoreError` when nothing
    was pulled, `ConfigError` when settings name nobody.
    """
    refuse_unknown_people(config)
    return pipeline.gold(config, progress)


def show_adjudicate(result: Stage) -> Shown:
    summary = result.summary
    statuses = ("agreed", "single", "adjudicated", "expert", "unresolved", "rejected")
    tables = {"gold answers": summary["gold_answers"], "gold spans": summary["gold_spans"]}
    rows = [(name, *(counts.get(status, 0) for status in statuses)) for name, counts in tables.items()]
    title = f"Gold of {summary['chunks']} chunks by {summary['method']}"
    yield table_of(title, ("gold", *(f">{status}" for status in statuses)), rows)
    for name, chosen in summary["chosen"].items() if summary["method"] == "auto" else ():
        yield f"adjudicate: {name} by {chosen}."
    if summary["without_votes"]:
        yield f"adjudicate: {summary['without_votes']} chunks have no annotation that counts."
