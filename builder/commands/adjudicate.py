"""`builder adjudicate`: from checked annotations to one gold label each."""

from builder.commands import Shown, right, table_of
from builder.config import Config
from builder.stage import Progress, Stage, silent


def adjudicate(config: Config, *, progress: Progress = silent) -> Stage:
    """Decide one gold label from the annotators' labels

    The stage has the tables gold_spans and gold_answers. Its summary has the verdict of the gate on unresolved labels,
    which `export` holds. Raises `StoreError` when nothing was pulled.
    """
    from builder import pipeline

    return pipeline.gold(config, progress)


def show(result: Stage) -> Shown:
    """How many gold labels have which status."""
    summary = result.summary
    statuses = ("agreed", "single", "adjudicated", "expert", "unresolved", "rejected")
    table = table_of(f"Gold of {summary['chunks']} chunks by {summary['method']}", "gold", *map(right, statuses))
    for name in ("gold_answers", "gold_spans"):
        table.add_row(name.replace("_", " "), *(str(summary[name].get(status, 0)) for status in statuses))
    yield table
    for name, chosen in summary["chosen"].items() if summary["method"] == "auto" else ():
        yield f"adjudicate: {name} by {chosen}."
    if summary["without_votes"]:
        yield f"adjudicate: {summary['without_votes']} chunks have no annotation that counts."
