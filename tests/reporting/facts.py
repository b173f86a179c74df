"""The facts that sections of the report read, from a crowd of sample annotations."""

from typing import Any

import pyarrow as pa

from builder.reporting.facts import Facts
from builder.scheme import Scheme
from tests.samples import Crowd, scheme

TABLES = ("annotations", "spans", "answers", "windows")


def facts_of(
    crowd: Crowd | None = None, made: Scheme | None = None, tables: dict[str, pa.Table] | None = None, **more: Any
) -> Facts:
    """The facts of a crowd under a scheme, with further tables by name."""
    known = {name: getattr(crowd, name) for name in TABLES} if crowd else {}
    return Facts(made or scheme(), {**known, **(tables or {})}.get, **more)
