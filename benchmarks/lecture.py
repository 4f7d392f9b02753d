"""The whole script of a lecture: MNIST by the network of `specs/mnist_cnn.cnn`, one epoch, and the test accuracy.

As tutorials write it: a torchvision data set with `ToTensor` for each picture, a `DataLoader` without workers, float32,
Adam, a running sum of `loss.item()`. `benchmarks/tricks.py --lecture` runs it beside `specc train`.

    python benchmarks/lecture.py DATA_DIR
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import ToTensor

model = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
)  # fmt: skip
train = DataLoader(MNIST(sys.argv[1], train=True, transform=ToTensor()), batch_size=64, shuffle=True)
test = DataLoader(MNIST(sys.argv[1], train=False, transform=ToTensor()), batch_size=64)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)

model.train()
total = 0.0
for images, labels in train:
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    total += loss.item()

model.eval()
right = 0
with torch.no_grad():
    for images, labels in test:
        right += int((model(images).argmax(1) == labels).sum().item())
print(f"training loss {total / len(train):.4f}, test accuracy {right / len(test.dataset):.2%}")  # type: ignore[arg-type]
