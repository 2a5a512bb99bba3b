"""Whole trade entries with the real BitMart client against the local server, whose faults are BitMart's own.

``--seeds N`` drives more of them, ``--seed N`` one, with its story.
"""

from __future__ import annotations

from pathlib import Path

from bitmart_world import AT_SERVER, PAIRS, RATES, BitmartSide
from course import Aim
from world import Broken, World

SEEDS = 300


def test_entries_survive_bitmart(seeds: range, places: Path) -> None:
    for seed in seeds:
        world = World(seed, places, side=BitmartSide)
        try:
            world.run()
        except Broken as error:
            print(*world.trace, sep="\n")
            again = f"python -m pytest tests/simulation/test_simulation_bitmart.py -n 0 --seed {seed}"
            raise Broken(f"seed {seed}: {error}\n  again: {again}") from None


def test_the_seeds_are_aimed_at_every_fault_of_every_endpoint() -> None:
    """Each world that is aimed is broken where what it was aimed at did not come to pass."""
    assert {PAIRS[number % len(PAIRS)] for number in range(SEEDS // 2)} == set(PAIRS)
    assert set(PAIRS) >= {Aim(step, fault) for step, faults in AT_SERVER.items() for fault in faults}
    assert {fault for faults in AT_SERVER.values() for fault in faults} >= {*RATES}


def test_a_seed_is_one_story_on_bitmart(places: Path) -> None:
    first, second = (World(3, places, side=BitmartSide).run() for _ in range(2))
    assert first.trace == second.trace
    assert first.story() == second.story()
