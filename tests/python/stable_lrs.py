"""Prints as JSON random, badly scaled features, and between which numbers their largest stable learning rate lies.

A learning rate is stable if 2 H - lr E[H_B^2] has no negative eigenvalue: decided in rational numbers, which round nothing.
"""

import json
import random
import struct
from fractions import Fraction


def is_positive_semidefinite(matrix):
    """By elimination: no pivot is negative, and where one is zero, so is its row."""
    matrix = [row[:] for row in matrix]
    for i, row in enumerate(matrix):
        if row[i] < 0 or (row[i] == 0 and any(row[i:])):
            return False
        for below in matrix[i + 1:] if row[i] else []:
            factor = below[i] / row[i]
            for j in range(i, len(row)):
                below[j] -= factor * row[j]
    return True


def product(A, B):
    return [[sum(a * b for a, b in zip(row, column)) for column in zip(*B)] for row in A]


def limits(features, k):
    X = [[Fraction(x) for x in row] + [Fraction(1)] for row in features]
    n, size = len(X), len(X[0])
    square = [sum(x * x for x in row) for row in X]
    H = [[sum(row[i] * row[j] for row in X) / n for j in range(size)] for i in range(size)]
    mean_of_squares = [[sum(s * row[i] * row[j] for s, row in zip(square, X)) / n for j in range(size)] for i in range(size)]
    variance = Fraction(n - k, (n - 1) * k) if k < n else 0
    HH = product(H, H)

    def is_stable(lr):
        return is_positive_semidefinite(
            [[2 * H[i][j] - lr * ((1 - variance) * HH[i][j] + variance * mean_of_squares[i][j]) for j in range(size)]
             for i in range(size)])

    low = 2 / max(square)
    high = 2 * size / sum(H[i][i] for i in range(size)) * 2
    assert is_stable(low) and not is_stable(high)
    while high - low > low / 10**10:
        middle = Fraction(float((low + high) / 2))
        if is_stable(middle):
            low = middle
        else:
            high = middle
    return float(low), float(high)


def float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def random_features():
    n, d = random.randint(1, 12), random.randint(1, 4)
    kind = random.choice(["scaled", "shifted", "rows", "collinear"])
    scales = [10 ** random.uniform(-6, 6) for _ in range(d)]
    shifts = [10 ** random.uniform(0, 4) if kind == "shifted" else 0 for _ in range(d)]
    rows = [10 ** random.uniform(-4, 4) if kind == "rows" else 1 for _ in range(n)]
    features = [[float32(row * scale * (random.gauss(0, 1) + shift)) for scale, shift in zip(scales, shifts)] for row in rows]
    if kind == "collinear":
        for row in features:
            row[-1] = row[0] * 4
    return features


random.seed(0)
cases = [
    ([[1e6, 0], [-1e6, 0], [3e6, 1]], 1),
    ([[2104000, 3], [1600000, 3], [2400000, 3], [1416000, 2], [3000000, 4]], 1),
    ([[year] for year in range(1990, 2020)], 1),
]
for _ in range(200):
    features = random_features()
    cases.append((features, random.randint(1, len(features))))
print(json.dumps([{"features": features, "batch_size": k, "limits": limits(features, k)} for features, k in cases]))
