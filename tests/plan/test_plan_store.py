"""Plans in the state folder: found again, bounded, private, and without what they should not hold."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from pgscope.analysis.plan import parse
from pgscope.capture.plan_store import PlanStore, StoredPlan, redacted

DOCUMENT: list[object] = [
    {
        "Plan": {
            "Node Type": "Seq Scan",
            "Filter": "((w.name = 'Müller''s'::text) AND (w.age > 42) AND (w.t1 = (InitPlan 1).col1)"
            " AND (w.x = $0))",
            "Output": ["w.t2", "'secret'::text", "E'back\\\\slash'::text", "3.5"],
            "Plan Rows": 77,
            "Plans": [{"Node Type": "Result", "One-Time Filter": "('hidden'::text = w.name)"}],
        },
        "Query Identifier": 5,
    }
]


def plan(at: float, queryid: int | None = 7, text: str = "SELECT 1 FROM w WHERE a = 'secret'") -> StoredPlan:
    return StoredPlan(at, "host:5432", "shop", queryid, text, True, DOCUMENT)


def test_plans_come_back_newest_first_and_by_statement(tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    for at in (1.0, 3.0, 2.0):
        store.save(plan(at))
    store.save(plan(9.0, queryid=8))
    found = store.plans("host:5432", "shop", 7, "")
    assert [entry.at for entry in found] == [3.0, 2.0, 1.0]
    assert parse(found[0].document).root.plan_rows == 77
    assert store.plans("host:5432", "other", 7, "") == ()
    assert [entry.at for entry in store.everything()] == [9.0, 3.0, 2.0, 1.0]


def test_without_a_queryid_the_same_text_with_other_literals_is_the_same_statement(tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    store.save(plan(1.0, None, "SELECT 1 FROM w WHERE a = 'x'"))
    assert len(store.plans("host:5432", "shop", None, "SELECT 1 FROM w WHERE a = 'y'")) == 1


def test_literals_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    path = PlanStore(tmp_path / "plans").save(plan(1.0))
    kept = path.read_text()
    for word in ("secret", "Müller", "M\\u00fcller", "hidden", "42", "slash", "3.5"):
        assert word not in kept
    for word in ("InitPlan 1", "$0", "w.t1", "w.t2", "77"):
        assert word in kept
    path = PlanStore(tmp_path / "all", literals=True).save(plan(1.0))
    assert "secret" in path.read_text()
    assert redacted(DOCUMENT) != DOCUMENT


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    path = store.save(plan(1.0))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700


def test_the_folder_is_bounded(tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    for at in range(30):
        store.save(plan(float(at)))
    found = store.plans("host:5432", "shop", 7, "")
    assert len(found) == 20
    assert found[-1].at == 10.0


def test_links_and_rubbish_are_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "victim"
    target.write_text("keep me")
    store = PlanStore(tmp_path / "plans")
    path = store.save(plan(1.0))
    path.unlink()
    path.symlink_to(target)
    assert store.plans("host:5432", "shop", 7, "") == ()
    store.save(plan(1.0))
    assert target.read_text() == "keep me"
    path.write_text("[[[")
    assert store.everything() == ()
    (tmp_path / "elsewhere").mkdir()
    linked = PlanStore(tmp_path / "link")
    linked.folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        linked.save(plan(1.0))


@pytest.mark.parametrize(
    "changed",
    [
        {"at": "soon"},
        {"at": None},
        {"at": float("nan")},
        {"at": 1e300},
        {"at": -1.0},
        {"server": 7},
        {"text": ["x"]},
        {"queryid": "x"},
        {"block_size": {}},
        {"more": 1},
    ],
    ids=str,
)
def test_what_somebody_wrote_there_is_passed_over(changed: dict[str, object], tmp_path: Path) -> None:
    store = PlanStore(tmp_path / "plans")
    path = store.save(plan(1.0))
    store.save(plan(2.0))
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    assert [entry.at for entry in store.everything()] == [2.0]
    assert [entry.at for entry in store.plans("host:5432", "shop", 7, "")] == [2.0]
