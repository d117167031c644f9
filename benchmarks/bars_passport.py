"""The bars of the data passport."""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from asking import SHARED, WORK, Seen, convscope, tests
from passport import large, planted
from PIL import Image


def copies() -> Seen:
    told = planted()
    good = (
        told["exact"] == told["leaks"] == 1
        and told["false exact"] == 0
        and told["near"] >= 0.95
        and told["false near"] <= 0.01
    )
    return (
        f"exact {told['exact']:.1%}, leaks {told['leaks']:.1%}, false exact {told['false exact']}; "
        f"near {told['near']:.1%} of 900, false {told['false near']:.2%} of {told['near reported']}",
        good,
    )


def speed() -> Seen:
    told = large()
    seen = f"{told['pictures']:,} pictures in {told['seconds']:.0f} s, {told['megabytes']:,.0f} MB at the peak"
    return seen, told["seconds"] <= 60 and told["megabytes"] <= 1500


def faults() -> Seen:
    """Photos at 100 pixels with copies across classes, one labelled both ways, giants, and 242 grey ones."""
    draw = random.Random(0)
    folder = Path(tempfile.mkdtemp())
    try:
        photos = sorted((SHARED / "hymenoptera").rglob("*.jpg"))
        for number, file in enumerate(photos):
            picture = Image.open(file).convert("RGB").resize((100, 100))
            label = folder / file.parent.name
            label.mkdir(exist_ok=True)
            picture.save(label / f"{number}.png")
        ants, bees = (sorted((folder / label).iterdir()) for label in ("ants", "bees"))
        wanted = {"duplicate-across-classes": set(), "huge": set(), "grey": set()}
        for number in range(20):
            copy = folder / "bees" / f"copy{number}.png"
            shutil.copy(ants[number], copy)
            wanted["duplicate-across-classes"] |= {ants[number], copy}
        for number in range(3):
            giant = folder / "bees" / f"giant{number}.jpg"
            Image.open(photos[-1 - number]).convert("RGB").resize((3024, 3024)).save(giant)
            wanted["huge"].add(giant)
        for file in draw.sample([*ants[20:], *bees], 242):
            Image.open(file).convert("L").save(file)
            wanted["grey"].add(file)
        already = folder / "bees" / f"{photos.index(SHARED / 'hymenoptera/val/bees/290082189_f66cb80bfc.jpg')}.png"
        wanted["grey"].add(already)
        told = json.loads(convscope("check", folder, "--json"))
        exact = [found for found in told["findings"] if found["kind"] == "exact-duplicate"]
        seen, good = [f"{len(exact)} exact groups of 20"], len(exact) == 20
        for kind, files in wanted.items():
            names = {file.relative_to(folder).as_posix() for file in files}
            found = {file for each in told["findings"] if each["kind"] == kind for file in each["files"]}
            seen.append(f"{kind} {len(found & names)} of {len(names)}, others {len(found - names)}")
            good &= found == names
        return "; ".join(seen), good
    finally:
        shutil.rmtree(folder)


BARS = [
    ("passport: photos with known faults", "each listed, no false exact copy", faults, True),
    ("passport: copies among 10,000 pictures", "exact, leaks 100 %; near >= 95 %, false <= 1 %", copies, True),
    ("passport: check on 13,394 pictures", "<= 60 s, <= 1,500 MB", speed, True),
    (
        "passport: faults, manifest, page in two languages",
        "all pass",
        lambda: tests(
            "tests/test_check.py",
            "tests/test_checks.py",
            "tests/test_check_fix.py",
            "tests/test_check_command.py",
            "tests/test_manifest.py",
            "tests/test_near_duplicates.py",
        ),
        False,
    ),
]

if __name__ == "__main__":
    WORK.mkdir(exist_ok=True)
    for name, wanted, bar, _ in BARS:
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            print(name, wanted, *bar(), sep=" | ", flush=True)
