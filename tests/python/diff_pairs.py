"""Writes pairs of files of tensors to FOLDER and prints, as JSON, what differs in each.

Usage: diff_pairs.py FOLDER SEED COUNT

Distances are counted here by the numbers themselves: of a narrow float by its place among all numbers of its dtype, of
a float32 or float64 by its bits. Every second pair is compared within a tolerance. Where Python has safetensors, some
files are of that format.
"""

import functools
import json
import math
import random
import struct
import sys

import torch

try:
    from safetensors.torch import save_file
except ImportError:
    save_file = None

FLOATS = ["float16", "bfloat16", "float32", "float64", "float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz",
          "float8_e4m3fnuz", "float8_e8m0fnu"]
INTEGERS = ["int8", "uint8", "int16", "int32", "int64", "bool", "uint16", "uint32", "uint64"]
COMPLEX = ["complex64", "complex128"]
DTYPES = [name for name in FLOATS + INTEGERS + COMPLEX if hasattr(torch, name)]
SAVES_CONJ = int(torch.__version__.split(".")[0]) >= 2  # 1.13's torch.save forgets that bit
SIGNED = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def width(dtype):
    return torch.empty(0, dtype=dtype).element_size()


@functools.cache
def places(dtype):
    """The place of each number of a narrow float dtype among all, by value."""
    bits = torch.arange(1 << 8 * width(dtype)).to(torch.int32).to(SIGNED[width(dtype)])
    numbers = sorted({x for x in bits.view(dtype).to(torch.float64).tolist() if not math.isnan(x)})
    return {x: i for i, x in enumerate(numbers)}


def float_place(dtype, x):
    if width(dtype) <= 2:
        return places(dtype)[x]
    (bits,) = struct.unpack("<i" if dtype == torch.float32 else "<q", struct.pack(
        "<f" if dtype == torch.float32 else "<d", x))
    return bits if bits >= 0 else -(bits + (1 << 8 * width(dtype) - 1))


def distance(dtype, left, right):
    """A number of units, or NaN; left and right are Python's numbers."""
    if isinstance(left, complex):
        part = torch.float32 if dtype == torch.complex64 else torch.float64
        parts = distance(part, left.real, right.real), distance(part, left.imag, right.imag)
        return math.nan if any(map(math.isnan, parts)) else max(parts)
    if not isinstance(left, float):
        return abs(int(left) - int(right))
    if math.isnan(left) or math.isnan(right):
        return 0 if math.isnan(left) and math.isnan(right) else math.nan
    return abs(float_place(dtype, left) - float_place(dtype, right))


def numbers(tensor):
    """The elements as Python's numbers."""
    if tensor.dtype.is_complex:
        return tensor.reshape(-1).tolist()
    if tensor.dtype.is_floating_point:
        return tensor.to(torch.float64).reshape(-1).tolist()
    return tensor.reshape(-1).tolist()


def random_bits(rng, dtype, shape):
    count = math.prod(shape)
    if dtype == torch.bool:
        return torch.tensor([rng.random() < 0.5 for _ in range(count)], dtype=dtype).reshape(shape)
    if count == 0:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(rng.randbytes(width(dtype) * count)), dtype=dtype).clone().reshape(shape)


def random_tensor(rng, dtype, shape):
    if rng.random() < 0.5 or not (dtype.is_floating_point or dtype.is_complex):
        return random_bits(rng, dtype, shape)
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.5, 5e-324, 1e-40, 3e38]
    values = torch.tensor([rng.choice(special) if rng.random() < 0.3 else rng.gauss(0, 1)
                           for _ in range(math.prod(shape))], dtype=torch.float64).reshape(shape)
    return values.to(torch.float32).to(dtype)


def changed(rng, tensor):
    """A copy with some bits of some elements changed: of a float its last ones, mostly."""
    copy = tensor.clone()
    if copy.numel() == 0:
        return copy
    if copy.dtype == torch.bool:
        flat = copy.reshape(-1)
        flat[rng.randrange(flat.numel())] ^= True
        return flat.reshape(tensor.shape)
    data = copy.reshape(-1).view(torch.uint8)
    for _ in range(rng.randint(1, 4)):
        data[rng.randrange(data.numel())] ^= rng.choice([1, 2, 128, rng.randrange(256)])
    return data.view(copy.dtype).reshape(tensor.shape)


def strided(rng, tensor):
    """The same elements, laid out otherwise."""
    kind = rng.randrange(3)
    if kind == 0 and tensor.dim() == 2:
        return tensor.t().contiguous().t()
    if kind == 1 and tensor.dim() and width(tensor.dtype) > 1:
        return torch.cat([tensor, tensor]).narrow(0, tensor.shape[0], tensor.shape[0])
    if kind == 2 and tensor.is_complex() and SAVES_CONJ:
        return tensor.conj().resolve_conj().conj()
    return tensor


