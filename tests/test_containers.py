"""The container recipe names only what the project has; Label Studio gets what the embedded one gets."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from builder.cli import parse_line
from builder.composing import compose_jobs
from builder.studio.embedded.supervise import environment
from builder.studio.embedded.vault import Vault

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".container"
STEPS = [line.split(maxsplit=1) for line in (FOLDER / "Dockerfile").read_text("utf-8").splitlines() if line[:1] > "#"]
TEXT = (FOLDER / "compose.yaml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
#: Keys of a service that the compose specification has, as far as they are used here.
KEYS = {"image", "build", "restart", "entrypoint", "environment", "depends_on", "ports", "volumes", "healthcheck",
        "profiles"}  # fmt: skip


def test_the_image_copies_what_there_is_and_installs_pins_with_hashes() -> None:
    assert (STEPS[0][0], STEPS[-1][0]) == ("FROM", "ENTRYPOINT")
    assert {step for step, _ in STEPS} <= {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENTRYPOINT"}
    copied = [name for step, words in STEPS if step == "COPY" for name in words.split()[:-1]]
    assert {"builder", "conf", "constraints-studio.txt"} <= set(copied)
    assert all((ROOT / name).exists() for name in copied)
    installs = [words for step, words in STEPS if step == "RUN" and "pip install" in words]
    assert all("--no-deps" in line and ("--require-hashes" in line or line.endswith("-e .")) for line in installs)
    assert json.loads(STEPS[-1][1]) == ["builder"]
    assert ("USER", "builder") in map(tuple, STEPS), "nothing runs as root"


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_whole(name: str) -> None:
    service = COMPOSE["services"][name]
    assert COMPOSE.keys() == {"services", "volumes"}
    assert service.keys() <= KEYS
    assert ("image" in service) != ("build" in service)
    assert set(service.get("depends_on", [])) <= COMPOSE["services"].keys()
    assert all(isinstance(value, str) for value in service["environment"].values())
    for volume in service["volumes"]:
        assert volume.split(":")[0] in COMPOSE["volumes"] or volume.startswith(("./", "../", "${"))
    if "build" in service:
        context = FOLDER / service["build"]["context"]
        assert (context / service["build"]["dockerfile"]).resolve() == FOLDER / "Dockerfile"


def test_label_studio_is_set_up_as_the_embedded_one(tmp_path: Path) -> None:
    given = COMPOSE["services"]["labels"]["environment"]
    database = {key: value for key, value in given.items() if key.startswith("POSTGRE_")}
    embedded = environment(Vault(tmp_path), "postgresql", "roles", database)
    # Not needed where it is alone on its machine, which other machines reach under a name that is not known here.
    alone = {"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "PYTHONPATH", "ALLOWED_HOSTS", "LOG_LEVEL",
             "CORS_ALLOW_ALL_ORIGINS"}  # fmt: skip
    assert given.keys() == embedded.keys() - alone
    own = {"LABEL_STUDIO_BASE_DATA_DIR", "LABEL_STUDIO_PASSWORD", "LABEL_STUDIO_USER_TOKEN", "SECRET_KEY"}
    assert {k: v for k, v in given.items() if k not in own} == {k: embedded[k] for k in given if k not in own}


def test_every_secret_is_asked_for() -> None:
    """A variable without a value stops `docker compose`; its head names all that are needed."""
    head = TEXT.split("services:")[0]
    assert set(re.findall(r"\$\{(\w+):\?\}", TEXT)) == set(re.findall(r"\b[A-Z]+_[A-Z_]+\b", head))


def test_the_readme_starts_it_with_a_command_that_composes() -> None:
    (line,) = re.findall(r"^docker compose .* run --rm builder (.*)$", (ROOT / "README.md").read_text("utf-8"), re.M)
    name, *argv = shlex.split(line)
    (job,) = compose_jobs(parse_line(name, argv).overrides, sweep=False)
    assert job.config.label_studio.url == "http://labels:8080"
    _, port = COMPOSE["services"]["labels"]["ports"][0].rsplit(":", 1)
    assert job.config.label_studio.url.endswith(f"labels:{port}")
