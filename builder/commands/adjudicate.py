"""From checked annotations to one gold label each."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from builder import __version__
from builder.errors import StoreError
from builder.store import canonical, digest, read_table, write_table

if TYPE_CHECKING:
    from rich.console import Console

    from builder.config import Config


def adjudicate(config: "Config", console: "Console") -> dict[str, Any]:
    """The stage `adjudicate` holds gold_spans and gold_stances. Raises `StoreError` when nothing was validated."""
    checked, stage = config.stage("validate"), config.stage("adjudicate")
    if not checked.fingerprint():
        raise StoreError("Nothing was validated yet.", "Run `builder validate` first.")
    fingerprint = digest("adjudicate", __version__, checked.fingerprint(), canonical(config.aggregation))
    if stage.is_current(fingerprint):
        console.print("adjudicate: nothing changed since the last validation.")
        return stage.summary() or {}

    from builder.quality.gold_spans import gold_spans
    from builder.quality.gold_stances import gold_stances
    from builder.quality.panel import Panel
    from builder.tables import ANNOTATIONS, SPANS, STANCES

    annotations = read_table(checked.table("annotations"), ANNOTATIONS, "validate")
    spans = read_table(checked.table("spans"), SPANS, "validate")
    stances = read_table(checked.table("stances"), STANCES, "validate")
    panel = Panel(annotations, config.aggregation.experts, config.quality.asked)
    tables = {
        "gold_spans": gold_spans(spans, panel, config.aggregation),
        "gold_stances": gold_stances(stances, panel, config.aggregation),
    }
    with stage.rewrite(fingerprint) as summary:
        for name, table in tables.items():
            write_table(stage.table(name), table)
            summary[name] = dict(sorted(Counter(table["status"].to_pylist()).items()))
        summary["chunks"] = len(panel.chunks)
    for name in tables:
        console.print(f"adjudicate: {name} " + ", ".join(f"{n} {status}" for status, n in summary[name].items()))
    return stage.summary() or {}