def element_text(dtype, x):
    """The number in Python's words; of a float narrower than float64, in as few digits as a float32 needs."""
    if isinstance(x, complex):
        part = torch.float32 if dtype == torch.complex64 else torch.float64
        sign = "" if math.copysign(1, x.imag) < 0 and not math.isnan(x.imag) else "+"
        return f"{element_text(part, x.real)}{sign}{element_text(part, x.imag)}j"
    if not isinstance(x, float) or dtype == torch.float64 or not math.isfinite(x):
        return str(x)
    for digits in range(20):
        shorter = float(f"{x:.{digits}e}")
        if torch.tensor(shorter, dtype=torch.float32).item() == x:
            return str(shorter)


def zeros_of_two_signs(x, y):
    if isinstance(x, complex):
        return zeros_of_two_signs(x.real, y.real) + zeros_of_two_signs(x.imag, y.imag)
    return int(isinstance(x, float) and x == y == 0 and math.copysign(1, x) != math.copysign(1, y))


def are_close(left, right, rtol, atol):
    if left.dtype not in (torch.float64, torch.complex64, torch.complex128, torch.int64, torch.int32):
        left, right = left.to(torch.float32), right.to(torch.float32)
    return torch.isclose(left, right, rtol, atol, equal_nan=True).reshape(-1).tolist()


def describe(tensor):
    return {"dtype": str(tensor.dtype), "shape": list(tensor.shape)}


def expected(name, left, right, tolerance):
    entry = {"name": name, "left": describe(left), "right": describe(right)}
    if entry["left"] != entry["right"]:
        return entry | {"equal": False}
    lefts, rights = numbers(left), numbers(right)
    distances = [distance(left.dtype, x, y) for x, y in zip(lefts, rights)]
    greatest = max((math.inf if math.isnan(d) else d for d in distances), default=0)
    close = [d <= tolerance["ulp"] for d in distances]
    if tolerance["rtol"] or tolerance["atol"]:
        close = map(max, close, are_close(left, right, tolerance["rtol"], tolerance["atol"]))
    differing = left.numel() - sum(close)
    entry |= {"equal": differing == 0, "elements": left.numel(), "differing": differing,
              "zeros_of_two_signs": sum(map(zeros_of_two_signs, lefts, rights)),
              "distance": "NaN" if greatest == math.inf else greatest}
    if greatest:
        first = [math.inf if math.isnan(d) else d for d in distances].index(greatest)
        entry["greatest"] = {"index": unravel(first, left.shape), "left": element_text(left.dtype, lefts[first]),
                             "right": element_text(left.dtype, rights[first])}
    return entry


def unravel(i, shape):
    index = []
    for size in reversed(shape):
        index.append(i % size)
        i //= size
    return index[::-1]


def pair(rng, tolerance):
    left, right, shared, only_left, only_right = {}, {}, [], [], []
    for i in range(rng.randint(0, 5)):
        name = rng.choice(["w", "layers.0", "b\n", "ü"]) + str(i)
        dtype = getattr(torch, rng.choice(DTYPES))
        shape = rng.choice([(), (1,), (3,), (2, 3), (0, 4), (2, 1, 3)])
        tensor = random_tensor(rng, dtype, shape)
        other = rng.choice([lambda: tensor, lambda: changed(rng, tensor), lambda: changed(rng, tensor),
                            lambda: random_tensor(rng, dtype, shape), lambda: torch.zeros(shape, dtype=torch.int32),
                            lambda: random_tensor(rng, dtype, shape + (1,))])()
        where = rng.random()
        if where < 0.1:
            only_left.append({"name": name} | describe(tensor))
        elif where < 0.2:
            only_right.append({"name": name} | describe(other))
        else:
            shared.append(expected(name, tensor, other, tolerance))
        if where < 0.1 or where >= 0.2:
            left[name] = strided(rng, tensor)
        if where >= 0.1:
            right[name] = strided(rng, other)
    return left, right, {"tensors": shared, "only_left": only_left, "only_right": only_right}


def random_tolerance(rng):
    return {"ulp": rng.choice([0, 1, 2, 100, 2**62]), "rtol": rng.choice([0, 0, 1e-6, 0.5]),
            "atol": rng.choice([0, 0, 1e-3, 2.0])}


def write(tensors, path, as_safetensors):
    """Returns the path, which ends as its format's files do."""
    if as_safetensors and save_file:
        try:
            plain = {name: tensor.resolve_conj().contiguous().clone() for name, tensor in tensors.items()}
            save_file(plain, path + ".safetensors")
            return path + ".safetensors"
        except (KeyError, ValueError):  # a dtype that it does not have
            pass
    torch.save(tensors, path + ".pt")
    return path + ".pt"


def main():
    folder, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    results = []
    for i in range(count):
        tolerance = random_tolerance(rng) if i % 2 else {"ulp": 0, "rtol": 0, "atol": 0}
        left, right, result = pair(rng, tolerance)
        result["tolerance"] = tolerance
        result["files"] = [write(left, f"{folder}/{i}_left", i % 3 == 1), write(right, f"{folder}/{i}_right", i % 3 >= 1)]
        results.append(result)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
