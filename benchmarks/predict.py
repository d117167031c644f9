"""A folder of 1,000 photos to probabilities, MobileNet v2 with real weights: ours against PyTorch with a DataLoader.

Ours is the engine behind `convscope predict`. PyTorch's side is what a tutorial writes: torchvision's transforms, a
DataLoader with two workers, the same network in eager float32. Then ours against its own parts, each alone on all the
cores in use: decoding, and the bare engine on pictures that are decoded already.

    python benchmarks/predict.py [--rounds N]
"""

import sys
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import sides
import tables
from asking import SHARED, WEIGHTS, WORK

FILE = WEIGHTS / "mobilenet_v2_tf.safetensors"
MODEL = "mobilenet_v2_same"
PHOTOS, FIRST, BATCH = 1_000, 100, 32
WORKERS = 2
ROUNDS = 3


def photos() -> Path:
    """The shared photos, repeated as files of their own until there are 1,000; made once."""
    folder = WORK / "predict"
    if not folder.is_dir():
        sources = [file for name in ("hymenoptera", "imagenet-sample") for file in sorted((SHARED / name).rglob("*.*"))]
        new = WORK / "predict-unfinished"
        new.mkdir(parents=True, exist_ok=True)
        for number in range(PHOTOS):
            content = sources[number % len(sources)].read_bytes()
            # a JPEG's decoder stops before what follows its end; so no two files are the same
            (new / f"{number:04d}.jpg").write_bytes(content + f"{number:04d}".encode())
        new.rename(folder)
    return folder


def rate(counts: Iterable[int]) -> float:
    """Pictures a second after the first 100, from how many each batch brought."""
    moments, done = [], 0
    for count in counts:
        done += count
        moments.append((done, time.perf_counter()))
    first = next(moment for moment in moments if moment[0] >= FIRST)
    return (done - first[0]) / (moments[-1][1] - first[1])


@lru_cache(maxsize=1)
def bundle() -> Any:
    from convscope.models.pretrained.importing import borrow

    return borrow(FILE, MODEL).bundle


@lru_cache(maxsize=1)
def decoded() -> list[Any]:
    """Every photo at the network's size, in batches."""
    from convscope.data.sources import gather
    from convscope.data.stream import stream
    from convscope.inference import cpu

    listing = gather([str(photos())])
    return [some.pixels for some in
            stream(listing, bundle().card.preprocess, batch=BATCH, threads=cpu.threads())]  # fmt: skip


def ours(what: str, precision: str) -> sides.Answer:
    """Pictures a second of the whole way, of decoding alone, or of the engine alone."""
    from convscope.data.sources import gather
    from convscope.data.stream import stream
    from convscope.inference.engine import Engine

    listing = gather([str(photos())])
    engine = Engine(bundle(), precision=precision, pictures=len(listing))
    if what == "decode":
        batches = stream(listing, bundle().card.preprocess, batch=BATCH, threads=engine.readers)
        return {"rate": rate(len(some.rows) for some in batches)}
    if what == "engine":
        return {"rate": rate(len(values) for values in engine.compiled.run(decoded()))}
    per_second = rate(len(some.listing) for some in engine.answer(listing))
    return {"rate": per_second, "choice": f"{engine.choice.backend}, {engine.precision}, {engine.threads} threads"}


def eager(what: str, precision: str) -> sides.Answer:
    """The same photos as a tutorial of PyTorch's answers them."""
    del what, precision
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset
    from torchvision import transforms

    prepare = transforms.Compose([
        transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.5] * 3),
    ])  # fmt: skip

    class Files(Dataset):
        files = sorted(photos().iterdir())

        def __len__(self) -> int:
            return len(self.files)

        def __getitem__(self, row: int) -> torch.Tensor:
            return prepare(Image.open(self.files[row]).convert("RGB"))

    network = bundle().network().eval()

    def counts() -> Iterable[int]:
        with torch.inference_mode():
            for x in DataLoader(Files(), batch_size=BATCH, num_workers=WORKERS):
                yield len(torch.softmax(network(x), dim=1).numpy())

    return {"rate": rate(counts())}


def main() -> int:
    from convscope.inference import cpu

    if not FILE.is_file():
        print(f"needs {FILE}")
        return 0
    photos()
    rounds = int(sys.argv[sys.argv.index("--rounds") + 1]) if "--rounds" in sys.argv else ROUNDS
    precisions = ["f32", "bf16"] if cpu.bf16_hardware() else ["f32"]
    asked = [("eager", "", "f32"), ("ours", "decode", "f32")]
    asked += [("ours", what, precision) for precision in precisions for what in ("all", "engine")]
    rates: dict[tuple[str, str, str], list[float]] = {question: [] for question in asked}
    choices: dict[str, str] = {}
    with sides.Side(__file__, "ours") as mine, sides.Side(__file__, "eager") as theirs:
        mine.ask(what="engine", precision="f32")  # decodes what the bare engine gets, and converts
        for _ in range(rounds):
            for side, what, precision in asked:
                answer = (mine if side == "ours" else theirs).ask(what=what, precision=precision)
                rates[side, what, precision].append(answer["rate"])
                choices |= {precision: answer["choice"]} if "choice" in answer else {}
            print("a round done", file=sys.stderr, flush=True)

    peer, decode = rates["eager", "", "f32"], rates["ours", "decode", "f32"]
    rows = [("PyTorch eager f32, DataLoader", f"{median(peer):.0f}", "1.00", "", "", "")]
    for precision in precisions:
        whole, engine = rates["ours", "all", precision], rates["ours", "engine", precision]
        faster = median(a / b for a, b in zip(whole, peer, strict=True))
        shares = [w * (1 / d + 1 / e) for w, d, e in zip(whole, decode, engine, strict=True)]
        rows.append((
            f"ours {precision}", f"{median(whole):.0f}", f"{faster:.2f}", f"{median(decode):.0f}",
            f"{median(engine):.0f}", f"{100 * median(shares):.0f} %",
        ))  # fmt: skip
    notes = [
        f"{PHOTOS:,} photos, medians of {rounds} rounds; pictures a second after the first {FIRST}",
        f"PyTorch: PIL, Resize 256, CenterCrop 224, batch {BATCH}, {WORKERS} workers; ours: 0.875 of the shorter side, "
        "resized to 224",
        "share: ours as a part of 1 / (1 / decode + 1 / engine), the two parts each alone on all the cores in use",
        *(f"ours {precision}: {choice}" for precision, choice in choices.items()),
    ]
    if "bf16" not in precisions:
        notes.append("bf16: not measured, this processor has no bfloat16 instructions")
    print(tables.machine("torch", "torchvision", "openvino", "pillow"))
    tables.show(("side", "a second", "times faster", "decode alone", "engine alone", "share"), rows, notes)
    return 0


if __name__ == "__main__":
    side = sides.asked()
    if side:
        sides.serve(ours if side == "ours" else eager)
    else:
        sys.exit(main())
