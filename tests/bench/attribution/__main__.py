"""uv run python -m tests.bench.attribution [--majors 15,18] [--seconds 35] [--mixes loops,pool] [--detail]"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from tests.bench.attribution.kept import load, rarer, save
from tests.bench.attribution.measure import Outcome, Run, judge_all, prepare
from tests.bench.attribution.mixes import MIXES
from tests.servers import MAJORS, Servers


async def _run(run: Run, seconds: float) -> Outcome:
    run.start()
    try:
        # Let the clients start: Python's imports are not part of the load.
        await asyncio.sleep(3.0)
        return await run.watch(seconds)
    finally:
        run.stop()


def _print(outcome: Outcome, detail: bool) -> None:
    for one in outcome.judged:
        marks = {share.attribution for share in one.shares}
        print(
            f"{outcome.major:>3}  {outcome.mix:<13}{one.statement:<8}{one.calls:>8.0f}{one.distance:>9.3f}"
            f"{one.covered:>7}/{one.applications:<3}{one.width:>7.3f}  {', '.join(sorted(marks))}"
        )
        if detail:
            for share in one.shares:
                true = one.truth.get(share.application_name or "", 0.0)
                print(
                    f"      {share.application_name!s:<12} true {true:.3f} shown {share.share:.3f} "
                    f"[{share.low:.3f}, {share.high:.3f}] n={share.observations} {share.attribution}"
                )


def _replay(path: Path, detail: bool, looks: float) -> Outcome:
    record = rarer(load(path), looks) if looks else load(path)
    outcome = Outcome(record.major, record.mix)
    judge_all(record, outcome)
    _print(outcome, detail)
    return outcome


def _summary(outcomes: list[Outcome]) -> None:
    print("\n pg  mix           mean TVD  worst  coverage  width   looks/s  ms/look  ms/poll  ms/tick")
    for outcome in outcomes:
        judged = outcome.judged
        if not judged:
            print(f"{outcome.major:>3}  {outcome.mix:<13} nothing to judge")
            continue
        applications = sum(one.applications for one in judged)
        print(
            f"{outcome.major:>3}  {outcome.mix:<13}{sum(one.distance for one in judged) / len(judged):>9.3f}"
            f"{max(one.distance for one in judged):>7.3f}"
            f"{sum(one.covered for one in judged) / applications:>9.0%}"
            f"{sum(one.width for one in judged) / len(judged):>8.3f}"
            f"{outcome.hz:>9.1f}{outcome.look_ms:>9.2f}{outcome.poll_ms:>9.2f}{outcome.tick_ms:>9.1f}"
        )
    for major in sorted({outcome.major for outcome in outcomes}):
        judged = [one for outcome in outcomes if outcome.major == major for one in outcome.judged]
        if judged:
            applications = sum(one.applications for one in judged)
            print(
                f"{major:>3}  all          {sum(one.distance for one in judged) / len(judged):>9.3f}"
                f"{max(one.distance for one in judged):>7.3f}"
                f"{sum(one.covered for one in judged) / applications:>9.0%}"
                f"{sum(one.width for one in judged) / len(judged):>8.3f}"
            )


def main() -> int:
    """Run the mixes, print a line for each statement and a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.attribution", description=__doc__)
    parser.add_argument("--majors", default="15,18")
    parser.add_argument("--seconds", type=float, default=35.0)
    parser.add_argument("--mixes", default=",".join(MIXES))
    parser.add_argument("--save", type=Path, help="folder for what each run saw, to --replay it")
    parser.add_argument("--replay", type=Path, help="judge the runs saved there, without a server")
    parser.add_argument("--looks", type=float, default=0.0, help="--replay as if there were so many a second")
    parser.add_argument("--detail", action="store_true", help="print every share beside the truth")
    chosen = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("PG") and name != "PGSCOPE_TEST_CACHE"]:
        del os.environ[name]
    if chosen.replay:
        paths = sorted(chosen.replay.glob("*.pgscope"))
        _summary([_replay(path, chosen.detail, chosen.looks) for path in paths])
        return 0
    servers, outcomes = Servers(), []
    try:
        for major in [int(one) for one in chosen.majors.split(",")]:
            if major not in MAJORS:
                parser.error(f"no PostgreSQL {major} to run on: choose from {', '.join(map(str, MAJORS))}")
            server = servers.server(major)
            prepare(server)
            for mix in chosen.mixes.split(","):
                if mix not in MIXES:
                    parser.error(f"no mix {mix}: choose from {', '.join(MIXES)}")
                run = Run(server, mix)
                outcome = asyncio.run(_run(run, chosen.seconds))
                if chosen.save:
                    chosen.save.mkdir(parents=True, exist_ok=True)
                    save(run.record, chosen.save)
                outcomes.append(outcome)
                _print(outcome, chosen.detail)
                sys.stdout.flush()
    finally:
        servers.stop()
    _summary(outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
