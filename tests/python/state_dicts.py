"""Writes and reads state_dict files by torch.save and torch.load.

    state_dicts.py write FOLDER      saves many kinds of files, and beside each NAME.pt its description, NAME.txt
    state_dicts.py describe FOLDER   loads each NAME.pt, with weights_only=True, too, and writes its description
    state_dicts.py load FILE         loads FILE into a Net, strictly, and prints the description of its state_dict

A description has one line for each entry, here and in the C++ test:
    name dtype shape strides offset requires_grad conj neg quantizer storage-number storage-bytes-in-hex
"""
import sys
import warnings
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from torch._weights_only_unpickler import _get_allowed_globals

warnings.filterwarnings("ignore")


class Net(nn.Module):
    """Several kinds of layers, some without bias, and a weight with two names."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.body = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 2, bias=False))
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
        self.embedding = nn.Embedding(7, 3)
        self.decoder = nn.Linear(3, 7, bias=False)
        self.decoder.weight = self.embedding.weight


def storage_bytes(tensor):
    # 1.13 has no untyped_storage().
    storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage().untyped()
    data = torch.tensor([], dtype=torch.uint8).set_(storage)
    return storage.data_ptr(), bytes(data.tolist())


def row(numbers):
    return "(" + ",".join(map(str, numbers)) + ")"


def quantizer(tensor):
    if not tensor.is_quantized:
        return "-"
    if tensor.qscheme() == torch.per_tensor_affine:
        return f"{tensor.q_scale().hex()}/{tensor.q_zero_point()}"
    scales, zeros = tensor.q_per_channel_scales(), tensor.q_per_channel_zero_points()
    return "/".join([str(scales.dtype), row(float(s).hex() for s in scales), str(zeros.dtype),
                     row(float(z).hex() for z in zeros), str(tensor.q_per_channel_axis())])


def flatten(value, prefix=""):
    if isinstance(value, torch.Tensor):
        yield prefix, value
        return
    for key, item in value.items():
        yield from flatten(item, f"{prefix}.{key}" if prefix else str(key))


def describe(entries):
    numbers, lines = {}, []
    for name, tensor in flatten(entries):
        address, data = storage_bytes(tensor)
        # Empty storages all have the same address.
        number = numbers.setdefault(address, len(numbers)) if data else "-"
        lines.append(" ".join([
            name or "(alone)", str(tensor.dtype)[len("torch."):], row(tensor.shape), row(tensor.stride()),
            str(tensor.storage_offset()), str(int(tensor.requires_grad)), str(int(tensor.is_conj())),
            str(int(tensor.is_neg())), quantizer(tensor), str(number), data.hex() or "-"]) + "\n")
    return "".join(lines)


def of_bytes(dtype, count):
    """`count` elements of arbitrary bytes, which are valid for any dtype but bool."""
    if dtype == torch.bool:
        return torch.arange(count) % 3 == 0
    width = torch.empty(0, dtype=dtype).element_size()
    data = (torch.arange(count * width) * 37 % 251).to(torch.uint8)
    return torch.empty(0, dtype=dtype).set_(data.storage().untyped() if not hasattr(data, "untyped_storage")
                                            else data.untyped_storage(), 0, (count,), (1,))


def dtypes():
    names = """uint8 int8 int16 int32 int64 float16 float32 float64 complex64 complex128 bool bfloat16""".split()
    if hasattr(torch._utils, "_rebuild_tensor_v3"):
        names += """complex32 uint16 uint32 uint64 float8_e5m2 float8_e4m3fn float8_e5m2fnuz float8_e4m3fnuz
                    float8_e8m0fnu float4_e2m1fn_x2 bits8 bits16 bits1x8 bits2x4 bits4x2""".split()
    return {name: getattr(torch, name) for name in names if hasattr(torch, name)}


def quantized():
    x = torch.arange(-12.0, 12.0).reshape(3, 8)
    scales, zeros = torch.tensor([0.1, 0.25, 0.7], dtype=torch.float64), torch.tensor([0, 3, 1])
    entries = {str(q): torch.quantize_per_tensor(x, 0.1, 2, q) for q in (torch.qint8, torch.quint8, torch.qint32)}
    entries["channel"] = torch.quantize_per_channel(x, scales, zeros, 0, torch.qint8)
    for q in (torch.quint4x2, torch.quint2x4):
        entries[str(q)] = torch.quantize_per_channel(x, scales.float(), zeros.float(), 0, q)
    return entries


def layouts():
    base = torch.arange(24.0).reshape(4, 6)
    return {
        "base": base, "transposed": base.t(), "strided": base[1::2, ::3], "row": base[2], "number": base[3, 5],
        "expanded": base[0, :1].expand(2, 3, 5), "apart": base.clone(), "scalar": torch.tensor(-0.0),
        "empty": torch.empty(0), "empty matrix": torch.empty(0, 3), "middle": torch.empty(2, 0, 3),
        "empty view": base[2:2], "nan": torch.tensor([float("nan"), float("inf"), 1e-45]),
        "channels last": torch.arange(48.0).reshape(1, 3, 4, 4).contiguous(memory_format=torch.channels_last),
        "permuted": torch.arange(24).reshape(2, 3, 4).permute(2, 0, 1)}


def save_big_endian(entries, path):
    """Saves contiguous entries without shared storages as torch.save on a big-endian machine does."""
    torch.save(entries, path)
    reader = torch._C.PyTorchFileReader(str(path))
    pickled = reader.get_record("data.pkl")
    del reader
    writer = torch._C.PyTorchFileWriter(str(path))
    writer.write_record("data.pkl", pickled, len(pickled))
    writer.write_record("byteorder", b"big", 3)
    for key, tensor in enumerate(entries.values()):
        width = tensor.element_size() // (2 if tensor.is_complex() else 1)
        data = storage_bytes(tensor)[1]
        data = b"".join(data[i:i + width][::-1] for i in range(0, len(data), width))
        writer.write_record(f"data/{key}", data, len(data))
    writer.write_end_of_file()


def write(folder):
    torch.manual_seed(0)
    net = Net()
    parameters = OrderedDict(net.named_parameters())
    parameters["frozen"] = nn.Parameter(torch.ones(2), requires_grad=False)
    parameters["leaf"] = torch.ones(2, requires_grad=True)
    files = {
        "dtypes": {name: of_bytes(dtype, 6) for name, dtype in dtypes().items()},
        "layouts": layouts(), "parameters": parameters, "quantized": quantized(),
        "one_entry": nn.Linear(3, 2, bias=False).state_dict(), "no_entry": {},
        "tensor": torch.arange(3), "scalar": torch.tensor(2.5), "parameter": nn.Parameter(torch.ones(2, 2)),
        "nested": {"net": net.body.state_dict(), "deep": {"er": {"still": torch.ones(1)}}, "empty": {}},
        "integer_keys": {0: torch.zeros(1), -7: torch.ones(1), 2**40: torch.ones(2)},
        "names": {"ünï.cödé 权重": torch.ones(1), "": torch.zeros(1), "a b": torch.zeros(2)},
        "same_object": dict.fromkeys(["a", "b"], torch.arange(4.0)),
        "many": {f"layer.{i}.weight": torch.full((1,), float(i)) for i in range(3000)},
        "transformer": nn.Transformer(8, 2, 1, 1, 16).state_dict(),
    }
    if hasattr(torch._utils, "get_tensor_metadata"):
        z = torch.tensor([1 + 2j, 3 - 4j])
        files["bits"] = {"plain": z, "conj": z.conj(), "neg": torch._neg_view(torch.ones(2)), "imag": z.clone().conj().imag}
    for name, entries in files.items():
        torch.save(entries, folder / f"{name}.pt")
    for protocol in (2, 3, 4, 5):
        files[f"net_{protocol}"] = net.state_dict()
        torch.save(net.state_dict(), folder / f"net_{protocol}.pt", pickle_protocol=protocol)
    # Python does not swap the bytes of untyped storages: for the newest dtypes, it is no reference.
    files["big_endian"] = {name: of_bytes(dtype, 6) for name, dtype in dtypes().items()
                           if dtype in torch.storage._dtype_to_storage_type_map()}
    save_big_endian(files["big_endian"], folder / "big_endian.pt")
    for name, entries in files.items():
        (folder / f"{name}.txt").write_text(describe(entries), encoding="utf-8")


def load_and_agree(path):
    entries = torch.load(path)
    assert type(entries) is OrderedDict, type(entries)
    quantized = any(tensor.is_quantized for tensor in entries.values())
    # 1.13's weights_only=True refuses quantized tensors, those of torch.save as well.
    if not quantized or "torch._utils._rebuild_qtensor" in _get_allowed_globals():
        assert describe(torch.load(path, weights_only=True)) == describe(entries)
    return entries


command, path = sys.argv[1], Path(sys.argv[2])
sys.stdout.reconfigure(encoding="utf-8")
if command == "write":
    write(path)
elif command == "describe":
    for file in path.glob("*.pt"):
        file.with_suffix(".txt").write_text(describe(load_and_agree(file)), encoding="utf-8")
elif command == "load":
    net = Net()
    net.load_state_dict(load_and_agree(path), strict=True)
    print(describe(net.state_dict()), end="")
else:
    sys.exit(f"unknown command {command}")
