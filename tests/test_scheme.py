"""A scheme that contradicts itself is refused with what to change, and plain data becomes a scheme and back."""

from typing import Any

import pytest

from builder.errors import SchemeError
from builder.questions import KINDS, kind_of, plain, scheme_from
from builder.scheme import Label, Renames, Scheme, Target, resolve

ENTITIES = {"labels": {"GPE": {"color": "#C2410C", "hotkey": "1"}, "ORG": None}}
STANCE = {"labels": {"favor": "Favor", "none": {}}, "targets": {"japan": "Japan", "china": {"aliases": ["Beijing"]}}}
TOPICS = {"kind": "choice", "labels": {"a": "A", "b": "B"}}
GOOD: dict[str, Any] = {
    "name": "demo",
    "version": 3,
    "questions": {"entities": ENTITIES, "stance": STANCE, "evidence": {}, "problems": {"labels": {"cut": "Cut off"}}},
    "guidelines": "Mark names.",
    "migrations": {
        1: {"entities": {"labels": {"PLACE": "COUNTRY"}}, "stance": {"targets": {"nippon": "japan"}}},
        2: {"entities": {"labels": {"COUNTRY": "GPE"}}},
    },
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """GOOD with the value at a dotted key below `questions` replaced."""
    made: dict[str, Any] = {**GOOD, "questions": {**GOOD["questions"]}}
    at = made
    *above, last = path.split(".")
    if "questions" in [*above, last]:
        made["migrations"] = {}
    for key in above:
        at[key] = dict(at[key])
        at = at[key]
    at[last] = value
    return made


def faults(given: dict[str, Any]) -> str:
    with pytest.raises(SchemeError) as caught:
        scheme_from(given)
    return str(caught.value)


def test_a_fault_of_a_question_s_name_has_the_key_of_the_question() -> None:
    with pytest.raises(SchemeError) as caught:
        scheme_from({**GOOD, "questions": {**GOOD["questions"], "1st": TOPICS, "STANCE": TOPICS}})
    assert [fault.key for fault in caught.value.faults] == ["labels.questions.1st", "labels.questions.STANCE"]


def test_plain_data_becomes_a_scheme() -> None:
    scheme = scheme_from(GOOD)
    assert (scheme.name, scheme.version, scheme.guidelines) == ("demo", "3", "Mark names.")
    assert [(q.name, q.kind, q.gives, q.span_kind) for q in scheme.questions.values()] == [
        ("entities", "entities", "spans", "entity"),
        ("stance", "stance", "answers", ""),
        ("evidence", "evidence", "spans", "evidence"),
        ("problems", "problems", "notes", ""),
    ]
    entities, stance = scheme.questions["entities"], scheme.questions["stance"]
    assert entities.labels == {"GPE": Label(color="#C2410C", hotkey="1"), "ORG": Label()}
    assert (entities.nesting, entities.overlap) == (True, False)
    evidence, problems = scheme.questions["evidence"], scheme.questions["problems"]
    assert (evidence.nesting, evidence.overlap) == (True, True)
    assert [q.required for q in (entities, stance, evidence, problems)] == [True, True, True, False]
    assert stance.labels == {"favor": Label("Favor"), "none": Label()}
    assert stance.targets == {"japan": Target("Japan"), "china": Target(aliases=["Beijing"])}
    assert (stance.mode, stance.absent, stance.many, stance.order) == ("fixed", "none", False, [])
    ordered = changed("questions.stance.order", ["none", "favor"])
    assert scheme_from(plain(scheme_from(ordered))).questions["stance"].order == ["none", "favor"]
    assert scheme_from(changed("questions.t", {**TOPICS, "order": ["b", "a"]})).questions["t"].order == ["b", "a"]
    assert list(scheme.questions["evidence"].labels) == ["EVIDENCE"]
    assert [question.required for question in scheme.questions.values()] == [True, True, True, False]
    assert not kind_of("comment")().required
    assert scheme.migrations["1"]["stance"] == Renames(targets={"nippon": "japan"})


def test_a_scheme_becomes_plain_data_and_back() -> None:
    for given in (GOOD, changed("questions.stance.mode", "mention"), changed("questions.entities.overlap", True)):
        scheme = scheme_from(given)
        assert scheme_from(plain(scheme)) == scheme
    assert scheme_from(GOOD) != scheme_from(changed("questions.stance.absent", ""))


def test_a_question_that_is_null_is_left_out() -> None:
    assert list(scheme_from(changed("questions.problems", None)).questions) == ["entities", "stance", "evidence"]


def test_titles_fall_back_to_names() -> None:
    stance = scheme_from(GOOD).questions["stance"]
    assert [stance.title(name) for name in ("japan", "china", "mars", "")] == ["Japan", "china", "mars", "stance"]
    assert [stance.label_title(name) for name in ("favor", "none", "x")] == ["Favor", "none", "x"]


def test_what_is_asked_depends_on_the_mode() -> None:
    assert scheme_from(GOOD).questions["stance"].asked(["NATO"]) == ["japan", "china"]
    article = scheme_from(changed("questions.stance.mode", "article")).questions["stance"]
    assert (article.asked(["NATO"]), article.asked(None)) == (["NATO"], [])
    assert scheme_from(changed("questions.stance.mode", "mention")).questions["stance"].asked(["NATO"]) is None


def test_earlier_names_lead_to_the_current_ones() -> None:
    scheme = scheme_from(GOOD)
    assert scheme.renames("entities") == Renames(labels={"PLACE": "GPE", "COUNTRY": "GPE"})
    assert scheme.renames("stance") == Renames(targets={"nippon": "japan"})
    assert scheme.names("entities").labels == {"GPE": "GPE", "ORG": "ORG", "PLACE": "GPE", "COUNTRY": "GPE"}


@pytest.mark.parametrize(
    ("steps", "known"),
    [
        ([{"A": "B"}, {"B": "C"}, {"C": "X"}], {"A": "X", "B": "X", "C": "X"}),
        ([{"C": "X", "B": "C", "A": "B"}], {"A": "X", "B": "X", "C": "X"}),
        ([{"A": "B", "B": "A"}], {}),
        ([{"A": "A"}, {"B": "Y"}], {"B": "Y"}),
        ([{"A": "Y"}, {"A": "X"}], {"A": "Y"}),
        ([{"X": "Y"}], {}),
        ([{"A": "gone"}], {}),
    ],
)
def test_renames_are_followed_to_a_present_name_or_lead_nowhere(
    steps: list[dict[str, str]], known: dict[str, str]
) -> None:
    assert resolve(["X", "Y"], steps) == {"X": "X", "Y": "Y", **known}


def test_the_version_of_the_task_decides_where_renames_differ() -> None:
    migrations = {"1": {"entities": {"labels": {"X": "ORG"}}}, "2": {"entities": {"labels": {"X": "GPE"}}}}
    scheme = scheme_from({**GOOD, "migrations": migrations})
    assert [scheme.names("entities", version).labels["X"] for version in ("1", "2", "9")] == ["ORG", "GPE", "ORG"]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("questions.stance.mode", "author", "stance.mode: 'author' is no mode."),
        ("questions.stance.max_targets", 0, "stance.max_targets: 0 is not between 1 and 100."),
        ("questions.stance.max_targets", 101, "stance.max_targets: 101 is not between 1 and 100."),
        ("questions.t", {**TOPICS, "title": "a\x01b"}, "t.title: it contains the control character"),
        ("questions.entities.labels.ORG", {"hotkey": "\x00"}, "ORG.hotkey: it contains the control character"),
        ("questions.entities.nesting", "\ud800", "entities.nesting: '\\ud800' does not fit"),
        ("questions.t", {**TOPICS, "kind": ["choice"]}, "t.kind: ['choice'] is no kind of question."),
        ("questions.stance.absent", "nothing", "stance.absent: 'nothing' is not a stance label."),
        ("questions.stance.order", ["favor", "nome"], "'nome' is not a label of the question. Did you mean none?"),
        ("questions.stance.order", ["favor", "x"], "'x' is not a label of the question. Choose among favor, none."),
        ("questions.stance.order", ["favor"], "stance.order: an order has two labels or more, each of them once."),
        ("questions.stance.order", ["none", "favor", "none"], "stance.order: an order has two labels or more, each"),
        ("questions.t", {**TOPICS, "order": ["a", "c"]}, "t.order: 'c' is not a label of the question."),
        ("questions.t", {**TOPICS, "many": True, "order": ["yes", "no"]}, "t.order: several options may hold,"),
        ("questions.stance.labels", {}, "stance.labels: there are no stance labels."),
        ("questions.stance.targets", {}, "stance.targets: there are no targets."),
        ("questions.stance.labels.Favor", "x", "stance.labels.Favor: stance label 'Favor' is there twice"),
        ("questions.stance.targets.<x>", None, "stance.targets.<x>: target '<x>' is not a plain name."),
        ("questions.stance.targets.china", "Japan", "stance.targets.china: japan is shown as 'Japan', too."),
        ("questions.stance.targets.china", "a\x00b", "stance.targets.china.title: it contains the control character"),
        ("questions.stance.labels.favor", {"color": "red"}, "stance.labels.favor.color: 'red' is not a colour."),
        ("questions.entities.labels", {"A B": None}, "entities.labels.A B: entity label 'A B' is not a plain name."),
        ("questions.entities.labels.EVIDENCE", None, "evidence.labels.EVIDENCE: entities has a label of this name"),
        ("questions.entities.labels.ORG", {"hotkey": "u"}, "entities.labels.ORG.hotkey: hotkey 'u' deselects a span"),
        ("questions.entities.labels.ORG", {"hotkey": "1"}, "hotkey '1' is also the key of GPE."),
        ("questions.entities.labels.ORG", {"description": "a\x00"}, "labels.ORG.description: it contains the control"),
        ("questions.entities.labels.ORG", {"color": "#c2410"}, "entities.labels.ORG.color: '#c2410' is not a colour."),
        ("questions.entities.labels.ORG", {"color": "#C2410CF"}, "labels.ORG.color: '#C2410CF' is not a colour."),
        ("questions.problems.labels", {"1st": "First"}, "problems.labels.1st: problem '1st' is not a plain name."),
        ("questions.t", {**TOPICS, "labels": {"a": "A"}}, "t.labels: 1 options are too few to choose from. Add 2 or"),
        (
            "questions.t",
            {**TOPICS, "labels": {}, "many": True},
            "t.labels: 0 options are too few to choose from. Add 1",
        ),
        ("questions.problems.labels", {"a": "b", "b": None}, "problems.labels.b: a is shown as 'b', too."),
        (
            "questions.opinion",
            {"kind": "stance", **STANCE},
            "opinion.kind: the question of kind stance is called",
        ),
        ("questions", {"evidence": None, "comment": {}}, "labels.questions: nothing is asked."),
        ("questions", {"stance": {**STANCE, "mode": "mention"}}, "stance.mode: stances are asked per mention, but"),
        (
            "questions",
            {"entities": ENTITIES, "evidence": {}},
            "evidence.kind: evidence justifies a stance, and none",
        ),
        ("guidelines", "half \ud83d", "labels.guidelines: it contains the control character"),
        ("migrations", {"1": {"x": {}}}, "labels.migrations.1.x: the scheme has no question 'x'."),
        (
            "migrations",
            {"1": {"entities": {"labels": {"GPE": "ORG"}}}},
            "labels.GPE: GPE is renamed to ORG but is",
        ),
        ("migrations", {"1": {"stance": {"targets": {"a": "b"}}}}, "targets.a: a is renamed to b, which is not there."),
        ("migrations", {"1": {"entities": {"targets": {"a": "b"}}}}, "entities.targets: entities has no targets"),
        # What cannot be read.
        ("quesions", {}, "labels.quesions: there is no such setting. Did you mean questions?"),
        ("questions.stance.tagets", {}, "stance.tagets: there is no such setting. Did you mean targets?"),
        ("questions.entities.labels.GPE", {"title": "x"}, "entities.labels.GPE.title: there is no such setting."),
        ("questions.topic", {"kind": "stanze"}, "topic.kind: 'stanze' is no kind of question. Did you mean stance?"),
        ("questions.topic", {}, "topic.kind: 'topic' is no kind of question. Kinds: entities, stance"),
        ("questions.stance", "favor", "labels.questions.stance: 'favor' is no mapping."),
        ("questions.entities.nesting", "maybe", "entities.nesting: 'maybe' does not fit"),
        ("questions.stance.targets.china", {"aliases": "US"}, "stance.targets.china.aliases: 'US' does not fit"),
    ],
)
def test_a_fault_is_reported_with_its_key(path: str, value: Any, problem: str) -> None:
    message = faults(changed(path, value))
    assert message.startswith("labels.")
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("questions.stance.max_targets", 1),
        ("questions.stance.max_targets", 100),
        ("questions.entities.labels.ORG", {"hotkey": "2", "description": "Firms\tand parties\n"}),
        ("questions.t", TOPICS),
        ("questions.t", {**TOPICS, "labels": {"a": "A"}, "many": True}),
        ("questions.t", {**TOPICS, "labels": {"GPE": "A", "favor": "B"}}),
        ("questions.stance.labels.favor", {"color": "#c2410C"}),
        (
            "migrations",
            {"1": {"entities": {"labels": {"OLD": "OLDER"}}}, "2": {"entities": {"labels": {"OLDER": "ORG"}}}},
        ),
    ],
)
def test_the_closest_that_is_no_fault_is_none(path: str, value: Any) -> None:
    assert scheme_from(changed(path, value)).name == "demo"


