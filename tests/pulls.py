"""A pull on disk as `builder pull` leaves it, for tests of what comes after."""

from typing import Any

from builder.config import Config
from builder.store import write_json, write_text
from builder.studio.pull_records import folder_of, hash_of, sealed


def keep_pull(config: Config, tasks: str, people: dict[str, Any], **record: Any) -> None:
    """The latest pull of the dataset holds these lines of tasks, and the work of these people."""
    pulls = config.dataset_folder / "pulls"
    write_text(pulls / "tasks.jsonl", tasks)
    whole = hash_of(pulls / "tasks.jsonl", people, "")
    folder = folder_of(pulls, whole)
    folder.mkdir(exist_ok=True)
    (pulls / "tasks.jsonl").replace(folder / "tasks.jsonl")
    write_json(folder / "users.json", people)
    counts = {"tasks": tasks.count("\n"), "annotations": 0, "skipped": 0, "drafts": 0}
    write_json(folder / "pull.json", sealed({"hash": whole, "setting": "", "projects": {}, "counts": counts, **record}))
    write_json(pulls / "latest.json", {"hash": whole})
