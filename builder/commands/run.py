"""`builder run`: the whole way from raw articles to a release, or as far as people have annotated."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from builder.commands.adjudicate import adjudicate
from builder.commands.campaign import campaign_of, shown
from builder.commands.export import export
from builder.commands.prepare import prepare
from builder.commands.pull import pull
from builder.commands.push import push
from builder.commands.serve import serve
from builder.commands.validate import validate
from builder.config import Config
from builder.studio.campaign import open_server
from builder.studio.progress import annotation_progress

if TYPE_CHECKING:
    from rich.console import Console


def run(config: Config, console: "Console") -> dict[str, Any]:
    """Every stage is current and the release is written, or the console says what people have still to annotate.

    Recorded annotators submit their labels through the Label Studio API right after the push. With people, the embedded
    server keeps running when this returns, and the same command goes on where they are. Returns the summary of every
    stage that ran, by its name.
    """
    summary: dict[str, Any] = {"prepare": prepare(config, console)}
    people = config.annotators.kind == "human"
    campaign = campaign_of(config)
    with shown(console) as progress:
        server = open_server(campaign, progress, keep=people)
    with server:
        summary["push"] = push(config, console)
        summary["progress"] = state = asdict(annotation_progress(campaign))
        if state["done"] < state["tasks"]:
            _say_what_is_left(config, console, state)
            # On a server elsewhere people have their accounts already, and `push` said where the projects are.
            if people and not config.label_studio.url:
                summary["serve"] = serve(config, console)
            return summary
        summary["pull"] = pull(config, console)
    summary["validate"] = validate(config, console, gate=not config.export.below_gates)
    summary["adjudicate"] = adjudicate(config, console)
    summary["export"] = export(config, console)
    _say_what_came_out(console, summary)
    return summary


def _say_what_is_left(config: Config, console: "Console", state: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table("annotator", "annotated", "skipped")
    for email, counts in sorted(state["by_annotator"].items()):
        table.add_row(email, str(counts["annotated"]), str(counts["skipped"]))
    console.print(f"run: {state['done']} of {state['tasks']} chunks are annotated.")
    if state["by_annotator"]:
        console.print(table)
    console.print(
        f"A chunk is done when {config.annotators.overlap} people annotated or skipped it; run the same command then."
    )


def _say_what_came_out(console: "Console", summary: dict[str, Any]) -> None:
    from rich.table import Table

    release, gold = summary["export"], summary["adjudicate"]
    table = Table(show_header=False, title=f"{release['name']} {release['version']}", title_justify="left")
    table.add_row("articles", f"{summary['prepare']['articles']} in {summary['prepare']['chunks']} chunks")
    table.add_row("pulled", f"{summary['pull']['annotations']} annotations of {summary['pull']['tasks']} chunks")
    table.add_row("checked", f"{summary['validate']['quarantined']} annotations in quarantine")
    for name in ("gold_spans", "gold_answers"):
        statuses = ", ".join(f"{count} {status}" for status, count in gold[name].items())
        table.add_row(name.replace("_", " "), statuses)
    for name, splits in release["rows"].items():
        table.add_row(name, ", ".join(f"{count} {split}" for split, count in splits.items()))
    console.print(table)
    if not release["new"]:
        console.print(f"Nothing changed since {release['version']}, so there is no new version.")
    console.print(f"It lies in {release['folder']} and loads with:", soft_wrap=True)
    console.print("  from datasets import load_dataset")
    for name in release["rows"]:
        call = f'{name} = load_dataset("{release["folder"]}", "{name}")'
        console.print(f"  {call}", soft_wrap=True)
