"""Records the trajectories that tests/envs/level_based_foraging.cpp is compared with.

    pip install lbforaging==2.0.0 numpy && python3 record_lbforaging.py

writes foraging.csv beside this file.

A row is one step: task, step, the players' actions, row, column and level of every player and of every food
*after* it (zeros for a food that is gone; row by row), the sum of the players' rewards, whether the game is
over, and what every player observes. Step 0 is the state after the reset, and begins an episode: its actions
are 0.
"""

import csv
import pathlib

import numpy
from lbforaging.foraging.environment import ForagingEnv

TASKS = {
    "8x8-2p-2f-coop": dict(players=2, size=8, foods=2, sight=8, coop=True),
    "8x8-2p-2f-2s-coop": dict(players=2, size=8, foods=2, sight=2, coop=True),
    "6x6-3p-2f": dict(players=3, size=6, foods=2, sight=6, coop=False),
}
NONE, NORTH, SOUTH, WEST, EAST, LOAD = range(6)


def forage(env, player, random):
    """To the nearest food, by a random move now and then."""
    foods = numpy.argwhere(env.field)
    if len(foods) == 0 or random.random() < 0.2:
        return random.integers(6)
    row, column = player.position
    distances = numpy.abs(foods - numpy.array([row, column])).sum(axis=1)
    down, right = foods[distances.argmin()] - numpy.array([row, column])
    if abs(down) + abs(right) == 1:
        return LOAD
    if abs(down) > abs(right):
        return SOUTH if down > 0 else NORTH
    return EAST if right > 0 else WEST


def wander(env, player, random):
    return random.integers(6)


def row_of(env, remembered):
    numbers = [x for player in env.players for x in (*player.position, player.level)]
    for row, column in remembered:
        level = env.field[row, column]
        numbers += [row, column, level] if level else [0, 0, 0]
    return [int(x) for x in numbers]


path = pathlib.Path(__file__).with_name("foraging.csv")
with open(path, "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    for number, (task, spec) in enumerate(TASKS.items()):
        env = ForagingEnv(
            players=spec["players"],
            min_player_level=1,
            max_player_level=2,
            min_food_level=1,
            max_food_level=None,
            field_size=(spec["size"], spec["size"]),
            max_num_food=spec["foods"],
            sight=spec["sight"],
            max_episode_steps=50,
            force_coop=spec["coop"],
        )
        random = numpy.random.default_rng(number)
        for episode, policy in enumerate([forage, forage, forage, wander]):
            observations, _ = env.reset(seed=10 * number + episode)
            foods = [tuple(food) for food in numpy.argwhere(env.field)]
            actions, rewards, over = [0] * len(env.players), [0.0], False
            step = 0
            while True:
                seen = [int(x) for observation in observations for x in observation]
                state = row_of(env, foods)
                out.writerow([task, step, *actions, *state, "%.9g" % sum(rewards), int(over), *seen])
                if over:
                    break
                actions = [int(policy(env, player, random)) for player in env.players]
                observations, rewards, over, _, _ = env.step(actions)
                step += 1
