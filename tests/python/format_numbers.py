"""format_numbers.py SEED COUNT: prints as JSON random tensors of no dimensions, and what format() gives for random specs.

A case is [dtype, its bytes, spec, text], the dtype its number in c10::ScalarType, the text null where Python raises.
"""
import json
import random
import sys

import torch

from format_tensors import NUMBERS, elements


def random_spec(rng):
    """Mostly one that Python takes for some number; never empty, since str() is what {} stands for in C++."""
    spec = ""
    if rng.random() < 0.3:
        spec += rng.choice(["", "", "*", "0", "é", " ", "<"]) + rng.choice("<>=^")
    for part, probability in [("+", 0.1), ("-", 0.05), (" ", 0.05), ("z", 0.1), ("#", 0.15), ("0", 0.15)]:
        spec += part if rng.random() < probability else ""
    spec += str(rng.choice([1, 3, 8, 10, 15, 40])) if rng.random() < 0.5 else ""
    spec += rng.choice(",_") if rng.random() < 0.15 else ""
    spec += "." + str(rng.choice([0, 1, 2, 3, 4, 6, 10, 17, 60, 770, 1074])) if rng.random() < 0.5 else ""
    spec += rng.choice("feg") if rng.random() < 0.5 else rng.choice(["", *"bdoxXeEfFgGn%"])
    return spec or "f"


def case(rng):
    dtypes = [dtype for dtype in NUMBERS if "float4" not in str(dtype)]
    dtype = rng.choice([torch.float32, torch.float64, torch.int64, rng.choice(dtypes), rng.choice(dtypes)])
    data = elements(rng, dtype, 1, 4)
    tensor = torch.frombuffer(bytearray(data), dtype=torch.uint8).view(dtype).squeeze()
    spec = random_spec(rng)
    try:
        text = format(tensor, spec)
    except (ValueError, TypeError):
        text = None
    return [NUMBERS[dtype], list(data), spec, text]


rng = random.Random(int(sys.argv[1]))
print(json.dumps([case(rng) for _ in range(int(sys.argv[2]))]))
