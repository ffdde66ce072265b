"""Records the trajectories that tests/envs/simple_{spread,speaker_listener,tag}.cpp are compared with.

    pip install pettingzoo==1.22.3 pygame numpy && python3 record_particle.py    # the original physics
    pip install mpe2==1.1.1 numpy && python3 record_particle.py    # the revised, in another venv

writes particle_{spread,speaker_listener,tag}_{original,revised}.csv beside this file. Recorded with
pettingzoo 1.22.3 and mpe2 1.1.1, numpy 2.4.6.

A row is one step: episode, step, the agents' actions, velocity and position of every body that moves and the
positions of the landmarks *after* it, the agents' own rewards, and in the last row of an episode what the
agents then observe. Step 0 is the state after the reset: its actions and rewards are 0.
"""

import csv
import pathlib

import numpy

try:
    from mpe2 import simple_speaker_listener_v4 as speaker_listener
    from mpe2 import simple_spread_v3 as spread
    from mpe2 import simple_tag_v3 as tag

    PHYSICS = "revised"
except ImportError:
    from pettingzoo.mpe import simple_speaker_listener_v3 as speaker_listener
    from pettingzoo.mpe import simple_spread_v2 as spread
    from pettingzoo.mpe import simple_tag_v2 as tag

    PHYSICS = "original"


def towards(agent, target):
    error = target - agent.state.p_pos - 0.2 * agent.state.p_vel
    axis = int(abs(error[1]) > abs(error[0]))
    return 1 + 2 * axis + int(error[axis] > 0)


def wander(world, random):
    return [random.integers(3 if not agent.movable else 5) for agent in world.agents]


def crowd(world, random):
    """All run into each other, in the middle."""
    return [towards(agent, numpy.zeros(2)) for agent in world.agents]


def speak(world, random):
    speaker, listener = world.agents
    goal = speaker.goal_b.state.p_pos
    return [random.integers(3), towards(listener, goal)]


def hunt(world, random):
    """The predators follow the prey, which runs to the right, and out of the square."""
    *predators, prey = world.agents
    return [towards(agent, prey.state.p_pos) for agent in predators] + [2]


def flee_to_the_corner(world, random):
    *predators, prey = world.agents
    corner = numpy.array([-2.5, 2.5])
    return [towards(agent, prey.state.p_pos) for agent in predators] + [towards(prey, corner)]


def own_reward(raw, agent):
    reward = raw.scenario.reward(agent, raw.world)
    if raw.local_ratio is not None:  # simple_spread: both parts in full
        reward += raw.scenario.global_reward(raw.world)
    return float(reward)


def record(name, module, policies):
    env = module.raw_env(max_cycles=25)
    path = pathlib.Path(__file__).with_name(f"particle_{name}_{PHYSICS}.csv")
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        for seed, (episode, policy) in enumerate(policies.items()):
            random = numpy.random.default_rng(seed)
            env.reset(seed=seed)
            raw = env.unwrapped
            agents = raw.world.agents
            actions, rewards = [0] * len(agents), [0.0] * len(agents)
            for step in range(26):
                if step > 0:
                    actions = policy(raw.world, random)
                    for action in actions:
                        env.step(int(action))
                    rewards = [own_reward(raw, agent) for agent in agents]
                moving = [agent.state for agent in agents if agent.movable]
                numbers = [x for state in moving for x in (*state.p_vel, *state.p_pos)]
                numbers += [x for landmark in raw.world.landmarks for x in landmark.state.p_pos]
                numbers += rewards
                if step == 25:
                    numbers += [x for agent in agents for x in raw.observe(agent.name)]
                out.writerow([episode, step, *map(int, actions), *("%.9g" % x for x in numbers)])


record("spread", spread, {"wander": wander, "crowd": crowd})
record("speaker_listener", speaker_listener, {"wander": wander, "speak": speak})
record("tag", tag, {"wander": wander, "crowd": crowd, "hunt": hunt, "flee_to_the_corner": flee_to_the_corner})
