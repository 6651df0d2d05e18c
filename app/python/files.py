"""The files of weights, and of a training between two epochs: what --checkpoint writes and --resume goes on with."""

import os
import random
import sys

import torch

from settings import settings_of


def load_state(path):
    """A state_dict of torch.save or safetensors."""
    if path.endswith(".safetensors"):
        from safetensors.torch import load_file
        return load_file(path)
    return torch.load(path)


def save_state(state, path):
    if path.endswith(".safetensors"):
        from safetensors.torch import save_file
        save_file(state, path)
    else:
        torch.save(state, path)


def kept_settings(args):
    """The settings that the weights depend on, with fewer or more epochs."""
    settings = settings_of(args)
    del settings["epochs"]
    return settings | {"seed": str(args.seed)}  # one of 64 bits is no integer of every reader


def write_checkpoint(path, demo, args, epoch_loss, model, **more):
    """Writes the file whole or not at all."""
    checkpoint = {"demo": demo, "epoch": len(epoch_loss), "model_state_dict": model, "losses": epoch_loss,
                  "torch_rng_state": torch.get_rng_state(), "python_rng_state": random.getstate(),
                  "settings": kept_settings(args)}
    torch.save(checkpoint | more, path + ".new")
    os.replace(path + ".new", path)


def read_checkpoint(path, demo, args):
    """Sets the generators as they were, and returns the checkpoint."""
    checkpoint = torch.load(path)
    if checkpoint["demo"] != demo:
        refuse(path, f"it is a training of {checkpoint['demo']}.py")
    for name, value in kept_settings(args).items():
        then = checkpoint["settings"][name]
        if then != value:
            refuse(path, f"it was trained with --{name.replace('_', '-')} {then}, not {value}")
    if checkpoint["epoch"] > args.epochs:
        refuse(path, f"it is at epoch {checkpoint['epoch']}, after --epochs {args.epochs}")
    torch.set_rng_state(checkpoint["torch_rng_state"])
    if checkpoint["python_rng_state"]:  # C++ has none for the concise program, which draws none of it
        random.setstate(checkpoint["python_rng_state"])
    return checkpoint


def refuse(path, why):
    sys.exit(f"--resume is '{path}', but {why}")
