"""Killed anywhere, exports/ holds the old or the new release, never half of one, and the next export finishes."""

import json
import subprocess
import sys
from pathlib import Path


def test_random_kills_leave_whole_releases(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.release.kill_exports", str(tmp_path), "30", "7"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    counts = json.loads(done.stdout)
    assert counts["half"] == counts["left"] == 0
    assert counts["killed"] >= 15
    assert counts["old"] >= 5
    assert counts["old"] + counts["new"] == 30
