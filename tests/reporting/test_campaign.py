"""The generated campaign holds what it says it holds."""

from builder import pipeline
from tests.reporting.campaign import COMMENT, HOSTILE, Campaign


def test_the_checks_find_what_is_planted(campaign: Campaign) -> None:
    prepared, checked = pipeline.prepared(campaign.config), pipeline.checked(campaign.config)
    texts = {row["record_id"]: row["text"] for row in prepared.table("articles").to_pylist()}
    assert all(hostile in texts["hostile"] for hostile in HOSTILE)
    assert len(texts["long"].split()) == 2000
    assert prepared.summary["rejected"] == {"bad-json": 1, "empty": 1, "near-duplicate": 2, "no-text": 1}
    found = {(row["check"], row["annotator"]) for row in checked.table("issues").to_pylist()}
    assert {check for check, who in found if who == "anno-fast"} >= {"straight-lining", "fast-answer"}
    assert {who for check, who in found if check == "drift"} == {"anno-drift"}
    assert {who for check, who in found if check == "unknown-label"} == {"anno-careful"}
    said = checked.table("annotations").to_pylist()
    assert [row["annotator"] for row in said if row["comment"] == COMMENT] == ["anno-careful"]
    assert sorted(row["state"] for row in said if row["state"] != "labelled") == ["draft", "skipped"]
    alike = checked.json("agreement")["spans"]["entity"]["labels"]
    assert alike["ORG"]["exact_f1"] < 0.5 < alike["PERSON"]["exact_f1"]
