"""From checked annotations to one gold label each."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from msgspec import convert

from builder import __version__
from builder.errors import StoreError
from builder.store import canonical, digest, read_json, read_table, write_table

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def adjudicate(config: "Config", console: "Console") -> dict[str, Any]:
    """The stage `adjudicate` holds gold_spans and gold_answers. Raises `StoreError` when nothing was validated.

    The summary counts gold labels by status, and names the gate on what is unresolved, which `export` holds.
    """
    checked, stage = config.stage("validate"), config.stage("adjudicate")
    if not checked.fingerprint():
        raise StoreError("Nothing was validated yet.", "Run `builder validate` first.")
    settings = config.aggregation
    limit = canonical({"asked": config.quality.asked, "gates": config.quality.gates})
    fingerprint = digest("adjudicate", __version__, checked.fingerprint(), canonical(settings), limit)
    if stage.is_current(fingerprint):
        console.print("adjudicate: nothing changed since the last adjudication.")
        return stage.summary() or {}

    from builder.commands.quality_tables import show_adjudication
    from builder.quality.adjudication.adjudicate import adjudicate as decide
    from builder.quality.agreement.report import AgreementReport
    from builder.tables import ANNOTATIONS, ANSWERS, SPANS, WINDOWS

    schemas = {"annotations": ANNOTATIONS, "spans": SPANS, "answers": ANSWERS, "windows": WINDOWS}
    annotations, spans, answers, windows = (
        read_table(checked.table(name), schema, "validate") for name, schema in schemas.items()
    )
    agreement = convert(read_json(checked.folder / "agreement.json"), AgreementReport)
    accuracy = agreement.accuracy()
    gold = decide(annotations, spans, answers, windows, settings, config.quality, accuracy)
    with stage.rewrite(fingerprint) as summary:
        write_table(stage.table("gold_spans"), gold.gold_spans)
        write_table(stage.table("gold_answers"), gold.gold_answers)
        summary |= asdict(gold.summary)
    show_adjudication(console, gold.summary)
    return stage.summary() or {}
