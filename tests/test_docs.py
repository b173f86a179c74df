"""What the README says can be typed as it is, and generated documents are current."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from builder.cli import COMMANDS, flags_of
from builder.composing import conf_folder, register
from builder.config import Composed
from builder.settings import leaves
from tests import documents as docs
from tests.documents import documents

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_is_documented() -> None:
    for name in COMMANDS:
        assert f"`builder {name}" in README, name
        flags, options = flags_of(name)
        for flag in flags | options:
            assert flag in README, f"{name} {flag}"


def test_python_in_the_readme_runs_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The part for notebooks; the parts about releases and training are run on a release of the sample."""
    part = README.split("## Use it from Python")[1].split("\n## ")[0]
    (tmp_path / "raw").symlink_to(ROOT / "raw")
    code = "\n".join(re.findall(r"```python\n(.*?)```", part, re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    said = capsys.readouterr().out
    assert said.splitlines()[0].split() == ["16", "17", "56"]
    assert "{'task': 2, 'label': None" in said


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?m)(?:^|`)make ([a-z]+)", README))))
def test_every_make_target_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:builder|conf|tests|raw|exports)/[\w./]+)`", README))))
def test_every_path_exists(path: str) -> None:
    assert (ROOT / path).exists() or path.startswith("exports/")


@pytest.fixture(scope="module")
def made() -> dict[Path, str]:
    """What the generated documents must hold now."""
    return documents()


@pytest.mark.parametrize("name", [docs.SCHEMA, *docs.PAGES])
def test_every_generated_document_is_current(name: str, made: dict[Path, str]) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == made[ROOT / name], "run `make docs`"


def test_no_other_document_is_generated(made: dict[Path, str]) -> None:
    assert made.keys() == {ROOT / name for name in (docs.SCHEMA, *docs.PAGES)}


def test_documents_that_are_not_current_are_reported_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("Words.\n<!-- generated: errors -->\nstale words\n<!-- end -->\nMore words.\n", encoding="utf-8")
    (tmp_path / "conf").mkdir()
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "PAGES", ("page.md",))
    assert docs.main(["--check"]) == 1
    assert "page.md is not current; run `make docs`." in capsys.readouterr().err
    assert "stale words" in page.read_text(encoding="utf-8")
    assert docs.main([]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("Words.\n<!-- generated: errors -->\n\n| error |")
    assert text.endswith("|\n\n<!-- end -->\nMore words.\n")
    assert "stale words" not in text
    assert docs.main(["--check"]) == 0
    assert capsys.readouterr().err == ""


def test_every_setting_and_choice_is_in_the_reference() -> None:
    page = (ROOT / "conf" / "README.md").read_text(encoding="utf-8")
    for key in leaves(Composed):
        assert key == "labels" or page.count(f"| `{key}` |") == 1, key
    for path in conf_folder().glob("*/*.yaml"):
        assert page.count(f"| `{path.parent.name}={path.stem}`") == 1, path


def test_every_file_and_error_is_in_the_list() -> None:
    page = (ROOT / "builder" / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "builder").rglob("*.py"):
        assert f"### `{path.parent.relative_to(ROOT).as_posix()}/`" in page
        assert path.stem == "__init__" or f"- `{path.name}`: " in page
    assert "`Unauthorized` | The token is missing, wrong or lacks rights." in page
    order = [page.index(f"`{name}`") for name in ("BuilderError", "ConfigError", "SchemeError", "SourceError")]
    assert order == sorted(order)


def test_the_schema_describes_what_composes_and_refuses_the_rest() -> None:
    validator = jsonschema.Draft202012Validator(json.loads((ROOT / "conf" / "schema.json").read_text(encoding="utf-8")))
    validator.check_schema(validator.schema)
    register()
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        demo = compose("config", overrides=["experiment=demo", "export=entities"])
    validator.validate(OmegaConf.to_container(demo))
    for name in ("config", "experiment/demo"):
        validator.validate(yaml.safe_load((conf_folder() / f"{name}.yaml").read_text(encoding="utf-8")))
    assert validator.is_valid({"chunking": {"max_tokens": "${other.setting}"}})
    for wrong in (
        {"chunk": {}},
        {"chunking": {"size": 1}},
        {"chunking": {"max_tokens": 0}},
        {"chunking": {"max_tokens": "1"}},
        {"chunking": {"method": "letters"}},
        {"quality": {"severity": {"nope": "off"}}},
        {"quality": {"gates": {"min_alpha": 2}}},
        {"dataset": {"name": "Upper"}},
    ):
        assert not validator.is_valid(wrong), wrong
    described = validator.schema["$defs"]["Chunking"]["properties"]["max_tokens"]
    assert described["description"] == "Most tokens per chunk, counted in `unit`."
    assert described["default"] == 180
