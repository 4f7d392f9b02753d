"""Where the files of the named data sets are published: mirrors, sizes and digests; nothing is imported or opened."""

from __future__ import annotations

from typing import NamedTuple


class Archive(NamedTuple):
    """One file to download, and what is in it.

    file:    its name, `.gz` for a single file or `.tar.gz`.
    size:    in bytes. md5: its digest, which tells damage, and was published with the data set.
    mirrors: addresses of the folders that hold it, tried in this order.
    members: what comes out of it, as paths below the data set's folder, with their MD5.
    """

    file: str
    size: int
    md5: str
    mirrors: tuple[str, ...]
    members: dict[str, str]


class Published(NamedTuple):
    """The files of one data set. folder: where they lie below the data folder, as torchvision leaves them."""

    folder: str
    archives: tuple[Archive, ...]

    @property
    def digests(self) -> dict[str, str]:
        """The MD5 of every unpacked file."""
        return {name: md5 for archive in self.archives for name, md5 in archive.members.items()}

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(archive.size for archive in self.archives)


MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://yann.lecun.com/exdb/mnist/",
)
FASHION_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
)
CIFAR_MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)


def _idx(mirrors: tuple[str, ...], file: str, size: int, md5: str, unpacked: str) -> Archive:
    return Archive(f"{file}.gz", size, md5, mirrors, {file: unpacked})


PUBLISHED = {
    "mnist": Published("MNIST/raw", (
        _idx(MNIST_MIRRORS, "train-images-idx3-ubyte", 9_912_422,
            "f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
        _idx(MNIST_MIRRORS, "train-labels-idx1-ubyte", 28_881,
            "d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
        _idx(MNIST_MIRRORS, "t10k-images-idx3-ubyte", 1_648_877,
            "9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        _idx(MNIST_MIRRORS, "t10k-labels-idx1-ubyte", 4_542,
            "ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    )),
    "fashion-mnist": Published("FashionMNIST/raw", (
        _idx(FASHION_MIRRORS, "train-images-idx3-ubyte", 26_421_880,
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        _idx(FASHION_MIRRORS, "train-labels-idx1-ubyte", 29_515,
            "25c81989df183df01b3e8a0aad5dffbe", "9018921c3c673c538a1fc5bad174d6f9"),
        _idx(FASHION_MIRRORS, "t10k-images-idx3-ubyte", 4_422_102,
            "bef4ecab320f06d8554ea6380940ec79", "8181f5470baa50b63fa0f6fddb340f0a"),
        _idx(FASHION_MIRRORS, "t10k-labels-idx1-ubyte", 5_148,
            "bb300cfdad3c16e7a12a480ee83cd310", "15d484375f8d13e6eb1aabb0c3f46965"),
    )),
    "cifar10": Published("cifar-10-batches-py", (
        Archive("cifar-10-python.tar.gz", 170_498_071, "c58f30108f718f92721af3b95e74349a", CIFAR_MIRRORS, {
            "data_batch_1": "c99cafc152244af753f735de768cd75f",
            "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "634d18415352ddfa80567beed471001a",
            "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "40351d587109b95175f43aff81a1287e",
            "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        }),
    )),
    "cifar100": Published("cifar-100-python", (
        Archive("cifar-100-python.tar.gz", 169_001_437, "eb9058c3a382ffc7106e4002c42a8d85", CIFAR_MIRRORS, {
            "train": "16019d7e3df5f24257cddd939b257f8d",
            "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            "meta": "7973b15100ade9c7d40fb424638fde48",
        }),
    )),
}  # fmt: skip
