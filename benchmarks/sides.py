"""The two sides of a comparison, each in a process of its own, so that neither changes what the other is measured in.

A script that compares starts itself once for each side, and asks them in turn: a line of JSON for a question, a line of
JSON for the answer.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Self

Answer = dict[str, Any]


class Side:
    """A running side.

    Args:
        script: that serves it.
        name: of the side, given to the script after `--side`.
    """

    def __init__(self, script: str, name: str) -> None:
        command = [sys.executable, script, "--side", name]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **question: object) -> Answer:
        """Ask and wait for the answer.

        Raises:
            RuntimeError: the side has ended instead; what it said is on standard error.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"one side ended with exit status {self._process.wait()}")
        answer: Answer = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def asked() -> str | None:
    """The side that this process is to be; None in the one that compares."""
    return sys.argv[sys.argv.index("--side") + 1] if "--side" in sys.argv else None


def serve(answer: Callable[..., Answer]) -> None:
    """Answer questions until there are no more."""
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)
