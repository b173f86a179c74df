"""From checked annotations to one gold label each."""

from collections import Counter
from typing import TYPE_CHECKING, Any

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
    from builder.quality.gates import check_unresolved
    from builder.quality.gold_answers import gold_answers
    from builder.quality.gold_spans import gold_spans
    from builder.quality.panel import Panel
    from builder.tables import ANNOTATIONS, ANSWERS, SPANS, WINDOWS

    annotations = read_table(checked.table("annotations"), ANNOTATIONS, "validate")
    spans = read_table(checked.table("spans"), SPANS, "validate")
    stances = read_table(checked.table("answers"), ANSWERS, "validate")
    windows = read_table(checked.table("windows"), WINDOWS, "validate")
    scores = (read_json(checked.folder / "agreement.json") or {}).get("questions", {})
    accuracy = {name: result["accuracy"] for name, result in scores.items() if result["accuracy"] is not None}
    panel = Panel(annotations, settings.experts, config.quality.asked)
    tables = {
        "gold_spans": gold_spans(spans, panel, windows, settings, accuracy),
        "gold_answers": gold_answers(stances, panel, settings, accuracy),
    }
    with stage.rewrite(fingerprint) as summary:
        for name, table in tables.items():
            write_table(stage.table(name), table)
            summary[name] = dict(sorted(Counter(table["status"].to_pylist()).items()))
        summary["method"] = settings.method
        summary["chunks"] = len(panel.chunks)
        summary["without_votes"] = windows.num_rows - len(panel.chunks)
        counts = summary["gold_spans"], summary["gold_answers"]
        unresolved = sum(c.get("unresolved", 0) for c in counts)
        decided = sum(c.get(status, 0) for c in counts for status in ("agreed", "adjudicated", "expert"))
        summary["gates"] = check_unresolved(config.quality.gates, unresolved, decided)
    summary = stage.summary() or {}
    show_adjudication(console, summary)
    return summary
