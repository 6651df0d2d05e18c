"""Prints as JSON the numbers of random.Random for many seeds, and the states on the way.

Usage: random_numbers.py [STATES.json], states from which to draw, in place of seeds
"""

import json
import random
import sys

SEEDS = [0, 1, -1, 42, -42, 2**31, 2**32 - 1, 2**32, 2**32 + 1, -2**32, 2**63 - 1, -2**63, 2**64 - 1,
         0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1e300, -1e300, 5e-324, 3.141592653589793, 2.0**61, 2.0**61 - 512, -2.0**90,
         float("inf"), float("-inf"),
         "", "0", "seed", "随机数", "x" * 111, "x" * 112, "x" * 127, "x" * 128, "x" * 5000, "nul\0s", "\0" * 5 + "x"]


def draws(rng):
    """Every function, in turns."""
    all_ranges = [(0, 1, 1), (5, 100, 1), (-10, 10, 3), (10, -10, -3), (0, 2**62, 1), (-2**62, 2**62 - 1, 7), (3, 4, 9),
                  (0, 12, 3), (12, 0, -3), (-2**63, 2**63 - 1, 1), (2**63 - 1, -2**63, -2), (0, -2**63, -2**63)]
    population = list(range(1000))
    return {
        "bits": [rng.getrandbits(k) for k in range(1, 65)],
        "below": [(n, rng._randbelow(n)) for n in
                  [1, 2, 3, 5, 10, 100, 2**16, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 10**18, 2**64 - 1]],
        "random": [rng.random() for _ in range(50)],
        "gauss": [rng.gauss(1.5, 0.3) for _ in range(7)],
        "uniform": [rng.uniform(-3.3, 1e-3) for _ in range(20)],
        "randrange": [(*r, rng.randrange(*r)) for r in all_ranges for _ in range(4)],
        "randint": [(a, b, rng.randint(a, b)) for a, b in
                    [(0, 0), (-5, 5), (1, 6), (-2**61, 2**61), (0, 2**63 - 1), (1 - 2**63, 2**63 - 1)]
                    for _ in range(4)],
        "choice": [rng.choice(population) for _ in range(10)],
        "sample": [(n, k, rng.sample(population[:n], k)) for n, k in
                   [(0, 0), (1, 1), (21, 5), (22, 5), (10, 10), (85, 6), (86, 6), (277, 25), (1000, 10), (1000, 999)]],
        "normalvariate": [rng.normalvariate(-2, 1e3) for _ in range(20)],
        "state": rng.getstate(),
        "gauss_again": [rng.gauss(0, 1) for _ in range(4)],
        "shuffled": rng.sample(population, 0) or shuffled(rng, list(population)),
    }


def shuffled(rng, x):
    rng.shuffle(x)
    return x


def name_of(seed):
    """The seed in words that JSON has."""
    return {"float": seed.hex()} if isinstance(seed, float) else {type(seed).__name__: seed}


if len(sys.argv) > 1:
    with open(sys.argv[1]) as file:
        states = json.load(file)
    generators = [({}, random.Random()) for _ in states]
    for (_, rng), (version, numbers, gauss_next) in zip(generators, states):
        rng.setstate((version, tuple(numbers), gauss_next))
else:
    generators = [(name_of(seed), random.Random(seed)) for seed in SEEDS]
print(json.dumps([seed | {"first_state": rng.getstate()} | draws(rng) for seed, rng in generators]))