def test_all_faults_are_reported_at_once() -> None:
    given = changed("questions.stance", {**STANCE, "absent": "nothing", "mode": "author", "tagets": {}})
    given["guidelines"] = "\x00"
    lines = faults(given).splitlines()
    assert lines[0] == "4 settings cannot be used."
    keys = [line.split(":")[0].strip() for line in lines[1:]]
    stance = "labels.questions.stance"
    assert keys == [f"{stance}.tagets", "labels.guidelines", f"{stance}.mode", f"{stance}.absent"]


def test_what_follows_from_a_fault_is_not_reported() -> None:
    assert "\n" not in faults(changed("questions.stance.labels", "favor"))


def test_a_scheme_made_in_code_is_checked_too() -> None:
    with pytest.raises(SchemeError, match="nothing is asked"):
        Scheme(name="demo")


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_found_and_says_what_it_gives(name: str) -> None:
    kind = kind_of(name)
    assert kind.kind == name
    assert kind.gives in ("spans", "answers", "notes")
    assert bool(kind.span_kind) == (kind.gives == "spans")


def test_each_kind_has_these_settings_and_no_others() -> None:
    questions = {**GOOD["questions"], "topic": TOPICS, "comment": {}}
    found = plain(scheme_from({"name": "demo", "questions": questions}))
    assert list(found) == ["name", "version", "questions", "guidelines", "migrations"]
    assert {name: sorted(question) for name, question in found["questions"].items()} == {
        "entities": ["kind", "labels", "nesting", "overlap"],
        "stance": ["absent", "kind", "labels", "max_targets", "mode", "order", "targets"],
        "evidence": ["kind"],
        "problems": ["kind", "labels"],
        "topic": ["kind", "labels", "many", "order", "required", "title"],
        "comment": ["kind"],
    }
    labels = {
        name: question["labels"].values() for name, question in found["questions"].items() if "labels" in question
    }
    assert {name: sorted(next(iter(of))) for name, of in labels.items()} == {
        "entities": ["color", "description", "hotkey"],
        "stance": ["color", "description", "title"],
        "problems": ["description", "title"],
        "topic": ["color", "description", "title"],
    }
    assert found["questions"]["topic"]["required"] is True
    assert (found["questions"]["stance"]["max_targets"], found["questions"]["stance"]["mode"]) == (8, "fixed")
    assert sorted(found["questions"]["stance"]["targets"]["japan"]) == ["aliases", "title"]
