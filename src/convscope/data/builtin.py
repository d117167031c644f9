"""Sets known by name: the digits inside scikit-learn, and four that are downloaded once and kept.

Downloads go through torchvision, which checks each file's published MD5, and are read as they came: nothing is
unpacked to disk, so that no crash leaves half a file. CIFAR is taken in its binary version: the "python version" is a
pickle, which may run code when it is opened.
"""

import io
import os
import tarfile
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from convscope.data import idx
from convscope.data.listing import Listing, build
from convscope.data.stores import Arrays
from convscope.errors import DataError

CIFAR = {
    "cifar10": ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", "batches.meta.txt", 1),
    "cifar100": ("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", "fine_label_names.txt", 2),
}
CIFAR_HOME = "https://www.cs.toronto.edu/~kriz/"
CIFAR_SIDE = 32
DIGITS_TEST = 360


def cache_folder() -> Path:
    """Where downloads are kept: CONVSCOPE_CACHE, else the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("CONVSCOPE_CACHE") or Path(home) / "convscope")


def digits() -> Listing:
    """1,797 handwritten digits of 8x8 pixels and 17 grey levels, shipped with scikit-learn; 360 of them are the test.

    Source:
        E. Alpaydin & C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (its test part).
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, numbers = load_digits(return_X_y=True)
    pixels = np.round(images.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    train, test = train_test_split(np.arange(len(numbers)), test_size=DIGITS_TEST, stratify=numbers, random_state=0)
    rows = {"train": np.sort(train), "test": np.sort(test)}
    pictures = {part: torch.from_numpy(pixels[chosen]) for part, chosen in rows.items()}
    labels = {part: [str(number) for number in numbers[chosen]] for part, chosen in rows.items()}
    return _listing("digits", pictures, labels)


def mnist(name: str) -> Listing:
    """MNIST or Fashion-MNIST: 60,000 training and 10,000 test pictures of 28x28 grey pixels.

    Raises:
        DataError: not in the cache, and not to be downloaded.
    """
    from torchvision import datasets

    kind = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}[name]
    folder = cache_folder() / "data" / kind.__name__ / "raw"  # where torchvision keeps them, too
    contents = {
        file: _download(name, folder, file, md5, [mirror + file for mirror in kind.mirrors])
        for file, md5 in kind.resources
    }
    files = {
        part: (images, contents[images], labels, contents[labels])
        for part, (images, labels) in idx.find(list(contents)).items()
    }
    return _listing(name, *idx.load(files, names=idx.FASHION if name == "fashion-mnist" else idx.DIGITS))


def cifar(name: str) -> Listing:
    """CIFAR-10 or CIFAR-100 (fine labels): 50,000 training and 10,000 test pictures of 32x32 RGB pixels.

    Raises:
        DataError: not in the cache, and not to be downloaded.
    Source:
        A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    file, md5, names_file, label_bytes = CIFAR[name]
    packed = _download(name, cache_folder() / "data", file, md5, [CIFAR_HOME + file])
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {Path(member.name).name: member for member in archive.getmembers() if member.isfile()}

        def content(member: str) -> bytes:
            stream = archive.extractfile(members[member])
            return stream.read() if stream else b""

        classes = content(names_file).decode().split()
        blocks = {"train": sorted(m for m in members if m.startswith(("data_batch", "train")))}
        blocks["test"] = [member for member in ("test_batch.bin", "test.bin") if member in members]
        records = {part: b"".join(content(block) for block in parts) for part, parts in blocks.items()}
    pictures: dict[str, Tensor] = {}
    labels: dict[str, list[str]] = {}
    for part, raw in records.items():
        table = np.frombuffer(raw, dtype=np.uint8).reshape(-1, label_bytes + 3 * CIFAR_SIDE**2)
        pictures[part] = torch.from_numpy(table[:, label_bytes:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE).copy())
        labels[part] = [classes[number] for number in table[:, label_bytes - 1]]
    return _listing(name, pictures, labels)


SETS: dict[str, Callable[[], Listing]] = {
    "digits": digits,
    "mnist": lambda: mnist("mnist"),
    "fashion-mnist": lambda: mnist("fashion-mnist"),
    "cifar10": lambda: cifar("cifar10"),
    "cifar100": lambda: cifar("cifar100"),
}


def _download(name: str, folder: Path, file: str, md5: str, addresses: Sequence[str]) -> bytes:
    """The bytes of the file with that MD5: from the folder, else from the first address that has it."""
    from torchvision.datasets.utils import download_url

    reason = ""
    for address in addresses:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            download_url(address, str(folder), file, md5)
            return (folder / file).read_bytes()
        except (OSError, RuntimeError, HTTPException) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    raise DataError(
        f"{name}: {file} is not in {folder} and could not be downloaded ({reason}); "
        "connect once, or give the folder of its files instead of its name"
    )


def _listing(name: str, pictures: dict[str, Tensor], labels: dict[str, list[str]]) -> Listing:
    store = Arrays(Path(name), pictures)
    parts = [part for part, block in pictures.items() for _ in range(len(block))]
    words = [label for part in pictures for label in labels[part]]
    return build(store, list(zip(store.names, words, parts, strict=True)), title=name)
