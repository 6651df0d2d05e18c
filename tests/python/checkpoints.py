"""Writes checkpoints of random values to FOLDER, or reads FILES; prints each value in words that C++ can say, too.

Usage: checkpoints.py write FOLDER SEED COUNT | read FILES...
"""

import collections
import json
import random
import sys

import torch


# 1.13's weights-only unpickler refuses every float, also those of torch.save.
SAFELY = {"weights_only": True} if int(torch.__version__.split(".")[0]) >= 2 else {}


def describe(value):
    if isinstance(value, torch.Tensor):
        numbers = ",".join(float(x).hex() for x in value.to(torch.float64).reshape(-1).tolist())
        return f"{value.dtype}{list(value.shape)}({numbers})".replace(" ", "")
    if isinstance(value, str):
        return "str " + value.encode().hex()
    if isinstance(value, float):
        return "float " + value.hex()
    if isinstance(value, dict):
        return "{" + "".join(f"{describe(key)}:{describe(item)};" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return type(value).__name__.replace("Size", "tuple") + "(" + "".join(describe(x) + ";" for x in value) + ")"
    return f"{type(value).__name__} {value}"


def random_text(rng):
    return rng.choice(["", "model", "ü学", "a\n\x1b", "0", "x" * 300])


def random_value(rng, depth=0):
    kind = rng.randrange(6 if depth == 4 else 11)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.choice([0, 1, -1, 255, 256, 65536, 2**31, -2**31 - 1, 2**63 - 1, -2**63, rng.getrandbits(40)])
    if kind == 2:
        return rng.choice([0.0, -0.0, 0.1, float("inf"), float("-inf"), float("nan"), 5e-324, rng.gauss(0, 1)])
    if kind == 3:
        return random_text(rng)
    if kind in (4, 5):
        dtype = rng.choice([torch.float32, torch.float64, torch.int64, torch.bool, torch.bfloat16, torch.uint8])
        return torch.tensor([rng.randrange(2) for _ in range(6)]).to(dtype).reshape(rng.choice([(6,), (2, 3), (1, 6, 1)]))
    if kind == 6:
        return torch.Size([rng.randrange(4) for _ in range(rng.randrange(3))])
    items = [random_value(rng, depth + 1) for _ in range(rng.randrange(5))]
    if kind == 7:
        return items + items[:1]  # the same object twice
    if kind == 8:
        return tuple(items)
    keys = [rng.choice([random_text(rng), rng.getrandbits(4)]) for _ in items]
    return (dict if kind == 9 else collections.OrderedDict)(zip(keys, items))


def main():
    if sys.argv[1] == "read":
        print(json.dumps([describe(torch.load(path, **SAFELY)) for path in sys.argv[2:]]))
        return
    folder, seed, count = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    rng = random.Random(seed)
    values = [random_value(rng) for _ in range(count)]
    for i, value in enumerate(values):
        torch.save(value, f"{folder}/{i}.pt")
    print(json.dumps([describe(value) for value in values]))


if __name__ == "__main__":
    main()
