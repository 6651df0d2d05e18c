"""Prints as JSON what torch.linalg.lstsq returns for seeded data, which the C++ test generates, too."""

import json

import torch

cases = []
for n, d, collinear in [(1000, 2, False), (7, 1, False), (97, 5, False), (300000, 4, False), (1000, 40, False),
                        (50, 3, True), (400000, 3, True), (2, 3, False), (1, 1, False), (30, 200, False)]:
    torch.manual_seed(n + d)
    X = torch.normal(0, 1, (n, d))
    if collinear:
        X[:, d - 1] = 2 * X[:, 0]
    y = torch.normal(0, 3, (n, 1))
    A = torch.cat([X, torch.ones(n, 1)], 1).double()
    # PyTorch gives its default driver, gelsy, uninitialized memory: it is right only for full rank.
    answer = torch.linalg.lstsq(A, y.double(), driver="gelsd" if collinear or n <= d else None)
    cases.append({"n": n, "d": d, "collinear": collinear, "w": answer.solution[:d, 0].tolist(),
                  "b": answer.solution[d].item(), "rank": answer.rank.item(),
                  "mean_squared_error": (A @ answer.solution - y.double()).square().mean().item()})
print(json.dumps(cases))
