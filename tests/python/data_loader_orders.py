"""Prints as JSON the order in which a shuffled DataLoader visits its examples."""

import json

import torch
from torch.utils.data import DataLoader

cases = []
for seed in [0, 1, 42, 2**40]:
    for n in [1, 2, 10, 97, 1000]:
        torch.manual_seed(seed)
        loader = DataLoader(torch.arange(n), batch_size=7, shuffle=True)
        orders = [torch.cat(list(loader)).tolist() for epoch in range(3)]
        next_number = torch.randint(1 << 30, (1,)).item()
        cases.append({"seed": seed, "n": n, "orders": orders, "next": next_number})
print(json.dumps(cases))
