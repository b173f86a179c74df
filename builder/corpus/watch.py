"""What a person sees while `prepare` works, and the table at its end."""

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table


class Watch:
    """A progress bar of the step at hand, with the counts so far. Silent where nobody watches."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.counts = {"records": 0, "rejected": 0, "duplicates": 0, "chunks": 0}
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.task: TaskID | None = None

    def __enter__(self) -> "Watch":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def begin(self, what: str, total: float | None) -> None:
        """The bar stands at the beginning of a step of `total` units; None when that is not known."""
        if self.task is not None:
            self.progress.remove_task(self.task)
        self.task = self.progress.add_task(what, total=total, counts=self._shown())

    def advance(self, units: float) -> None:
        """The step is so much further."""
        if self.task is not None:
            self.progress.advance(self.task, units)

    def count(self, units: float, **more: int) -> None:
        """The step is so much further, and these were counted."""
        for name, number in more.items():
            self.counts[name] += number
        if self.task is not None:
            self.progress.update(self.task, advance=units, counts=self._shown())

    def say(self, line: str) -> None:
        """A line that stays."""
        self.progress.console.print(line)

    def _shown(self) -> str:
        return ", ".join(f"{n:,} {name}" for name, n in self.counts.items() if n)


def show(console: Console, summary: dict[str, Any]) -> None:
    """Prints the counts of a finished run."""
    table = Table(title="prepare", show_header=False, title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    for name in ("files", "records", "articles", "kept", "chunks", "selected"):
        table.add_row(name, f"{summary[name]:,}")
    for what, rows in (("rejected", summary["rejected"]), ("unused", summary["unused_fields"])):
        for reason, number in rows.items():
            table.add_row(f"{what}: {reason}", f"{number:,}")
    console.print(table)
