"""Nothing reaches for the network: an audit hook watches every connection while the main job runs."""

import os
import subprocess
import sys

WATCH = """
import sys
reached = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        reached.append((event, str(arguments[-1] if event == "socket.connect" else arguments[0])))
sys.addaudithook(watch)
"""

JOB = """
from convscope.ui.cli.main import main
for arguments in (
    ["train", "digits", "--model", "lenet5_modern", "--epochs", "1", "--name", "r", "--quiet"],
    ["evaluate", "runs/r", "digits", "--json"],
    ["summary", "runs/r", "--quiet"],
    ["models", "--quiet"],
    ["weights", "list", "--quiet"],
    ["weights", "import", "runs/r/model.safetensors", "--model", "lenet5_modern", "--out", "again.safetensors"],
    ["doctor", "--quiet"],
):
    try:
        main(arguments)
    except SystemExit as leaving:
        assert not leaving.code, leaving.code
"""

PLANTED = """
import socket
try:
    socket.create_connection(("127.0.0.1", 9), timeout=0.1)
except OSError:
    pass
"""


def reached(job: str, folder) -> str:
    """What the job tried to connect to, run without the CI variable that makes some libraries quieter."""
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    result = subprocess.run(
        [sys.executable, "-c", WATCH + job + "\nprint('REACHED', reached)"],
        capture_output=True, text=True, check=False, cwd=folder, env=environment,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout.split("REACHED")[-1].strip()


def test_the_main_job_connects_to_nothing(tmp_path):
    assert reached(JOB, tmp_path) == "[]"


def test_a_planted_connection_is_seen(tmp_path):
    assert "socket.connect" in reached(PLANTED, tmp_path)


def test_a_set_that_must_be_downloaded_says_so_in_one_line(tmp_path):
    environment = {**os.environ, "CONVSCOPE_CACHE": str(tmp_path / "cache"), "no_proxy": "*"}
    code = (
        "import torchvision.datasets as d; d.MNIST.mirrors = ['http://127.0.0.1:9/']\n"
        "from convscope.ui.cli.main import main; main(['train', 'mnist'])"
    )

    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )

    assert result.returncode == 2
    assert "could not be downloaded" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
