"""A folder of one's own works from where it is, and what a machine lacks is named with what to do."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builder import init, setup
from builder.commands.workspace import code_doctor, doctor
from builder.composing import compose, conf_folders
from builder.config import Config, Paths
from builder.errors import ConfigError, StudioError
from builder.setup import Examined, examine, make_project
from builder.studio.people import people_of
from builder.studio.settings import LabelStudio
from tests.composing import composed
from tests.results import printed


def test_a_project_has_its_own_labels_and_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are found from its folder, before choices of the same name that the package has."""
    made = init(composed("labels=news_topics"), str(tmp_path / "My Project"))
    root = tmp_path / "My Project"
    assert made.experiment == "my-project"
    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()) == [
        ".gitignore",
        "conf/experiment/my-project.yaml",
        "conf/labels/my_project.yaml",
        "people.csv",
    ]
    assert (root / "raw").is_dir()
    assert {".builder/", "people.csv"} < {*(root / ".gitignore").read_text().splitlines()}
    said = printed("init", made)
    assert f"cd {root}\n" in said
    assert "builder run experiment=my-project\n" in said
    monkeypatch.chdir(root)
    config = compose("experiment=my-project")
    assert (config.dataset.name, config.labels.name, config.annotators.overlap) == ("my-project", "my_project", 2)
    assert config.labels.questions == composed("labels=news_topics").labels.questions
    assert [(p.name, p.role) for p in people_of(config.annotators)] == [
        ("annotator-1", "annotator"), ("annotator-2", "annotator"),
    ]  # fmt: skip
    shadowing = root / "conf" / "labels" / "news_stance.yaml"
    text = (root / "conf" / "labels" / "my_project.yaml").read_text()
    shadowing.write_text(text.replace("name: my_project", "name: mine"))
    assert compose("labels=news_stance").labels.name == "mine"
    assert compose("labels=news_topics").labels.name == "news_topics"


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("there", "file"):
        with pytest.raises(ConfigError, match=r"is there already\. Name a new or an empty folder"):
            make_project(str(tmp_path / name), "news_stance")
    (tmp_path / "empty").mkdir()
    assert len(make_project(str(tmp_path / "empty"), "news_stance").files) == 4
    with pytest.raises(ConfigError, match="gives no name"):
        make_project(str(tmp_path / "..."), "news_stance")
    with pytest.raises(ConfigError, match="No file in conf/labels has the scheme 'nope'"):
        make_project(str(tmp_path / "new"), "nope")
    assert not (tmp_path / "new").exists()


def test_the_conf_of_another_application_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (ours,) = conf_folders()
    (tmp_path / "conf" / "labels").mkdir(parents=True)
    assert conf_folders("more") == [tmp_path / "more", tmp_path / "conf", ours]
    (tmp_path / "conf" / "config.yaml").write_text("db: mysql\n")
    assert conf_folders() == [ours]
    assert compose().labels.name == "news_stance"


def test_folders_with_odd_names_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "it's [mine], $really"
    make_project(str(root), "news_stance")
    monkeypatch.chdir(root)
    assert compose("labels=it_s_mine_really", "annotators.overlap=3").annotators.overlap == 3


def test_commands_work_from_a_project_with_an_installed_package(tmp_path: Path) -> None:
    make_project(str(tmp_path / "mine"), "news_stance")
    (tmp_path / "mine" / "raw" / "a.txt").write_text("Tokyo and Kyiv signed a pact.\n\nBeijing protested on Monday.")
    run = [sys.executable, "-m", "builder.cli", "prepare", "experiment=mine", "--json"]
    root = str(Path(__file__).resolve().parent.parent)
    done = subprocess.run(
        run, cwd=tmp_path / "mine", capture_output=True, text=True, check=True, env={"PYTHONPATH": root, "PATH": ""}
    )
    assert '"articles": 1' in done.stdout
    assert (tmp_path / "mine" / ".builder" / "mine" / "prepare").is_dir()
    assert (tmp_path / "mine" / ".builder").stat().st_mode & 0o077 == 0


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "raw").mkdir()
    paths = Paths(str(tmp_path / "raw"), str(tmp_path / "work"), str(tmp_path / "exports"))
    return Config(paths=paths, label_studio=LabelStudio(port=18997))


