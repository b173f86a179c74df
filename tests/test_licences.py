"""What the package needs to run may be used in any project: no licence that would reach over to what uses it."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement

PACKAGE = "annotated-dataset-builder"
#: Licences under which what uses a library must be released likewise. The LGPL is none of them: it ends at the library.
STRONG = re.compile(
    r"(?<![A-Z])(?:A?GPL|SSPL|EUPL|OSL)(?:V?\d|$|\W)|(?<!LESSER )GENERAL PUBLIC LICENSE|AFFERO|SERVER SIDE"
)
#: Their metadata names no licence; the licence file of label-studio-sdk is that of Apache 2.0.
UNSAID = {"label-studio-sdk"}
CHOICE = re.compile(r"\bOR\b|/|,|;")


def needed(extra: str) -> dict[str, metadata.Distribution]:
    """What is installed of the package's own dependencies, and of what they need, by name."""
    found: dict[str, metadata.Distribution] = {}
    todo = [(PACKAGE, {"", extra})]
    while todo:
        name, extras = todo.pop()
        for line in metadata.requires(name) or []:
            need = Requirement(line)
            asked = need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
            key = re.sub(r"[-_.]+", "-", need.name).lower()
            if asked and key not in found:
                found[key] = metadata.distribution(need.name)
                todo.append((need.name, {"", *need.extras}))
    return found


def licences(of: metadata.Distribution) -> list[str]:
    """The licences of a distribution, each of which one may choose, as its metadata has them, in capitals."""
    about = of.metadata
    classifiers = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    named = about.get("License-Expression") or "; ".join(classifiers) or (about.get("License") or "").split("\n")[0]
    return [part.strip().upper() for part in CHOICE.split(named) if part.strip()]


@pytest.mark.parametrize("extra", ["", "studio"])
def test_nothing_needed_to_run_is_strong_copyleft(extra: str) -> None:
    found = needed(extra)
    assert len(found) > 40
    strong = {
        name: licences(of) for name, of in found.items() if licences(of) and all(map(STRONG.search, licences(of)))
    }
    assert strong == {}
    assert {name for name, of in found.items() if not licences(of)} <= UNSAID


@pytest.mark.parametrize(
    ("licence", "strong"),
    [
        ("GPL-3.0-only", True),
        ("GNU GENERAL PUBLIC LICENSE V3 (GPLV3)", True),
        ("GNU AFFERO GENERAL PUBLIC LICENSE V3", True),
        ("AGPL-3.0", True),
        ("LGPL-2.1", False),
        ("GNU LESSER GENERAL PUBLIC LICENSE V3 (LGPLV3)", False),
        ("MIT", False),
        ("APACHE-2.0", False),
        ("MPL-2.0", False),
    ],
)
def test_which_licences_are_strong(licence: str, strong: bool) -> None:
    assert bool(STRONG.search(licence.upper())) is strong
