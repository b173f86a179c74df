"""Annotations that the builder saved in the name of their authors: renamed, moved or restored.

Label Studio then names the builder's account as who changed them. What is noted here is not taken for a change by
somebody else, as long as the result is the one that the builder saved.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from builder.store import canonical, digest


@dataclass
class Rewritten:
    """The annotations of one server, in a file of the dataset's folder that only grows."""

    folder: Path
    server: str

    def note(self, annotation: int, result: Any) -> None:
        """The builder is about to save this result."""
        self.folder.mkdir(parents=True, exist_ok=True)
        line = {"server": self.server, "annotation": annotation, "result": digest(canonical(result))}
        with (self.folder / "rewritten.jsonl").open("a", encoding="utf-8") as file:
            # The line break comes first: a line that a stop cut off does not spoil the next one.
            file.write(f"\n{json.dumps(line)}")

    def is_own(self, made: Mapping[str, Any]) -> bool:
        """Whether nobody but its author and the builder saved an annotation, as the server gives it."""
        saved = made.get("updated_by") in (None, made["completed_by"])
        return saved or self.results.get(made["id"]) == digest(canonical(made["result"]))

    @cached_property
    def results(self) -> Mapping[int, str]:
        """Annotation id -> digest of the result that the builder had saved last when it was first asked for."""
        path = self.folder / "rewritten.jsonl"
        lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
        # What was cut off was not saved on the server either.
        rows = [json.loads(line) for line in lines if line.endswith("}")]
        return {row["annotation"]: row["result"] for row in rows if row["server"] == self.server}
