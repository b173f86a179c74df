"""Typed settings of this room: types, defaults and range checks. The YAML files under conf/ make the choices."""

from dataclasses import dataclass


@dataclass
class Quality:
    """Severity and thresholds of the checks, and the gates below which nothing is exported."""

    min_annotators: int = 1


@dataclass
class Aggregation:
    """How the annotators' labels become one gold label."""

    method: str = "majority"
