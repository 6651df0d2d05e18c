"""Trains two parameters with each optimizer, for C++ to go on with, or goes on with what C++ trained.

Usage: optimizers.py write FOLDER | go-on FOLDER

Of each optimizer there is NAME.pt: the parameters and the optimizer's state after three steps, the gradients of all
four steps, and the parameters after the fourth. C++ writes NAME_cpp.pt, and this adds NAME_cpp_4.pt.
"""

import sys

import torch

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}),
    "all_of_sgd": (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    "nesterov": (torch.optim.SGD, {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
    "adam": (torch.optim.Adam, {}),
    "all_of_adam": (torch.optim.Adam, {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.1, "amsgrad": True}),
    "adamw": (torch.optim.AdamW, {}),
    "all_of_adamw": (torch.optim.AdamW, {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.5, "amsgrad": True}),
}


def optimizer_of(name, params):
    """Of two groups, with another learning rate each."""
    kind, options = OPTIMIZERS[name]
    return kind([{"params": params[:1]}, {"params": params[1:], "lr": 0.02}], lr=0.1, **options)


def step(optimizer, params, grads):
    for param, grad in zip(params, grads):
        param.grad = grad.clone()
    optimizer.step()


def write(folder):
    torch.manual_seed(0)
    for name in OPTIMIZERS:
        params = [torch.randn(shape, requires_grad=True) for shape in [(3, 40), (7,), ()]]
        first = [param.detach().clone() for param in params]
        grads = [[torch.randn_like(param) for param in params] for _ in range(4)]
        optimizer = optimizer_of(name, params)
        for step_grads in grads[:3]:
            step(optimizer, params, step_grads)
        saved = {"first": first, "grads": grads, "params": [param.detach().clone() for param in params]}
        torch.save(saved | {"optimizer": optimizer.state_dict()}, f"{folder}/{name}.pt")
        step(optimizer, params, grads[3])
        torch.save({"params": [param.detach() for param in params], "optimizer": optimizer.state_dict()},
                   f"{folder}/{name}_4.pt")


def go_on(folder):
    for name in OPTIMIZERS:
        grads = torch.load(f"{folder}/{name}.pt")["grads"]
        saved = torch.load(f"{folder}/{name}_cpp.pt")
        params = [param.detach().clone().requires_grad_() for param in saved["params"]]
        optimizer = optimizer_of(name, params)
        optimizer.load_state_dict(saved["optimizer"])
        step(optimizer, params, grads[3])
        torch.save({"params": [param.detach() for param in params], "optimizer": optimizer.state_dict()},
                   f"{folder}/{name}_cpp_4.pt")


if __name__ == "__main__":
    {"write": write, "go-on": go_on}[sys.argv[1]](sys.argv[2])
