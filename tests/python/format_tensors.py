"""Random tensors and their str().

    format_tensors.py SEED COUNT FILE     writes COUNT cases to FILE and prints PyTorch's version

A case is a line of text, a tensor's bytes, and the expected text:
    dtype shape strides offset how default-dtype precision threshold edgeitems linewidth sci_mode #bytes #text
A dtype is its number in c10::ScalarType, a shape or strides "2x3x" ("x" for none), sci_mode True, False or None; #text
is -1 if str() raises. The tensor is HOW[how](bytes.view(dtype).as_strided(shape, strides, offset)).
"""
import ctypes
import math
import random
import sys

import torch

DTYPES = {"uint8": 0, "int8": 1, "int16": 2, "int32": 3, "int64": 4, "float16": 5, "float32": 6, "float64": 7,
          "complex32": 8, "complex64": 9, "complex128": 10, "bool": 11, "bfloat16": 15, "float8_e5m2": 23,
          "float8_e4m3fn": 24, "float8_e5m2fnuz": 25, "float8_e4m3fnuz": 26, "uint16": 27, "uint32": 28, "uint64": 29,
          "float8_e8m0fnu": 44, "float4_e2m1fn_x2": 45}
NUMBERS = {getattr(torch, name): number for name, number in DTYPES.items() if hasattr(torch, name)}
COMMON = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.complex64, torch.complex128]
PARTS = {torch.complex32: torch.float16, torch.complex64: torch.float32, torch.complex128: torch.float64}
DIFFERENTIABLE = set(COMMON)


def changed_in_place(t):
    result = t.requires_grad_().clone()
    result.view_as(result).neg_()
    return result


# What happens to a tensor before it is printed, here and in the C++ test.
ANY = {"plain": lambda t: t, "list": lambda t: [t, t[None]]}
COMPLEX = {"conj": lambda t: t.conj(), "imag": lambda t: t.imag, "imag_of_conj": lambda t: t.conj().imag}
DIFFERENTIABLY = {"leaf": lambda t: t.requires_grad_(), "clone": lambda t: t.requires_grad_().clone(),
                  "unsqueeze": lambda t: t.requires_grad_().unsqueeze(0), "changed_in_place": changed_in_place}
HOW = {**ANY, **COMPLEX, **DIFFERENTIABLY}


def floats(rng, count, precision):
    """`count` numbers of one kind, some of them special."""
    kind = rng.randrange(12)
    scale = 10.0 ** rng.randint(-9, 12)
    unit = 10.0 ** -precision if precision < 20 else 1e-4
    draw = [
        lambda: rng.gauss(0, 1),
        lambda: rng.gauss(0, 1) * scale,
        lambda: rng.uniform(1, 10) * 10.0 ** rng.randint(-1, 2),
        lambda: rng.uniform(-1, 1) * 10.0 ** rng.randint(-320, 308),
        lambda: float(rng.randint(-20, 20)),
        lambda: float(rng.randint(-10 ** 9, 10 ** 9)),
        lambda: float(rng.choice([1, 2, 999, 1000, 1001, -1000, 99999999, 100000000, 100000001])),
        lambda: (rng.randint(-3000, 3000) + 0.5) * unit,
        lambda: rng.randint(-4000, 4000) * 2.0 ** -rng.randint(0, 12),
        lambda: rng.choice([1e-4, 0.99999e-4, 1.0001e-4, 0.1, 0.1001, 0.0999, 100.0, 1e8, 1.0001e8, 99999999.5]),
        lambda: rng.choice([5e-324, 2.2e-308, 1.4e-45, 1.2e-38, 6e-8, 65504.0, 3.4e38, 1.7e308, 9.9996, 9.99995, 0.5]),
        lambda: 0.0,
    ][kind]
    special = rng.choice([0, 0, 0, 0.1, 0.5, 1])
    specials = rng.choice([[0.0, -0.0], [math.nan], [math.inf, -math.inf], [0.0, -0.0, math.nan, -math.nan, math.inf,
                                                                           -math.inf]])
    return [rng.choice(specials) if rng.random() < special else draw() for _ in range(count)]


def integers(rng, count, bits, signed):
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    size = rng.randint(0, bits)
    values = []
    for _ in range(count):
        value = rng.getrandbits(size) if size else 0
        value = -value if signed and rng.random() < 0.3 else value
        value = rng.choice([low, high]) if rng.random() < 0.02 else value
        values.append(max(low, min(high, value)))
    return values


