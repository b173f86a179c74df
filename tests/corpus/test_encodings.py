"""A folder of news in many languages, each in the encodings that its writers use, is read exactly as it was written."""

from pathlib import Path

from tests.corpus import legacy_texts, texts
from tests.corpus.texts import encodable, pages
from tests.corpus.workspace import Workspace

#: Also without a mark: the bytes of Thai in UTF-16 hold hardly a zero.
WIDE = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32-be"]


def test_every_file_of_a_folder_in_forty_encodings_is_read_exactly(tmp_path: Path) -> None:
    work = Workspace(str(tmp_path / "raw"), tmp_path / "work")
    right: dict[str, str] = {}
    for known in (texts, legacy_texts):
        for language, encodings in known.ENCODINGS.items():
            for encoding in [*encodings, *(WIDE if language in ("de", "ja", "ru", "th") else WIDE[:1])]:
                text = encodable(f"{known.TEXTS[language]} {len(right)}.", encoding)
                written = pages(text)
                written["declared.html"] = written["a.html"].replace("<head>", f'<head><meta charset="{encoding}">')
                for name, page in written.items():
                    path = f"{language}/{encoding}/{name}"
                    page = page.replace('"id": "1"', f'"id": "{path}"').replace("\n1,", f"\n{path},")
                    work.put(path, page.encode(encoding))
                    right[path] = text
    assert len(right) >= 300
    assert len({path.split("/")[0] for path in right}) >= 12
    assert len({path.split("/")[1] for path in right}) >= 30
    work.prepare()
    read = {row["source_path"]: row["raw"].strip() for row in work.rows("articles")}
    # An extracted page gives a paragraph that is repeated once.
    wrong = {path for path, text in right.items() if read.get(path) not in (text, f"{text}\n{text}")}
    assert wrong == set()
