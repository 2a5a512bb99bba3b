"""Whole trade entries with the real BitMart client against the local server, whose faults are BitMart's own.

``--seeds N`` drives more of them, ``--seed N`` one, with its story.
"""

from __future__ import annotations

from pathlib import Path

from bitmart_world import BitmartSide
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


def test_a_seed_is_one_story_on_bitmart(places: Path) -> None:
    first, second = (World(3, places, side=BitmartSide).run() for _ in range(2))
    assert first.trace == second.trace
    assert first.story() == second.story()
