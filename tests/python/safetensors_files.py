"""Writes the same tensors to FOLDER as package.safetensors, by the package, and as torch.pt.

Usage: safetensors_files.py FOLDER
Prints "no safetensors" and writes nothing where Python has no such package.
"""

import sys

import torch

try:
    from safetensors.torch import save_file
except ImportError:
    print("no safetensors")
    sys.exit()

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
          "uint16", "uint32", "uint64", "float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu", "float8_e5m2fnuz",
          "float8_e4m3fnuz"]
tensors = {"\u00fc \"quoted\"": torch.arange(3.0), "none": torch.empty(2, 0, 3), "number": torch.tensor(7)}
for name in DTYPES:
    if hasattr(torch, name):
        dtype = getattr(torch, name)
        tensor = torch.tensor([[0, 1, 2], [3, 4, 1]]).to(torch.float32).to(dtype)
        try:
            save_file({name: tensor}, f"{sys.argv[1]}/package.safetensors")
            tensors |= {f"{name}.weight": tensor, f"{name}.bias": tensor[0].clone()}
        except (KeyError, ValueError):  # unknown to this version
            pass
save_file(tensors, f"{sys.argv[1]}/package.safetensors")
save_file(tensors, f"{sys.argv[1]}/metadata.safetensors", {"format": "pt"})
torch.save(tensors, f"{sys.argv[1]}/torch.pt")
