"""What the report is made from: all sections read the same facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from builder.quality.agreement import AgreementReport
from builder.quality.settings import Quality
from builder.scheme import Scheme

#: What a section says in place of everything else before there are checked annotations.
UNCHECKED = "No annotation is checked yet: run `builder pull`, then `builder validate`."


@dataclass(frozen=True)
class Facts:
    """What is known of a dataset.

    `table` gives a table of `prepare`, `validate` or `adjudicate` by its name, or None before that stage; `summaries`
    are theirs, as far as they are made. `accounts` are e-mail addresses by pseudonym. A `public` page has no texts and
    no words of articles; without `people`, nothing is said of single annotators, nor of when they worked.
    """

    scheme: Scheme
    table: Callable[[str], pa.Table | None]
    quality: Quality = field(default_factory=Quality)
    agreement: AgreementReport | None = None
    summaries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    public: bool = False
    people: bool = True