def elements(rng, dtype, count, precision):
    """The bytes of `count` elements."""
    size = torch.empty(0, dtype=dtype).element_size()
    if dtype == torch.bool:
        return bytes(rng.choice([(0,), (1,), (0, 1)][rng.randrange(3)]) for _ in range(count))
    if not (dtype.is_floating_point or dtype.is_complex):
        signed = not str(dtype).startswith("torch.uint")
        return b"".join(v.to_bytes(size, "little", signed=signed)
                        for v in integers(rng, count, 8 * size, signed))
    if size == 1 or rng.random() < 0.1:
        return rng.randbytes(size * count)
    if dtype.is_complex:
        parts = [floats(rng, count, precision), floats(rng, count, precision)]
        numbers = [x for pair in zip(*parts) for x in pair]
    else:
        numbers = floats(rng, count, precision)
    values = torch.tensor(numbers, dtype=torch.float64).to(PARTS.get(dtype, dtype))
    return ctypes.string_at(values.data_ptr(), size * count)


def shape(rng):
    kind = rng.random()
    if kind < 0.015:
        return rng.choice([(1001,), (1000,), (999,), (1007,), (7, 200), (2, 600), (1, 1, 1001), (33, 7, 8), (1001, 1),
                           (1, 1001), (143, 7), (6, 167), (2, 2, 2, 2, 70), (3, 1, 400), (11, 11, 11), (5, 7, 5, 7)])
    dims = rng.choice([0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5])
    limit = [0, rng.choice([3, 10, 40, 120]), 14, 8, 5, 4][dims]
    return tuple(rng.randint(0 if rng.random() < 0.1 else 1, limit) for _ in range(dims))


def view(rng, storage, size):
    """A view of `storage` with that shape and random strides."""
    t = storage[:math.prod(size)].reshape(size) if rng.random() < 0.5 else None
    if t is None:  # transposed, with steps and an offset
        order = list(range(len(size)))
        rng.shuffle(order)
        steps = [rng.choice([1, 1, 2, 3]) for _ in size]
        expanded = [rng.random() < 0.15 for _ in size]
        strides, stride = [0] * len(size), 1
        for d in order:
            if not expanded[d]:
                strides[d] = stride * steps[d]
                stride *= steps[d] * max(size[d], 1)
        reach = sum((n - 1) * s for n, s in zip(size, strides)) if math.prod(size) else 0
        if reach < len(storage):
            return storage.as_strided(size, strides, rng.randint(0, len(storage) - 1 - reach))
        t = storage[:math.prod(size)].reshape(size)
    return t


def case(rng):
    dtype = rng.choice(COMMON if rng.random() < 0.5 else list(NUMBERS))
    options = dict(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)
    if rng.random() < 0.6:
        options["precision"] = rng.choice([4, 4, 0, 1, 2, 3, 6, 8, 12, 16, 30, 770, 1074])
        options["threshold"] = rng.choice([1000, 1000, 0, 1, 5, 10.5, 50, math.inf, -1])
        options["edgeitems"] = rng.choice([3, 3, 1, 2, 4, 7, 0])
        options["linewidth"] = rng.choice([80, 80, 10, 20, 40, 79, 120, 200, 0, -5])
        options["sci_mode"] = rng.choice([None, None, True, False])
    size = shape(rng)
    if size == () and "float4" in str(dtype):  # Python's str() raises, ours prints it
        size = (1,)
    count = math.prod(size) * (rng.choice([1, 2, 4]) if math.prod(size) < 500 else 1) + rng.randint(1, 5)
    data = bytearray(elements(rng, dtype, count, options["precision"]))
    t = view(rng, torch.frombuffer(data, dtype=torch.uint8).view(dtype), size)

    ways = dict(ANY)
    if dtype.is_complex:
        ways.update(COMPLEX)
    if dtype in DIFFERENTIABLE:
        ways.update(DIFFERENTIABLY)
    how = rng.choice(list(ways)) if rng.random() < 0.5 else "plain"
    default = rng.choice([torch.float64, torch.float16, torch.bfloat16]) if rng.random() < 0.1 else torch.float32
    header = [NUMBERS[dtype], *("x".join(map(str, [*numbers, ""])) or "x" for numbers in (size, t.stride())),
              t.storage_offset(), how, NUMBERS[default], *options.values(), len(data)]

    torch.set_printoptions(**options)
    torch.set_default_dtype(default)
    try:
        text = str(HOW[how](t)).encode()
    except RuntimeError:
        if options["edgeitems"] != 0:
            raise
        text = None
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_printoptions(profile="default")
    header.append(-1 if text is None else len(text))
    return " ".join(map(str, header)).encode() + b"\n" + data + (text or b"")


def main(seed, count, path):
    rng = random.Random(seed)
    with open(path, "wb") as file:
        for _ in range(count):
            file.write(case(rng))
    print(torch.__version__)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
