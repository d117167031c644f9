"""How bars are measured: by the command that a user would type, or by test files."""

import subprocess
import sys
from pathlib import Path

Seen = tuple[str, bool]

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"
WEIGHTS = ROOT.parent / "shared" / "weights"
WORK = ROOT / "bars"


def convscope(*arguments: object) -> str:
    """Run a command in the working folder; its standard output."""
    command = [sys.executable, "-m", "convscope", *map(str, arguments)]
    result = subprocess.run(command, cwd=WORK, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"exit status {result.returncode}: {result.stderr.strip().splitlines()[-1]}")
    return result.stdout


def tests(*files: str) -> Seen:
    """Run test files; their last line."""
    command = [sys.executable, "-m", "pytest", "-q", *files]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout.strip().splitlines()[-1], result.returncode == 0
