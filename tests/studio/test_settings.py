"""Settings of Label Studio, annotators and suggestions: defaults, limits, and rules that hold between them."""

from dataclasses import replace
from typing import Any

import pytest

from builder.settings import fields_of
from builder.studio.settings import Annotators, LabelStudio, Suggestions, share_of

SERVER, PEOPLE = "http://labels.example", {"ada": "ada@x", "ben": "ben@x"}


def test_what_holds_where_nothing_is_set() -> None:
    assert vars(LabelStudio()) == {
        "url": "", "port": 8080, "database": "sqlite", "roles": True, "boot_timeout": 300.0, "token_file": "",
        "proxy": "", "ca_file": "", "timeout": 120.0, "retries": 4, "batch_bytes": 8 * 1024 * 1024,
        "concurrent_imports": 1, "concurrent_reads": 1, "gone_share": 0.05, "page_size": 1000,
    }  # fmt: skip
    assert vars(Annotators()) == {
        "kind": "human", "overlap": 3, "overlaps": {}, "after_skip": "done", "layout": "shared", "people": {},
        "file": "", "recorded": "", "partial": False,
    }  # fmt: skip
    assert vars(Suggestions()) == {
        "method": "none", "file": "", "alias_label": "", "url": "", "function": "", "model_version": "", "score": 0.5,
        "batch": 32, "timeout": 120.0, "uncertain_first": False,
    }  # fmt: skip


def test_the_limits_of_numbers() -> None:
    found = {
        name: (meta.ge if meta.gt is None else f"> {meta.gt}", meta.le)
        for kind in (LabelStudio, Annotators, Suggestions)
        for name, hint in fields_of(kind).items()
        if (meta := hint.meta) and hint.type in (int, float)
    }
    assert found == {
        "port": (1, 65_535), "boot_timeout": (1, 86_400), "timeout": ("> 0", None), "retries": (0, 20),
        "batch_bytes": (1024, 200 * 1024 * 1024), "concurrent_imports": (1, 32), "concurrent_reads": (1, 32),
        "gone_share": (0, 1), "page_size": (1, 10_000), "overlap": (1, None), "score": (0, 1), "batch": (1, None),
    }  # fmt: skip
    server = fields_of(LabelStudio)["timeout"].meta
    assert (server.ge, server.le) == (0.1, 86_400)
    assert fields_of(Annotators)["overlaps"].entries[1].meta.ge == 1
    assert fields_of(Annotators)["people"].entries[1].meta.pattern == "@"


def test_what_may_be_chosen() -> None:
    kinds = (LabelStudio, Annotators, Suggestions)
    chosen = {name: hint.choices for kind in kinds for name, hint in fields_of(kind).items()}
    assert {name: " ".join(some) for name, some in chosen.items() if some} == {
        "database": "sqlite postgresql", "kind": "human recorded", "after_skip": "done another",
        "layout": "shared each", "method": "none gazetteer http python",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "key"),
    [
        (LabelStudio(), ""),
        (LabelStudio(url=SERVER, concurrent_imports=32), ""),
        (LabelStudio(database="postgresql", concurrent_imports=2), ""),
        (LabelStudio(concurrent_imports=2), "concurrent_imports"),
        (LabelStudio(url="https://labels.example/prefix", proxy="http://proxy:3128"), ""),
        (LabelStudio(proxy="http://me:secret@proxy"), "proxy"),
        (LabelStudio(url="http://me@labels.example"), "url"),
        (LabelStudio(url="labels.example"), "url"),
        (LabelStudio(url="ftp://labels.example"), "url"),
        (LabelStudio(url="https://"), "url"),
        (LabelStudio(url="http://[::1"), "url"),
        (Annotators(), ""),
        (Annotators(kind="recorded", recorded="folder"), ""),
        (Annotators(kind="recorded", recorded="folder", overlap=2, people={"ada": "ada@x"}), ""),
        (Annotators(kind="recorded"), "recorded"),
        (Annotators(file="people.csv"), ""),
        (Annotators(file="people.csv", overlap=2, people=PEOPLE), "file"),
        (Annotators(file="people.csv", kind="recorded", recorded="folder"), "file"),
        (Annotators(overlaps={"0.1%": 5, "100%": 1, "x.txt": 9, "x%": 9}), ""),
        (Annotators(overlaps={"0%": 1}), "overlaps.0%"),
        (Annotators(overlaps={"100.1%": 1}), "overlaps.100.1%"),
        (Annotators(overlap=2, people=PEOPLE), ""),
        (Annotators(overlap=3, people=PEOPLE), "people"),
        (Annotators(overlap=1, overlaps={"x.txt": 3}, people=PEOPLE), "people"),
        (Annotators(overlap=1, people={"ada": "a@x", "ben": "b@x", "ADA": "A@x"}), "people.ADA"),
        (Suggestions(), ""),
        (Suggestions(method="gazetteer", file="names.tsv"), ""),
        (Suggestions(method="gazetteer", alias_label="GPE"), ""),
        (Suggestions(method="gazetteer"), "file"),
        (Suggestions(method="http", url=SERVER), ""),
        (Suggestions(method="http"), "url"),
        (Suggestions(method="http", url="http://me@model"), "url"),
        (Suggestions(method="none", url="http://me@model"), "url"),
        (Suggestions(method="none", url="model"), ""),
        (Suggestions(method="python", function="package.module:function"), ""),
        (Suggestions(method="python", function="package.module"), "function"),
    ],
)
def test_what_does_not_go_together_is_named(given: Any, key: str) -> None:
    faults = list(given.rules())
    assert [fault.key for fault in faults] == ([key] if key else [])
    assert all(fault.problem and fault.hint for fault in faults)


def test_the_largest_overlap_is_that_of_any_chunk() -> None:
    settings = Annotators(overlap=2, overlaps={"10%": 4, "x.txt": 1})
    assert (settings.largest_overlap, replace(settings, overlap=5).largest_overlap) == (4, 5)


def test_a_share_is_written_in_percent() -> None:
    assert [share_of(name) for name in ("10%", "0.5%", "x%", "10", "%")] == [0.1, 0.005, None, None, None]
