"""Prints as JSON str(module) of each module that pytorch_module_test.cpp makes, by its number there."""
import json

from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(4, 8), nn.ReLU())
        self.output = nn.Linear(8, 1, bias=False)


modules = [
    nn.Sequential(nn.Linear(2, 1)), nn.Linear(2, 1, bias=False), nn.Sequential(), nn.ReLU(), nn.Sigmoid(), nn.Tanh(),
    nn.LeakyReLU(0.1), nn.GELU(), nn.Softmax(1), nn.Flatten(), nn.Identity(), nn.Dropout(0.25), nn.MSELoss(),
    nn.L1Loss(), nn.CrossEntropyLoss(), nn.Conv1d(2, 3, 5, stride=2, padding=1, bias=False), nn.Conv2d(3, 4, 3),
    nn.Conv2d(4, 4, (3, 5), padding=(1, 2), groups=2), nn.ConvTranspose2d(1, 2, 3), nn.MaxPool1d(2), nn.MaxPool2d(2),
    nn.MaxPool2d((2, 3)), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d((1, 1)), nn.BatchNorm1d(4), nn.BatchNorm2d(3, affine=False),
    nn.GroupNorm(2, 4), nn.LayerNorm(5), nn.LayerNorm((5, 6)), nn.Embedding(7, 3), nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    nn.GRU(2, 3), nn.RNN(2, 3, batch_first=True), nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)]),
    nn.ModuleList([nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU())]), Net(),
]
print(json.dumps([str(module) for module in modules]))
