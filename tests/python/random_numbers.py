"""Prints as JSON the numbers of random.Random for many seeds."""

import json
import random

cases = []
for seed in [0, 1, -1, 42, -42, 2**31, 2**32 - 1, 2**32, 2**32 + 1, -2**32, 2**63 - 1, -2**63,
             2**64 - 1]:
    rng = random.Random(seed)
    bits = [rng.getrandbits(k) for k in range(1, 65)]
    below = [(n, rng._randbelow(n)) for n in
             [1, 2, 3, 5, 10, 100, 2**16, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, 10**18, 2**64 - 1]]
    x = list(range(1000))
    rng.shuffle(x)
    cases.append({"seed": seed, "bits": bits, "below": below, "shuffled": x})
print(json.dumps(cases))
