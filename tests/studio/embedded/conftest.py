"""An embedded server in a second: the fake Label Studio as the program that the builder starts."""

import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builder.studio.campaign import Campaign
from builder.studio.embedded import server
from builder.studio.embedded.server import stop_server
from builder.studio.settings import Annotators, LabelStudio
from tests import samples

_PROGRAM = """#!{python}
import os, sys, time
sys.path.insert(0, {root!r})
print("arguments", sys.argv[1:], flush=True)
assert sys.argv[1:4] == ["start", "-b", "--port"] and sys.argv[5:] == ["--internal-host", "127.0.0.1"]
{first}
from tests.studio.fake import FakeLabelStudio
fake = FakeLabelStudio(members={{}})
fake.users[0].update(email=os.environ["LABEL_STUDIO_USERNAME"], token=os.environ["LABEL_STUDIO_USER_TOKEN"])
fake.start(int(sys.argv[4]))
time.sleep(3600)
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs a `label-studio` that runs some lines first: `program("raise ValueError('no')")`."""

    def install(first: str = "") -> None:
        path = tmp_path / "bin" / "label-studio"
        path.parent.mkdir(exist_ok=True)
        root = str(Path(__file__).resolve().parents[3])
        path.write_text(_PROGRAM.format(python=sys.executable, root=root, first=first), encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(server, "script", lambda: path)
        monkeypatch.setattr(server, "_POLL", 0.05)

    install()
    return install


@pytest.fixture
def campaign(tmp_path: Path, program: Callable[[str], None], unused_port: int) -> Iterator[Campaign]:
    """A campaign whose embedded server is the fake one; it is stopped in the end."""
    workspace = tmp_path / "workspace"
    made = Campaign(
        dataset="sample",
        folder=workspace / "sample",
        workspace=workspace,
        scheme=samples.scheme(),
        annotators=Annotators(overlap=1, people={"ada": "Ada@example.org"}),
        server=LabelStudio(port=unused_port, boot_timeout=60, retries=1),
    )
    yield made
    stop_server(made.vault)


@pytest.fixture
def unused_port() -> int:
    """Where an embedded server begins to look for a port: the system chooses it, so that no other test has it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
