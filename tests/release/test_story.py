"""Three releases of one dataset: what is not decided, then decided; evidence that comes; an article that is new."""

from typing import Any

import pytest

from builder.release.export import Exported
from tests.release.world import World, rows
from tests.samples import NAMES, article, scheme

Releases = dict[str, Exported]


def places(text: str, name: str) -> list[tuple[int, int]]:
    """Where a name is in a text."""
    return [(at, at + len(name)) for at in range(len(text)) if text.startswith(name, at)]


def chapter(world: World, number: int) -> None:
    """In every text the first mention of a country is praised and the second blamed, whatever the text says."""
    made = world.articles[number]
    for i, text in enumerate(made.chunks):
        found = [place for name in NAMES["GPE"] for place in places(text, name)]
        sides = zip(found, ("favor", "against"), strict=True)
        made.stances[i] = {(made.start(i) + a, made.start(i) + b): side for (a, b), side in sides}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Releases]:
    world = World(tmp_path_factory.mktemp("story"), [article(n) for n in range(7)], labels=scheme(mode="mention"))
    world.evidence = True
    for number in range(7):
        chapter(world, number)
    last = world.articles.pop()
    made, chunk = world.articles[2], world.chunk(2, 1)
    spans, stances = made.spans[1], dict(made.stances[1])
    evidence = [(6, 12, "EVIDENCE", [])]
    # One of two annotators overlooks the organisation, takes another side at the second mention, and says why.
    other = {"spans": [s for s in spans if s[2] != "ORG"] + evidence, "stances": {**stances, max(stances): "neutral"}}
    world.dissent = {
        (0, chunk): {"spans": spans},
        (1, chunk): other,
        (2, chunk): {"state": "skipped"},
    }
    found = {"first": world.export()}
    # A third annotator decides all three.
    world.dissent[2, chunk] = {"spans": spans + evidence, "stances": {**stances, max(stances): "neutral"}}
    found["second"] = world.export()
    # One annotator alone marks the beginning of a word, and an article is new.
    world.dissent[0, chunk] = {"spans": [*spans, (0, 5, "PERSON")]}
    world.articles.append(last)
    found["third"] = world.export()
    return world, found


def told(release: Exported, world: World) -> dict[str, Any]:
    """What a release says about the disputed chunk, by configuration."""
    chunk = world.chunk(2, 1)
    here = {
        name: [row for row in rows(release.folder, name) if row["chunk_id"] == chunk]
        for name in release.manifest.configs
    }
    text = here["entities"][0]
    return {
        "masked": [t for t, hidden in zip(text["tokens"], text["mask"], strict=True) if hidden],
        "disputed": [(s["text"], s["status"], s["votes_for"], s["votes_against"]) for s in text["disputed"]],
        "entities": [s["text"] for s in text["entities"] if s["label"] == "ORG"],
        "stances": [(row["from"], row["to"], row["polarity"], row["status"]) for row in here["stance"]],
        "open": [(row["from"], row["votes"]) for row in here["stance_unresolved"]],
        "evidence": [(row["start"], row["end"], row["votes_for"], row["votes_against"]) for row in here["evidence"]],
    }


def test_what_is_not_decided_is_hidden_and_apart(story: tuple[World, Releases]) -> None:
    world, found = story
    assert told(found["first"], world) == {
        "masked": ["the", "Ministry"],
        "disputed": [("the Ministry", "unresolved", 1, 1)],
        "entities": [],
        "stances": [(78, 82, "favor", "agreed")],
        "open": [(96, {"favor": 0, "against": 1, "neutral": 1, "none": 0})],
        "evidence": [],
    }


def test_what_is_decided_later_takes_its_place(story: tuple[World, Releases]) -> None:
    world, found = story
    decided = {
        "masked": [],
        "disputed": [],
        "entities": ["the Ministry"],
        "stances": [(78, 82, "favor", "agreed"), (96, 100, "neutral", "adjudicated")],
        "open": [],
        "evidence": [(6, 12, 2, 1)],
    }
    assert told(found["second"], world) == decided
    minority = {"masked": ["orchard"], "disputed": [("orcha", "rejected", 1, 2)]}
    assert told(found["third"], world) == {**decided, **minority}


def test_versions_and_changes_tell_it(story: tuple[World, Releases]) -> None:
    found = story[1]
    assert [made.folder.name for made in found.values()] == ["v1.0.0", "v1.1.0", "v1.2.0"]
    log = (found["third"].folder / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")
    assert [section.splitlines()[2:] for section in log[1:]] == [
        [
            "- `entities`: 4 rows added.",
            "- `entities`: 1 row changed.",
            "- `stance`: 8 answers added.",
            "- `evidence`: 3 spans of evidence added.",
            "- `annotations`: 12 annotations added.",
            "- `annotations`: 1 annotation changed.",
        ],
        [
            "- `entities`: added: 1.",
            "- `entities`: other votes for the same label: 3.",
            "- `stance`: 1 answer added.",
            "- `stance`: other votes for the same label: 1.",
            "- `stance_unresolved`: 1 answer removed.",
            "- `evidence`: 1 span of evidence added.",
            "- `annotations`: 1 annotation changed.",
        ],
        ["- First release."],
    ]
