"""Settings as they are declared: read into dataclasses with all their faults, described in words, found by key."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from omegaconf import OmegaConf

from builder.config import Composed
from builder.errors import ConfigError, Fault
from builder.settings import (
    UNKNOWN,
    Hint,
    Rules,
    declared,
    fields_of,
    has_credentials,
    leaves,
    limits,
    public,
    read_settings,
    setting,
    settings_from,
    shown_address,
    shown_value,
)


@dataclass
class Inner:
    size: int = setting(3, "Size.", ge=1)

    def rules(self) -> Rules:
        if self.size == 7:
            yield Fault("size", "7 is unlucky.", "Take another.")


@dataclass
class Outer:
    name: str = setting("a", "Name.", choices=("a", "b"), example="name=b")
    share: float | None = setting(None, "Share.", ge=0, lt=1)
    counts: dict[str, Annotated[int, limits(gt=0)]] = setting({}, "Counts.")
    inner: Inner = field(default_factory=Inner)
    by_name: dict[str, Inner] = setting({}, "By name.")
    words: list[str] = setting(["x"], "Words.")

    def rules(self) -> Rules:
        if len(self.words) > 2 or len(self.counts) > 2:
            yield Fault("words" if len(self.words) > 2 else "counts.more", "they are too many.")


@dataclass
class Closed:
    size: int = setting(3, "Size.")
    on: bool = setting(True, "On.")


@dataclass
class Shown:
    number: int | None = setting(1, "Number.")
    share: float = setting(0.5, "Share.")
    kept: int = setting(2, "Not for readers.", released=False)
    text: str = setting("secret", "Any text.")
    said: str = setting("hello", "For readers.", released=True)
    choice: str = setting("a", "Choice.", choices=("a", "b"))
    words: list[str] = setting(["secret"], "Words.")
    chosen: list[Annotated[str, limits(choices=("a", "b"))]] = setting(["a"], "Chosen.")
    by_text: dict[str, int] = setting({"secret": 1}, "By text.")
    by_choice: dict[Annotated[str, limits(choices=("a",))], int] = setting({"a": 1}, "By choice.")
    closed: Closed = field(default_factory=Closed)
    open: Inner = field(default_factory=Inner)
    outer: Outer = field(default_factory=Outer)


def test_a_release_says_what_leaves_no_room_for_private_words_or_is_declared() -> None:
    assert public(Shown()) == {
        "number": 1, "share": 0.5, "said": "hello", "choice": "a", "chosen": ["a"], "by_choice": {"a": 1},
        "closed": {"size": 3, "on": True}, "open": {"size": 3},
    }  # fmt: skip


def test_settings_are_a_hydra_schema() -> None:
    """OmegaConf takes types and defaults, and refuses other types."""
    schema = OmegaConf.structured(Outer)
    assert schema == {
        "name": "a",
        "share": None,
        "counts": {},
        "inner": {"size": 3},
        "by_name": {},
        "words": ["x"],
    }
    assert OmegaConf.merge(schema, {"inner": {"size": "5"}}).inner.size == 5
    with pytest.raises(Exception, match="could not be converted to Integer"):
        OmegaConf.merge(schema, {"inner": {"size": "many"}})


def test_reading_makes_the_dataclasses() -> None:
    found: list[Fault] = []
    made = read_settings(
        Hint(Outer), {"share": "0.5", "counts": {"a": 1}, "inner": {"size": 4}, "by_name": {"x": {}}}, "", found
    )
    assert made == Outer(share=0.5, counts={"a": 1}, inner=Inner(4), by_name={"x": Inner()})
    assert found == []


def test_text_may_be_written_as_a_number() -> None:
    found: list[Fault] = []
    assert read_settings(Hint(Outer), {"words": [2, 1.5]}, "", found).words == ["2", "1.5"]
    assert found == []


def test_a_faulty_setting_keeps_its_default_for_the_rules() -> None:
    found: list[Fault] = []
    made = read_settings(Hint(Outer), {"inner": {"size": 7}, "by_name": {"x": {"size": 0}}, "name": "c"}, "top", found)
    assert found == [
        Fault("top.inner.size", "7 is unlucky.", "Take another."),
        Fault("top.by_name.x.size", "0 is not allowed.", "Allowed: a whole number, at least 1."),
        Fault("top.name", "'c' is not a choice.", "Choose one of a, b."),
    ]
    assert made.name == "a"


def test_rules_are_asked_unless_their_setting_is_at_fault() -> None:
    many: dict[str, Any] = {"words": ["a", "b", "c"], "counts": {"a": 1, "b": 2, "c": 3}}
    for given, keys in [
        (many, ["words"]),
        (many | {"words": ["a", "b", ["c"]]}, ["words[2]", "counts.more"]),
        ({"counts": many["counts"]}, ["counts.more"]),
        ({"counts": many["counts"] | {"a": 0}}, ["counts.a"]),
    ]:
        found: list[Fault] = []
        read_settings(Hint(Outer), given, "", found)
        assert [fault.key for fault in found] == keys


@dataclass
class Strict:
    counts: dict[str, Annotated[int, limits(gt=0)]] = setting({}, "Counts.")

    def rules(self) -> Rules:
        if not self.counts:
            yield Fault("counts.a", "it is missing.")


@pytest.mark.parametrize(
    ("given", "said"),
    [({}, "it is missing."), ({"counts": {}}, "it is missing."), ({"counts": {"a": 0}}, "0 is not allowed.")],
)
def test_a_rule_about_an_entry_is_one_about_its_setting(given: dict[str, Any], said: str) -> None:
    found: list[Fault] = []
    read_settings(Hint(Strict), given, "", found)
    assert [(fault.key, fault.problem) for fault in found] == [("counts.a", said)]


def test_what_is_not_declared_is_named_as_far_as_it_is_one_setting() -> None:
    found: list[Fault] = []
    made = read_settings(Hint(Outer), {"a": 1, "b": {"c": {"d": "e"}}, "f": {"g": 1, "h": 2}, "i": {}}, "", found)
    assert [(fault.key, fault.problem) for fault in found] == [(key, UNKNOWN) for key in ("a", "b.c.d", "f", "i")]
    assert made == Outer()
    with pytest.raises(ConfigError, match=r"sise: there is no such setting\. There are size\.$"):
        settings_from(Inner, {"sise": 1})
    with pytest.raises(ConfigError, match=r"size: 0 is not allowed\. Allowed: a whole number, at least 1\.$"):
        settings_from(Inner, {"size": 0})
    assert settings_from(Inner, {"size": "4"}) == Inner(4)


@pytest.mark.parametrize(
    ("address", "secret", "shown"),
    [
        ("news/a@b.txt", False, "news/a@b.txt"),
        ("s3://bucket/a@b?x", False, "s3://bucket/a@b"),
        ("ftp://me@x.org", True, "ftp://x.org"),
        ("ftp://me:a@b@x.org/news?key=1", True, "ftp://x.org/news"),
        ("a?b", False, "a?b"),
    ],
)
def test_addresses_are_shown_without_who_asks(address: str, secret: bool, shown: str) -> None:
    assert (has_credentials(address), shown_address(address)) == (secret, shown)


def test_defaults_are_not_shared() -> None:
    Outer().words.append("y")
    assert Outer().words == ["x"]


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (float, "a number"),
        (bool, "true or false"),
        (str, "text"),
        (Any, "any value"),
        (Annotated[int, limits(ge=1)], "a whole number, at least 1"),
        (Annotated[float, limits(gt=0, le=1)], "a number, more than 0 and at most 1"),
        (Annotated[float, limits(ge=0.5, lt=1000)], "a number, at least 0.5 and less than 1,000"),
        (int | None, "a whole number, or null"),
        (Annotated[str, limits(choices=["a", "b"])], "one of a, b"),
        (Annotated[str, limits(choices=["a", "b"], allowed="a letter")], "a letter"),
        (Annotated[str, limits(min_length=1)], "text, not empty"),
        (list[int], "a list, each a whole number"),
        (dict[str, Annotated[float, limits(le=1)]], "a mapping {name: a number, at most 1}"),
        (dict[Annotated[str, limits(choices="ab")], str], "a mapping {one of a, b: text}"),
        (Inner, "{size}"),
    ],
)
def test_what_is_allowed_is_said_in_words(annotation: Any, words: str) -> None:
    assert Hint.of(annotation).allowed == words


def test_declarations_are_found_by_key() -> None:
    assert list(leaves(Outer)) == ["name", "share", "counts", "inner.size", "by_name", "words"]
    known = fields_of(Outer)
    size = Hint(int, limits("Size.", ge=1))
    assert declared(Outer, "inner.size") == [known["inner"], size]
    assert declared(Outer, "counts") == [known["counts"]]
    assert declared(Outer, "counts.a") == [known["counts"], Hint(int, limits(gt=0))]
    assert declared(Outer, "by_name.x.size") == [known["by_name"], Hint(Inner), size]
    assert [hint.type for hint in declared(Composed, "source.storage_options.a.b")[2:]] == [Any, Any]
    for unknown in ("by_name.x.nope", "inner.nope", "name.x", "words.x"):
        assert declared(Outer, unknown) == []
    assert (known["name"].example, known["share"].example) == ("name=b", "")
    assert (known["name"].about, known["inner"].about) == ("Name.", "")
    assert (known["share"].optional, known["share"].allowed) == (True, "a number, at least 0 and less than 1, or null")


def test_values_are_shown_as_they_are_written() -> None:
    assert [shown_value(value) for value in (None, True, False, "a", 1)] == ["null", "true", "false", "'a'", "1"]
