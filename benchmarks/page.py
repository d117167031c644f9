"""Run the benchmarks one after the other and write docs/benchmarks.md: what each compares, and what it printed.

    python benchmarks/page.py [SCRIPT ...]      # those alone; the others' sections stay as they are

About an hour on two cores with both peers installed. Leave the machine alone meanwhile.
"""

import ast
import datetime
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SCRIPTS = (
    "transfer",
    "train_step",
    "loop_tax",
    "predict",
    "decode",
    "decoded",
    "quota",
    "backbones",
    "views",
    "startup",
)

TOP = """# Benchmarks

Results of one run of each script in [benchmarks/](../benchmarks/README.md), on the machine and with the versions named
above each table. Both sides of a comparison ran in turn on the same pictures and weights; the ratio says more than the
times, which are those of one machine. Written by `python benchmarks/page.py`: run it to have yours.
"""
NOT_RUN = "Not run yet."


def section(name: str) -> str:
    """Heading, claim and result of one script."""
    described = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
    claim = "\n\n".join(part for part in described.split("\n\n") if not part.startswith("    "))
    start = time.monotonic()
    done = subprocess.run([sys.executable, HERE / f"{name}.py"], stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.monotonic() - start
    today = datetime.date.today().isoformat()
    return f"{claim}\n\n```text\n{done.stdout.rstrip()}\n```\n\n{today}, in {seconds:.0f} s.\n"


def sections() -> dict[str, str]:
    """What the page holds of each script."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    parts = re.split(r"^## (\w+)\n\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.rstrip() + "\n" for part in parts[2::2]), strict=True))


def main() -> int:
    chosen = sys.argv[1:] or list(SCRIPTS)
    if not set(chosen) <= set(SCRIPTS):
        print(f"allowed: {', '.join(SCRIPTS)}", file=sys.stderr)
        return 2
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        told = sections() | {name: section(name)}
        body = "\n".join(f"## {script}\n\n{told.get(script, NOT_RUN + chr(10))}" for script in SCRIPTS)
        PAGE.write_text(f"{TOP}\n{body}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
