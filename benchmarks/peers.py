"""The peers that benchmarks are run against: each in an environment of its own, bars/peers/NAME, from peers/NAME.txt.

    python benchmarks/peers.py fastai          # a few minutes, about 6 GB
    python benchmarks/peers.py keras           # about 2 GB

A peer that is not installed is left out of the tables, which say so.
"""

import json
import subprocess
import sys
import venv
from pathlib import Path

from asking import WORK

HERE = Path(__file__).parent / "peers"


def python_of(peer: str) -> Path | None:
    """The peer's interpreter, or None where it is not installed."""
    folder = WORK / "peers" / peer
    place = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    return place if (folder / "installed").exists() else None


def install(peer: str) -> None:
    folder = WORK / "peers" / peer
    venv.create(folder, with_pip=True, clear=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", HERE / f"{peer}.txt"], check=True)
    (folder / "installed").touch()


def ask(peer: str, *arguments: object) -> dict[str, object]:
    """Run the peer's side; the JSON object that it prints last.

    Raises:
        RuntimeError: it failed; with its last line.
    """
    command = [str(python_of(peer)), str(HERE / f"{peer}_side.py"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{peer}: {(result.stderr.strip().splitlines() or ['ended without a word'])[-1]}")
    answer: dict[str, object] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


def main() -> int:
    known = sorted(file.stem for file in HERE.glob("*.txt"))
    if not sys.argv[1:] or not set(sys.argv[1:]) <= set(known):
        print(f"usage: python benchmarks/peers.py {' | '.join(known)}", file=sys.stderr)
        return 2
    for peer in sys.argv[1:]:
        install(peer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
