"""Prints as JSON random programs over DataLoaders, and what each of their steps gives.

Nested loops, zip, break and a new start are all made of iter() and next().
"""

import json
import random

import torch
from torch.utils.data import DataLoader, TensorDataset, random_split
from torch.utils.data.distributed import DistributedSampler

LENGTHS = [[0.5, 0.5], [0.7, 0.3], [0.34, 0.33, 0.33], [1], [0.125] * 8]


def new_loader(generators):
    """A DataLoader, and its arguments."""
    n = random.choice([1, 2, 5, 8, 23, 97])
    arguments = {"batch_size": random.choice([1, 2, 3, 4, 8, 100]), "drop_last": random.random() < 0.3}
    description = {"n": n, **arguments, "shuffle": False, "sampler": None, "generator": None}
    if random.random() < 0.2:
        description["sampler"] = random.choices(range(n), k=random.randint(1, 2 * n))
        arguments["sampler"] = description["sampler"]
    else:
        description["shuffle"] = arguments["shuffle"] = random.random() < 0.8
    if random.random() < 0.4:
        description["generator"] = random.randrange(len(generators))
        arguments["generator"] = generators[description["generator"]]
    rows = torch.arange(n)
    dataset = TensorDataset(rows.float().reshape(n, 1), rows, rows.byte().reshape(n, 1, 1).expand(n, 2, 3))
    return DataLoader(dataset, **arguments), description


def run_program(number):
    random.seed(number)
    torch.manual_seed(number)
    generators = [torch.Generator().manual_seed(number + 1), torch.Generator().manual_seed(2**40)]
    loaders, descriptions = zip(*(new_loader(generators) for _ in range(random.randint(1, 3))))
    iterators, steps = [], []
    for _ in range(random.randint(5, 60)):
        do = random.choices(["iter", "next", "draw", "split", "distributed"], [3, 12, 2, 1, 1])[0]
        if do == "iter":
            loader = random.randrange(len(loaders))
            iterators.append(iter(loaders[loader]))
            steps.append({"do": do, "loader": loader, "len": len(loaders[loader])})
        elif do == "next" and iterators:
            iterator = random.randrange(len(iterators))
            try:
                X, y, z = next(iterators[iterator])
                rows, shapes = y.tolist(), [list(X.shape), list(y.shape), list(z.shape)]
                assert X.flatten().tolist() == rows
            except StopIteration:
                rows = shapes = None
            steps.append({"do": do, "iterator": iterator, "rows": rows, "shapes": shapes})
        elif do == "draw":
            steps.append({"do": do, "value": torch.randint(1 << 30, (1,)).item()})
        elif do == "split":
            n = random.randint(1, 40)
            cut = random.randint(0, n)
            # Python warns of an empty part, and goes on.
            lengths = random.choice([*LENGTHS, [cut, n - cut]])
            generator = random.choice([None, 0, 1])
            parts = random_split(range(n), lengths, *([] if generator is None else [generators[generator]]))
            steps.append({"do": do, "n": n, "lengths": lengths, "generator": generator,
                          "parts": [part.indices for part in parts]})
        elif do == "distributed":
            n, num_replicas = random.randint(1, 20), random.randint(1, 30)
            arguments = {"num_replicas": num_replicas, "rank": random.randrange(num_replicas), "seed": random.randint(0, 9),
                         "shuffle": random.random() < 0.5, "drop_last": random.random() < 0.5}
            sampler = DistributedSampler(range(n), **arguments)
            epoch = random.randint(0, 5)
            sampler.set_epoch(epoch)
            steps.append({"do": do, "n": n, **arguments, "epoch": epoch, "indices": list(sampler)})
    left = [torch.randint(1 << 30, (1,), generator=generator).item() for generator in [torch.default_generator, *generators]]
    return {"seed": number, "loaders": descriptions, "steps": steps, "left": left}


print(json.dumps([run_program(number) for number in range(1000)]))
