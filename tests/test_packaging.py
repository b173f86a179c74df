"""The wheel works where there is no checkout: it carries conf/ and finds it."""

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; what it depends on is borrowed from this environment by a path file."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv")
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv"), "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    site = next((folder / "venv" / "lib").glob("python*/site-packages"))
    # Not PYTHONPATH: that would put this checkout's editable install before the wheel.
    ours = next(p for p in sys.path if p.endswith("site-packages"))
    (site / "borrowed.pth").write_text(f"{ours}\n")
    return folder / "venv" / "bin" / "builder"


def run(executable: Path, *argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run([executable, *argv], capture_output=True, text=True, cwd=cwd, env=env, check=True)


def test_wheel_runs_elsewhere(installed: Path, tmp_path: Path) -> None:
    assert "run experiment=demo" in run(installed, "--help", cwd=tmp_path).stdout
    assert "name: news_stance" in run(installed, "export", "--cfg", "job", cwd=tmp_path).stdout
    where = run(
        installed.parent / "python", "-c", "import builder.composing as c; print(c.conf_folder())", cwd=tmp_path
    ).stdout
    assert Path(where.strip()).is_relative_to(installed.parent.parent)
    # The page of the report is made from the wheel's own templates, styles and script.
    written = json.loads(run(installed, "report", "--json", cwd=tmp_path).stdout)
    assert '<h2 id="progress-title">Progress</h2>' in (tmp_path / written["file"]).read_text("utf-8")


def test_a_folder_of_ones_own_works_with_the_wheel(installed: Path, tmp_path: Path) -> None:
    """As the README says: init, articles, labels, prepare, from a fresh folder that no checkout is near."""
    assert "builder run experiment=my-project" in run(installed, "init", "my-project", cwd=tmp_path).stderr
    mine = tmp_path / "my-project"
    (mine / "raw" / "a.txt").write_text("Tokyo and Kyiv signed a pact.\n\nBeijing protested on Monday.", "utf-8")
    assert "my_project, version 1" in run(installed, "labels", "experiment=my-project", cwd=mine).stderr
    made = json.loads(run(installed, "prepare", "experiment=my-project", "--json", cwd=mine).stdout)
    assert (made["articles"], made["rejected"]) == (1, {})
    assert (mine / ".builder" / "my-project" / "prepare").is_dir()


PIN = re.compile(r"([\w.-]+)==(\S+)(?: ; ([^\\]+?))?(?: \\\n|\n)((?:    --hash=sha256:[0-9a-f]{64}(?: \\\n|\n))*)")


def pins(path: Path) -> dict[tuple[str, str, str], int]:
    """Name, version and marker of each pin of a file that has nothing else, with the number of its hashes."""
    text = path.read_text("utf-8")
    assert PIN.sub("", text) == ""
    return {(name, version, marker): hashes.count("sha256") for name, version, marker, hashes in PIN.findall(text)}


def test_what_is_installed_is_pinned_by_hashes_and_no_address() -> None:
    """No address, so that pins hold behind any mirror; one hash at least for each, and one version in all files."""
    free, all_of_it, demo = (
        pins(ROOT / name) for name in ("constraints.txt", "constraints-all.txt", "constraints-studio.txt")
    )
    assert min(all_of_it.values()) >= 1
    assert min(demo.values()) >= 1
    assert {pin[:2] for pin in all_of_it} == {pin[:2] for pin in free}, "run `make constraints`"
    assert {pin[:2] for pin in demo} <= {pin[:2] for pin in free}, "run `make constraints`"
    assert {"hatchling", "editables", "label-studio"} <= {name for name, *_ in demo}
    assert [(name, hashes > 0) for (name, *_), hashes in pins(ROOT / "constraints-pip.txt").items()] == [("pip", True)]


def test_make_and_the_readme_install_nothing_without_its_hash() -> None:
    for name in ("Makefile", "README.md", ".ci/run"):
        text = (ROOT / name).read_text("utf-8")
        for line in re.findall(r"(?m)^.*(?<!-m )pip install.*|^.*\$\(PIP\).*", text):
            assert "--require-hashes" in line or "-e ." in line or "constraints.txt" in line, line


def test_the_bill_of_materials_names_what_runs_by_its_hashes(tmp_path: Path) -> None:
    """CycloneDX, made as `make sbom` makes it from what is pinned for the demo."""
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\nsbom:")[1].split("\n\n")[0].replace("\\\n", "")
    command = recipe[recipe.index("cyclonedx-py") :].replace("dist/", f"{tmp_path}/").split()
    subprocess.run([Path(sys.executable).parent / command[0], *command[1:], "--no-validate"], cwd=ROOT, check=True)
    made = json.loads((tmp_path / "sbom.cdx.json").read_text("utf-8"))
    assert (made["bomFormat"], made["metadata"]["component"]["name"]) == ("CycloneDX", "annotated-dataset-builder")
    found = {
        (part["name"], part["version"]): sum(len(ref.get("hashes", [])) for ref in part["externalReferences"])
        for part in made["components"]
    }
    demo = pins(ROOT / "constraints-studio.txt")
    assert found == {pin[:2]: hashes for pin, hashes in demo.items()}
