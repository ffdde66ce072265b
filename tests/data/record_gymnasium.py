"""Records the trajectories that tests/envs/{acrobot,cartpole,mountain_car,pendulum}.cpp are compared with.

    pip install gymnasium numpy && python3 record_gymnasium.py

writes acrobot_v1.csv, cartpole_v1.csv, mountaincar_v0.csv, mountaincarcontinuous_v0.csv and pendulum_v1.csv
beside this file. Recorded with gymnasium 1.4.0, numpy 2.4.6.

A row is one step: the action, and the state in double precision *after* it. Step 0 is the state after the
reset and has no action. Actions are exact in single precision, and are handed over in double precision, so
that Gymnasium computes the whole step in double precision. MountainCarContinuous rounds its state to single
precision after each step; it is handed back in double precision, so that the rounding is the only one.
"""

import csv
import math
import pathlib

import gymnasium
import numpy


def balance(state, step, target=0.0):
    """A linear controller that keeps the pole up with the cart at `target`."""
    x, x_dot, theta, theta_dot = state
    return int(0.3 * (x - target) + 0.5 * x_dot + 8.0 * theta + 1.5 * theta_dot > 0)


def swing_up(state, step):
    """Pumps energy into the pendulum, then holds it upright."""
    theta, theta_dot = state
    angle = (theta + math.pi) % (2 * math.pi) - math.pi
    if abs(angle) < 0.4:
        return -10.0 * angle - 2.5 * theta_dot
    energy = theta_dot**2 / 6 + 5 * (math.cos(theta) - 1)
    return 2.0 if energy * theta_dot <= 0 else -2.0


CARTPOLE = {
    "push_right": lambda state, step: 1,
    "alternate": lambda state, step: step % 2,
    "balance": balance,
    "leave_track": lambda state, step: balance(state, step, target=4.0),
}
PENDULUM = {
    "free_swing": lambda state, step: 0.0,
    # Beyond the largest torque, up to the largest speed, and round and round.
    "whirl": lambda state, step: math.copysign(2.5, state[1]),
    "swing_up": swing_up,
}
ACROBOT = {
    # Adds energy, until the goal.
    "swing_up": lambda state, step: 2 if state[2] * math.cos(state[1] / 2) < 0 else 0,
    "by_turns": lambda state, step: (step // 7) % 3,
    "fast": lambda state, step: 1,
}
MOUNTAIN_CAR = {
    "right": lambda state, step: 2,
    "with_velocity": lambda state, step: 2 if state[1] > 0 else 0,
    # Gathers speed, but only to meet the wall on the left.
    "to_the_wall": lambda state, step: 2 if 0 < state[1] and state[0] < -0.2 else 0,
}
MOUNTAIN_CAR_CONTINUOUS = {
    "with_velocity": lambda state, step: math.copysign(0.9, state[1]),
    "beyond_bounds": lambda state, step: 1.75 if 0 < state[1] and state[0] < 0.1 else -2.5,
    "weak": lambda state, step: 0.3 * math.sin(step),
}
# Where an episode does not begin as Gymnasium's: so fast that speeds meet their bounds, through full turns.
STARTS = {"fast": [0.6, -1.7, -2.7, 19.5]}


def record(name, policies, columns, as_action, cell):
    env = gymnasium.make(name, disable_env_checker=True)
    path = pathlib.Path(__file__).with_name(name.lower().replace("-", "_") + ".csv")
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["episode", "step", "action", *columns, "reward", "terminated", "truncated"])
        for seed, (episode, policy) in enumerate(policies.items()):
            env.reset(seed=seed)
            env.unwrapped.state = STARTS.get(episode, env.unwrapped.state)
            number = lambda value: "%.17g" % value
            out.writerow([episode, 0, "", *map(number, env.unwrapped.state), "", "", ""])
            for step in range(1, 10_000):
                env.unwrapped.state = numpy.asarray(env.unwrapped.state, dtype=numpy.float64)
                action = as_action(policy(env.unwrapped.state, step))
                _, reward, terminated, truncated, _ = env.step(action)
                ends = [int(terminated), int(truncated)]
                out.writerow(
                    [episode, step, cell(action), *map(number, env.unwrapped.state), number(reward), *ends]
                )
                if terminated or truncated:
                    break


record(
    "CartPole-v1",
    CARTPOLE,
    ["position", "velocity", "angle", "angular_velocity"],
    as_action=int,
    cell=str,
)
record(
    "Acrobot-v1",
    ACROBOT,
    ["first_angle", "second_angle", "first_velocity", "second_velocity"],
    as_action=int,
    cell=str,
)
record("MountainCar-v0", MOUNTAIN_CAR, ["position", "velocity"], as_action=int, cell=str)
for name, policies, columns in [
    ("MountainCarContinuous-v0", MOUNTAIN_CAR_CONTINUOUS, ["position", "velocity"]),
    ("Pendulum-v1", PENDULUM, ["angle", "angular_velocity"]),
]:
    record(
        name,
        policies,
        columns,
        as_action=lambda number: numpy.array([numpy.float32(number)], dtype=numpy.float64),
        cell=lambda action: "%.17g" % action[0],
    )
