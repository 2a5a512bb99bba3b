"""Whole trade entries on the paper venue, with something going wrong at every step of the path.

``--seeds N`` drives more of them, ``--seed N`` one, with its story.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from course import AIMS, HAPPENINGS, OF_CHANGES, OF_READS, OF_SUBMITS, OF_WRITES
from outcomes import OUTCOMES, registered
from world import Broken, World

COVERING = (
    9,
    15,
    19,
    24,
    27,
    30,
    43,
    48,
    59,
    63,
    64,
    65,
    90,
    93,
    95,
    102,
    110,
    136,
    142,
    145,
    199,
    221,
    267,
    284,
    344,
    350,
    357,
    694,
    963,
    1001,
    1564,
    1675,
    501,
    632,
    920,
    *range(100, 130),
)
"""Worlds of the suite in which, together, every kind of fault comes to pass."""


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
    for seed in seeds:
        drive(seed, places)


def test_every_fault_comes_to_pass(places: Path) -> None:
    fired: Counter[str] = Counter()
    reached: Counter[object] = Counter()
    for seed in COVERING:
        world = drive(seed, places)
        fired.update(world.chaos.fired)
        reached.update((intent.state, intent.status, intent.reason) for intent in world.final)
    print(*sorted(fired.items()), *reached.items(), sep="\n")
    kinds = {name.split()[-1] for name in fired}
    assert kinds >= {*OF_CHANGES, *OF_READS, *OF_SUBMITS, *OF_WRITES}
    assert {name.removeprefix("happens ") for name in fired} >= {*HAPPENINGS}
    assert {name.split()[0] for name in fired} >= AIMS.keys() - {"amend"}
    states = {state for state, _, _ in reached}  # type: ignore[misc]
    assert states >= {"rejected", "refused", "cancelled", "closed", "failed"}


def test_a_seed_is_one_story(places: Path) -> None:
    for seed in (1, 7, 23):
        first, second = drive(seed, places), drive(seed, places)
        assert first.trace == second.trace
        assert first.story() == second.story()


def test_every_outcome_is_registered() -> None:
    assert {reason for _, _, reason in OUTCOMES if reason is not None} <= registered()
