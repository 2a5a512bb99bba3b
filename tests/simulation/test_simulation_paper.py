"""Whole trade entries on the paper venue, with something going wrong at every step of the path.

``--seeds N`` drives more of them, ``--seed N`` one, with its story.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from aims import PAPER
from course import AIMS, HAPPENINGS
from outcomes import OUTCOMES, registered
from world import Broken, World

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 1700


def drive(seed: int, folder: Path) -> World:
    """One world; where an invariant does not hold it is told how to see it again."""
    world = World(seed, folder)
    try:
        return world.run()
    except Broken as error:
        print(*world.trace, sep="\n")
        again = f"python -m pytest tests/simulation/test_simulation_paper.py -n 0 --seed {seed}"
        raise Broken(f"seed {seed}: {error}\n  again: {again}") from None


def test_entries_survive(seeds: range, places: Path) -> None:
    """A world that is aimed is broken where what it was aimed at did not come to pass."""
    for seed in seeds:
        drive(seed, places)


def test_the_seeds_are_aimed_at_every_fault_of_every_step() -> None:
    assert {PAPER[number % len(PAPER)] for number in range(SEEDS // 2)} == set(PAPER)
    assert {(aim.step, aim.fault) for aim in PAPER} >= {(s, f) for s, faults in AIMS.items() for f in faults}
    assert {aim.fault for aim in PAPER if aim.step == "happens"} >= {*HAPPENINGS}


def test_a_seed_is_one_story(places: Path) -> None:
    for seed in (1, 2, 7):
        first, second = drive(seed, places), drive(seed, places)
        assert first.trace == second.trace
        assert first.story() == second.story()


def test_the_number_of_seeds_is_an_option_of_the_whole_suite() -> None:
    """Whatever is run: here nothing, in the folder that is the suite's own."""
    known = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--seeds",
            "50",
            "--seed",
            "7",
            "--markers",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert known.returncode == 0, known.stderr


def test_every_outcome_is_registered() -> None:
    assert {reason for _, _, reason in OUTCOMES if reason is not None} <= registered()
