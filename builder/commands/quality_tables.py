"""What people see of validation and adjudication: tables on the console."""

from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text


def show_validation(console: Console, summary: dict[str, Any], agreement: dict[str, Any]) -> None:
    """Prints what was found, how far annotators agree, who did what, and the gates."""
    rows = summary["rows"]
    console.print(
        f"validate: {rows['annotations']} annotations, {rows['spans']} spans, {rows['answers']} answers; "
        f"{rows['issues']} issues, {summary['quarantined']} annotations in quarantine",
    )
    if summary["issues"]:
        columns = ("check", "severity", _right("findings"), "the first of them")
        table = Table(*columns, title="Checks", title_justify="left", box=SIMPLE, pad_edge=False)
        for found in summary["issues"]:
            first = found["first"]
            where = f" (chunk {first['chunk_id']})" if first["chunk_id"] else f" ({first['annotator']})"
            table.add_row(found["check"], found["severity"], str(found["count"]), Text(first["message"] + where))
        console.print(table)
    _agreement(console, agreement)
    _annotators(console, agreement)
    if summary["gates"]:
        table = Table(
            "gate", "needed", "holds", "found", title="Gates", title_justify="left", box=SIMPLE, pad_edge=False
        )
        for verdict in summary["gates"]:
            table.add_row(
                verdict["gate"], f"{verdict['needed']:g}", "yes" if verdict["holds"] else "NO", verdict["message"]
            )
        console.print(table)


def show_adjudication(console: Console, summary: dict[str, Any]) -> None:
    """Prints how many gold labels have which status."""
    statuses = ("agreed", "adjudicated", "expert", "unresolved", "rejected")
    table = Table(
        "gold",
        *map(_right, statuses),
        title=f"Gold of {summary['chunks']} chunks by {summary['method']}",
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
    for name in ("gold_answers", "gold_spans"):
        table.add_row(name.replace("_", " "), *(str(summary[name].get(status, 0)) for status in statuses))
    console.print(table)
    if summary["without_votes"]:
        console.print(f"adjudicate: {summary['without_votes']} chunks have no annotation that counts.")


def _agreement(console: Console, agreement: dict[str, Any]) -> None:
    stance = agreement["stance"].get("targets", {})
    if stance:
        names = ("observed", "cohen", "fleiss", "alpha")
        table = Table(
            "stance toward",
            _right("items"),
            *map(_right, names),
            "interval of alpha",
            title="Stance agreement",
            title_justify="left",
            box=SIMPLE,
            pad_edge=False,
        )
        for target, found in [*stance.items(), ("all targets", agreement["stance"]["overall"])]:
            bounds = found["alpha_interval"]
            shown = f"{bounds[0]:.3f} to {bounds[1]:.3f}" if bounds else ""
            table.add_row(target, str(found["items"]), *(_number(found[n]) for n in names), shown)
        console.print(table)
    if agreement["spans"]:
        measures = ("exact_f1", "partial_f1", "token_alpha")
        table = Table(
            "spans",
            _right("compared"),
            *map(_right, measures),
            title="Span agreement",
            title_justify="left",
            box=SIMPLE,
            pad_edge=False,
        )
        for kind, found in agreement["spans"].items():
            for label, one in found["labels"].items():
                table.add_row(label, str(one["compared"]), *(_number(one[n]) for n in measures))
            if len(found["labels"]) > 1:
                one = found["overall"]
                table.add_row(f"all of {kind}", str(one["compared"]), *(_number(one[n]) for n in measures))
        console.print(table)


def _annotators(console: Console, agreement: dict[str, Any]) -> None:
    heads = ("done", "empty", "skip", "quar.", "cover", "sec", "stance", "F1", "quest.")
    table = Table(
        Column("annotator", no_wrap=True),
        *map(_right, heads),
        title="Annotators",
        padding=(0, 1, 0, 0),
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
    for name, found in agreement["annotators"].items():
        table.add_row(
            name,
            *(str(found[c]) for c in ("labelled", "empty", "skipped", "quarantined")),
            _number(found["coverage"], 2),
            _number(found["seconds"][1] if found["seconds"] else None, 1),
            _number(found["stance_agreement"], 2),
            _number(found["span_f1"], 2),
            _number(agreement["questions"].get(name, {}).get("accuracy"), 2),
        )
    console.print(table)
    console.print(
        "sec: median time; stance, F1: agreement with the others; quest.: accuracy on gold questions", style="dim"
    )


def _right(name: str) -> Column:
    return Column(name, justify="right")


def _number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"