def found(config: Config) -> dict[str, Examined]:
    return {each.name: each for each in examine(config, _campaign(config))}


def _campaign(config: Config) -> Any:
    from builder.pipeline import campaign

    config.labels = composed().labels
    return campaign(config)


def test_a_campaign_says_how_its_chunks_were_selected(config: Config) -> None:
    config.selection.method = "stratified"
    assert _campaign(config).selection == "stratified"


def test_a_machine_that_has_everything_is_well(config: Config, tmp_path: Path) -> None:
    config.labels = composed().labels
    health = doctor(config)
    assert [each for each in health if each.advice] == []
    assert code_doctor(health) == 0
    assert code_doctor([*health, Examined("x", "y", "do z")]) == 1
    assert [each.name for each in health] == [
        "Python",
        "libraries",
        "raw articles",
        "workspace folder",
        "workspace disk",
        "exports folder",
        "exports disk",
        "temporary folder",
        "temporary disk",
        "Label Studio",
    ]
    assert health[-1].found.endswith("not running; port 18997")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


def test_what_is_missing_is_named_with_what_to_do(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(tmp_path / "raw")
    (tmp_path / "work").mkdir(mode=0o755)
    (tmp_path / "work").chmod(0o755)
    usage = SimpleNamespace(free=setup.ROOM - 1)
    monkeypatch.setattr(setup.shutil, "disk_usage", lambda _: usage)
    needs = ["numpy>=999", "no-such-package>=1", "spacy>=999; extra == 'spacy'", "pyarrow>=20"]
    monkeypatch.setattr(setup.metadata, "requires", lambda _: needs)
    config.label_studio.url = "http://127.0.0.1:9"
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
    config.label_studio.retries = 0
    seen = found(config)
    assert seen["raw articles"].advice == "Put articles there, or set paths.raw."
    assert seen["workspace disk"].advice.startswith("Make room")
    assert seen["workspace privacy"].advice == f"chmod -R go= {tmp_path / 'work'}"
    numpy, missing = seen["libraries"].found.split(", ")
    assert numpy.split()[::2] == ["numpy", "(needs"]
    assert missing == "no-such-package missing (needs >=1)"
    assert "127.0.0.1:9" in seen["Label Studio"].found
    assert seen["Label Studio"].advice
    usage.free = setup.ROOM
    assert found(config)["workspace disk"].advice == ""


def test_a_library_may_be_a_preview_and_those_of_extras_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = ["numpy>=1", "old>=2; python_version < '3'", "more>=1; extra == 'x'"]
    monkeypatch.setattr(setup.metadata, "requires", lambda _: needs)
    monkeypatch.setattr(setup.metadata, "version", lambda name: {"numpy": "2.0rc1"}[name])
    assert setup._libraries() == Examined("libraries", "as required")
    needs.append("numpy>=3; python_version > '3'")
    found = setup._libraries()
    assert (found.found, found.advice[:7]) == ("numpy 2.0rc1 (needs >=3)", "Install")


@pytest.mark.parametrize(
    ("raw", "there"),
    [
        *((there, True) for there in ("raw", "raw/a.txt", "raw/*.txt", "r?w", "raw/[ab].txt", "s3://bucket/raw")),
        *((gone, False) for gone in ("raw/*.csv", "gone")),
    ],
)
def test_raw_articles_may_be_a_folder_a_file_a_pattern_or_an_address(
    raw: str, there: bool, config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "raw" / "a.txt").write_text("a")
    config.paths.raw = raw
    seen = found(config)["raw articles"]
    assert (seen.found, seen.advice == "") == (raw, there)


def test_a_folder_is_examined_where_it_is_or_would_be(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Path, int]] = []
    monkeypatch.setattr(setup.os, "access", lambda path, mode: asked.append((path, mode)))
    monkeypatch.setattr(setup.shutil, "disk_usage", lambda path: SimpleNamespace(free=(1 << 30) * 3 // 2))
    (tmp_path / "exports").mkdir(mode=0o755)
    seen = found(config)
    where = {"workspace": tmp_path, "exports": tmp_path / "exports", "temporary": Path(tempfile.gettempdir())}
    assert asked == [(path, os.W_OK | os.X_OK) for path in where.values()]
    keys = ("paths.workspace", "paths.exports", "the variable TMPDIR")
    for (name, path), key in zip(where.items(), keys, strict=True):
        assert seen[f"{name} folder"].advice == f"{path} is not writable: set {key}."
        assert seen[f"{name} disk"] == Examined(f"{name} disk", "1.5 GiB free")
    monkeypatch.setattr(setup.shutil, "disk_usage", lambda path: SimpleNamespace(free=1))
    assert found(config)["exports disk"].advice == "Make room, or set paths.exports to another disk."


@pytest.mark.parametrize(("mode", "private"), [(0o700, True), (0o710, False), (0o701, False), (0o740, False)])
def test_a_workspace_is_for_its_owner_alone(config: Config, mode: int, private: bool) -> None:
    config.workspace.mkdir()
    config.workspace.chmod(mode)
    assert ("workspace privacy" in found(config)) is not private


def test_label_studio_is_installed_has_a_port_or_answers(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from builder.studio.embedded import server

    ports = [config.label_studio.port + 1]
    monkeypatch.setattr(server, "free_ports", lambda first: iter(ports))
    assert found(config)["Label Studio"].found.endswith(f"not running; port {ports[0]}")
    assert found(config)["Label Studio"].advice == ""
    ports.clear()
    assert found(config)["Label Studio"].found.endswith("not running; port none free")
    assert found(config)["Label Studio"].advice == "Set label_studio.port to a free one."
    monkeypatch.setattr(server, "script", lambda: tmp_path / "nowhere")
    assert found(config)["Label Studio"].found == "not installed"
    assert found(config)["Label Studio"].advice.startswith("pip install 'annotated-dataset-builder[studio]'")


def test_a_server_that_answers_is_named_with_its_version(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    from builder.studio import campaign
    from builder.studio.embedded import server

    answers = SimpleNamespace(url="http://here"), SimpleNamespace(version=lambda: "1.2.3")
    monkeypatch.setattr(server, "find_server", lambda vault: "one")
    monkeypatch.setattr(campaign, "connected", lambda _: contextlib.nullcontext(answers))
    assert found(config)["Label Studio"] == Examined("Label Studio", "1.2.3 answers at http://here")

    def refuse(_: object) -> None:
        raise StudioError("It is silent.")

    monkeypatch.setattr(campaign, "connected", refuse)
    assert found(config)["Label Studio"] == Examined("Label Studio", "It is silent.", "See its log.")


@pytest.mark.parametrize(
    ("folder", "name", "labels"),
    [("My  Project!", "my-project", "my_project"), ("_1.2-x.", "1.2-x", "1_2_x"), ("a_b", "a_b", "a_b")],
)
def test_names_follow_from_the_folder(folder: str, name: str, labels: str, tmp_path: Path) -> None:
    made = make_project(str(tmp_path / "new" / folder), "news_stance")
    assert (made.folder, made.experiment) == (tmp_path / "new" / folder, name)
    assert [path.name for path in made.files] == [f"{labels}.yaml", f"{name}.yaml", "people.csv", ".gitignore"]
    scheme = made.files[0].read_text("utf-8")
    assert scheme.count(f"\nname: {labels}\n") == 1
    assert f"\n  - override /labels: {labels}\n\ndataset:\n  name: {name}\n" in made.files[1].read_text("utf-8")
