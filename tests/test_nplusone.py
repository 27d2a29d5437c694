"""N+1 on constructed series: what must be found, with its numbers, and what must stay silent."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from pgscope.analysis.counters import Interval
from pgscope.analysis.findings import Finding
from pgscope.analysis.findings.conservation import judge
from pgscope.analysis.findings.relation import Relationship
from tests.findings_series import AUTHOR, CATALOG, CHOICES, COUNT, PAGE, TOUCH, Second, World, pages, steady

COLLECTION = Relationship("collection", "choice.question_id", "fk", "question", "choice")
REFERENCE = Relationship("reference", "question.author_id", "fk", "question", "author")


def n_plus_one(found: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in found if finding.kind == "n_plus_one"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("program", "grade"),
    [
        (pages(CHOICES), "confirmed"),
        (pages(COUNT), "confirmed"),
        (pages(AUTHOR, child_rows=1), "confirmed"),
        (pages(CHOICES, per_row=2), "confirmed"),
        (pages(CHOICES, direct=40), "confirmed"),
        (pages(CHOICES, rate=(0, 1)), "confirmed"),
        (pages(CHOICES, least=20, most=20), "likely"),
    ],
    ids=["collection", "count", "reference", "two a row", "shared", "slow", "same size"],
)
def test_found(program: Second, grade: str, seed: int) -> None:
    world = World(seed=seed)
    for pid in range(3):
        world.seen("catalogue", 100 + pid, PAGE, CHOICES, AUTHOR, COUNT)
    (finding,) = n_plus_one(world.run(30, program))
    assert finding.application_names == ("catalogue",)
    assert finding.grade == grade
    assert finding.parent is not None
    assert finding.parent.query == PAGE
    assert finding.relationship in ("choice.question_id", "question.author_id")
    assert finding.cost.avoidable_round_trips_per_s > 0
    assert {item.kind for item in finding.evidence} >= {"conservation", "foreign key", "application"}
    assert len(finding.points) >= 6


def test_its_evidence_names_the_application_that_it_is_told_of() -> None:
    """A parent of a millisecond may never be seen: then who runs the child is told, and that it is that."""
    world = World(seed=0)
    world.seen("catalogue", 100, CHOICES)
    (finding,) = n_plus_one(world.run(30, pages(CHOICES)))
    assert finding.application_names == ("catalogue",)
    (who,) = [item.text for item in finding.evidence if item.kind == "application"]
    assert who == (
        "no application was seen running both statements yet; catalogue runs nearly all of the child"
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("owners", [10, 50])
def test_reference_behind_an_identity_map(owners: int, seed: int) -> None:
    world = World(seed=seed)
    world.seen("catalogue", 100, PAGE, AUTHOR)
    program = pages(AUTHOR, owners=owners, child_rows=1)
    world.run(20, program)
    world.burst("catalogue", 100, [PAGE, *[AUTHOR] * 8, *["COMMIT"]] * 4)
    (finding,) = n_plus_one(world.run(15, program))
    assert finding.grade in ("likely", "confirmed")
    assert {"run", "foreign key"} <= {item.kind for item in finding.evidence}
    assert "identity map" in finding.evidence[0].text or owners == 50


def test_first_shown_within_ten_seconds() -> None:
    late = []
    for seed in range(20):
        world = World(seed=seed)
        steps = world.steps(20, pages(CHOICES))
        late.append(next(place for place, found in enumerate(steps, 1) if n_plus_one(found)))
    assert sorted(late)[10] <= 10


@pytest.mark.parametrize("seed", range(6))
def test_load_alone_proves_nothing(seed: int) -> None:
    """A page whose children come in one statement, and look-ups by key at a rate that follows the load."""
    world = World(seed=seed)
    ratio = 24

    def service(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        load = rng.randint(1, 8)
        rows = sum(rng.randint(8, 40) for _ in range(load))
        return {PAGE: (load, rows), CHOICES: (load * ratio, load * ratio * 3)}

    assert not any(n_plus_one(found) for found in world.steps(60, service))


@pytest.mark.parametrize("seed", range(6))
def test_coincidence_of_rates(seed: int) -> None:
    """Ratios of 0.97 to 1.07 in nearly every window, and a correlation below 0.5: two services."""
    world = World(seed=seed)
    programs = (steady(PAGE, 4, 4, rows=24), steady(CHOICES, 93, 103), steady(AUTHOR, 90, 100))
    assert not any(n_plus_one(found) for found in world.steps(60, *programs))


def test_everything_starts_and_stops_at_once() -> None:
    world = World()
    on = False

    def service(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        if not on:
            return {}
        return {PAGE: (3, rng.randint(60, 84)), CHOICES: (rng.randint(65, 79), 200)}

    for step in range(12):
        on = step % 2 == 1
        for _ in range(6):
            assert not any(finding.grade == "confirmed" for finding in n_plus_one(world.run(1, service)))


def test_session_and_user_in_each_request() -> None:
    world = World()

    def service(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        pages_seen, others = rng.randint(1, 6), rng.randint(10, 30)
        rows = sum(rng.randint(8, 40) for _ in range(pages_seen))
        return {PAGE: (pages_seen, rows), AUTHOR: (pages_seen + others, pages_seen + others)}

    assert not any(n_plus_one(found) for found in world.steps(60, service))


def test_other_applications_are_no_pair() -> None:
    world = World()
    for pid in range(4):
        world.seen("catalogue", 100 + pid, PAGE)
        world.seen("api", 200 + pid, CHOICES)
    assert not n_plus_one(world.run(30, pages(CHOICES)))


def test_the_application_that_runs_both() -> None:
    world = World()
    for pid in range(4):
        world.seen("catalogue", 100 + pid, PAGE, CHOICES)
        world.seen("api", 200 + pid, CHOICES)
    (finding,) = n_plus_one(world.run(30, pages(CHOICES, direct=20)))
    assert finding.application_names == ("catalogue",)


def test_nested_loops_each_get_their_own_parent() -> None:
    world = World()
    outer = pages(CHOICES)

    def nested(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        did = dict(outer(rng))
        calls, _ = did[CHOICES]
        rows = sum(rng.randint(2, 5) for _ in range(int(calls)))
        did[CHOICES] = (calls, rows)
        return did

    (finding,) = n_plus_one(world.run(30, nested))
    assert finding.statement is not None
    assert finding.statement.query == CHOICES


def test_two_pages_that_share_a_child() -> None:
    other = "SELECT question.id, question.question_text FROM question WHERE author_id = $1 LIMIT $2"
    world = World()
    found = n_plus_one(world.run(30, pages(CHOICES), pages(CHOICES, parent=other)))
    assert {finding.parent.query for finding in found if finding.parent} == {PAGE, other}


def test_writes_for_each_row() -> None:
    world, program = World(), pages(TOUCH, child_rows=1)
    # An ORM's flush is a pipeline: the same counts, in one round trip.
    assert world.run(30, program) == ()
    world.burst("web", 9, [PAGE, *[TOUCH] * 8, "COMMIT"])
    (finding,) = world.run(3, program)
    assert (finding.kind, finding.parent and finding.parent.query) == ("row_by_row_writes", PAGE)
    assert finding.grade == "confirmed"
    assert not any("reads again" in one.text for one in finding.evidence)


def test_ends_and_ages_out() -> None:
    world = World()
    (finding,) = n_plus_one(world.run(20, pages(CHOICES)))
    assert not finding.ended
    (finding,) = n_plus_one(world.run(60))
    assert finding.ended
    assert finding.last_seen < world.at - 20
    assert n_plus_one(world.run(120)) == []
    assert [finding.kind for finding in world.findings.history()] == ["n_plus_one"]


def test_texts_that_differ_in_constants_only_are_one() -> None:
    """Drivers send small integers with another type than larger ones: another queryid, the same text."""
    world = World()
    first = pages(CHOICES)

    def split(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        did = dict(first(rng))
        calls, rows = did.pop(CHOICES)
        half = rng.randint(0, int(calls))
        did[CHOICES] = (half, half * 3)
        did[CHOICES + " "] = (calls - half, rows - half * 3)
        return did

    (finding,) = n_plus_one(world.run(30, split))
    assert finding.statement is not None
    assert len(finding.statement.keys) == 2


def test_a_page_that_prefetches_hides_none_that_does_not() -> None:
    """Django's prefetch_related is the text of its lazy load but for IN, on another page of the program."""
    prefetch = CHOICES.replace("= $1", "IN ($1, $2)")

    def healthy(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        calls = rng.randint(1, 3)
        return {PAGE.replace("BY id", "BY question_text"): (calls, 20 * calls), prefetch: (calls, 60 * calls)}

    world = World()
    assert world.run(10, healthy) == ()
    (finding,) = n_plus_one(world.run(12, healthy, pages(CHOICES)))
    assert finding.grade == "confirmed"
    assert finding.statement is not None
    assert finding.statement.query == CHOICES


@pytest.mark.parametrize("interval", [0.5, 2.0])
def test_other_poll_intervals(interval: float) -> None:
    world = World()
    assert n_plus_one(world.run(40, pages(CHOICES), interval=interval))


def test_ratio_alone_needs_a_tie() -> None:
    rows, calls = [20.0, 40.0] * 10, [1.0, 2.0] * 10
    assert judge(rows, calls, rows, None) is None
    assert judge(rows, calls, rows, COLLECTION) is not None


def test_fixed_number_of_look_ups_for_each_page() -> None:
    rng = random.Random(3)
    calls = [float(rng.randint(1, 5)) for _ in range(30)]
    rows = [sum(rng.randint(8, 60) for _ in range(int(n))) * 1.0 for n in calls]
    verdict = judge(rows, calls, [10 * n for n in calls], REFERENCE)
    assert verdict is None or not verdict.strong


def job(rows: int, calls: int, *, begins: int = 0) -> Second:
    """A job that reads once, at its fifth second, and then (or `begins` later) asks 150 times a second."""
    second, asked = 0, 0

    def one(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        nonlocal second, asked
        second += 1
        now = min(rng.randint(120, 180), calls - asked) if second >= 5 + begins else 0
        asked += now
        return {PAGE: (1.0 * (second == 5), 1.0 * rows * (second == 5)), CHOICES: (now, 3.0 * now)}

    return one


def test_a_job_that_reads_its_rows_once() -> None:
    world = World()
    world.seen("nightly", 9, PAGE, CHOICES)
    assert all(found == () for found in world.steps(18, job(2000, 2000)))
    world = World()
    world.seen("nightly", 9, PAGE, CHOICES)
    (finding,) = n_plus_one(world.run(40, job(2000, 2000)))
    assert (finding.grade, finding.application_names) == ("likely", ("nightly",))
    assert finding.summary.startswith("1 + 2000: ")
    assert 120 <= finding.cost.calls_per_s <= 180
    assert finding.relationship == "choice.question_id"
    # The schema comes when it is under way.
    world, program = World(catalog=None), job(6000, 6000)
    world.run(8, program)
    world.findings.feed(CATALOG)
    (finding,) = n_plus_one(world.run(60, program))
    assert finding.cost.avoidable_round_trips_per_s > 100


@pytest.mark.parametrize("program", [job(2000, 1999), job(2000, 2000, begins=-2), job(40, 40)])
def test_a_sum_that_may_be_chance_is_no_job(program: Second) -> None:
    assert n_plus_one(World().run(40, program)) == []


def test_a_job_of_another_application_than_read_the_rows() -> None:
    world = World()
    program = job(500, 500)
    for second in range(20):
        world.seen("dispatcher", 1, PAGE)
        world.seen("worker", 2, CHOICES)
        assert n_plus_one(world.run(1, program)) == [], second


def timed(plan: Mapping[int, Mapping[str, tuple[float, float]]]) -> Second:
    """Calls and rows at seconds that are told."""
    second = 0

    def one(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        nonlocal second
        second += 1
        return plan.get(second, {})

    return one


BY_TEXT = PAGE.replace("BY id", "BY question_text")


@pytest.mark.parametrize(
    "plan",
    [
        {page: {PAGE: (1.0, 100.0)} for page in (5, 55)}
        | {n: {CHOICES: (2.0, 6.0)} for n in range(6, 107) if n != 55},
        {1: {PAGE: (1.0, 100.0), CHOICES: (100.0, 300.0)}},
    ],
    ids=["the next page at once", "the watch begins in its midst"],
)
def test_what_was_read_again_or_perhaps_before_is_no_job(
    plan: Mapping[int, Mapping[str, tuple[float, float]]],
) -> None:
    assert not any(n_plus_one(found) for found in World().steps(125, timed(plan)))


def test_of_two_pages_of_a_size_the_later_is_walked_over() -> None:
    plan = {5: {PAGE: (1.0, 100.0)}, 8: {BY_TEXT: (1.0, 100.0)}} | {
        n: {CHOICES: (10.0, 30.0)} for n in range(9, 19)
    }
    (finding,) = n_plus_one(World().run(30, timed(plan)))
    assert finding.parent is not None
    assert finding.parent.query == BY_TEXT


def test_a_list_read_again_and_again_is_followed_by_as_many_look_ups_by_chance() -> None:
    def minutes(sizes: list[int]) -> bool:
        plan: dict[int, dict[str, tuple[float, float]]] = {}
        for place, size in enumerate(sizes):
            plan[5 + 10 * place] = {PAGE: (1.0, 50.0)}
            plan[6 + 10 * place] = {CHOICES: (1.0 * size, 3.0 * size)}
        return any(n_plus_one(found) for found in World().steps(10 * len(sizes) + 10, timed(plan)))

    assert not minutes([41, 50, 63, 37, 50, 58, 44, 50])
    assert minutes([41, 50, 50])
    assert minutes([50, 50, 51])


def test_counters_that_begin_anew_end_what_was_under_way() -> None:
    world = World()
    world.run(6, timed({5: {PAGE: (1.0, 100.0)}, 6: {CHOICES: (30.0, 90.0)}}))
    world.findings.observe(Interval(world.at, world.at, 0.0, {}))
    assert world.run(15, timed({n: {CHOICES: (20.0, 60.0)} for n in range(1, 6)})) == ()


def test_where_everything_begins_with_a_page_no_sum_says_much() -> None:
    kinds = [CHOICES.replace("choice.choice_text", f"choice.choice_text AS name{n}") for n in range(30)]
    texts = [text.replace("choice.id,", f"choice.id, choice.c{n},") for n, text in enumerate(kinds)]
    second: dict[str, tuple[float, float]] = {text: (30.0 + 2 * n, 90.0) for n, text in enumerate(texts)}
    assert n_plus_one(World().run(20, timed({5: {PAGE: (1.0, 50.0)}, 6: second}))) == []


def test_a_long_job_keeps_nothing_of_statements_that_are_gone() -> None:
    world, second = World(), 0

    def others(rng: random.Random) -> Mapping[str, tuple[float, float]]:
        nonlocal second
        second += 1
        look_up = f"SELECT choice.c{second} FROM choice WHERE choice.id = $1"
        return {look_up: (5, 5), CHOICES: (second % 2 * (second > 5), 3)}

    world.run(400, timed({5: {PAGE: (1.0, 5000.0)}}), others)
    (page,) = world.findings._walks._pages.values()
    assert list(page.walks) and len(page.others) < 200
