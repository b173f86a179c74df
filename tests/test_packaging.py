"""The wheel works where there is no checkout: it carries conf/ and finds it."""

import json
import os
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


def test_a_folder_of_ones_own_works_with_the_wheel(installed: Path, tmp_path: Path) -> None:
    """As the README says: init, articles, labels, prepare, from a fresh folder that no checkout is near."""
    assert "builder run experiment=my-project" in run(installed, "init", "my-project", cwd=tmp_path).stderr
    mine = tmp_path / "my-project"
    (mine / "raw" / "a.txt").write_text("Tokyo and Kyiv signed a pact.\n\nBeijing protested on Monday.", "utf-8")
    assert "my_project, version 1" in run(installed, "labels", "experiment=my-project", cwd=mine).stderr
    made = json.loads(run(installed, "prepare", "experiment=my-project", "--json", cwd=mine).stdout)
    assert (made["articles"], made["rejected"]) == (1, {})
    assert (mine / ".builder" / "my-project" / "prepare").is_dir()


def test_no_address_of_a_package_index_is_committed() -> None:
    """Pins carry names and versions only, so that they hold behind any mirror."""
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert "://" not in line
        assert "==" in line, line
