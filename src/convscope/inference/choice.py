"""Which engine answers, in which precision, and why: chosen from the work ahead and what is installed."""

from typing import Literal, NamedTuple

from convscope.errors import RecipeError
from convscope.inference import cpu
from convscope.inference.engines import BACKENDS, PRECISIONS, Backend, Precision, onnx, openvino

Wish = Literal["auto", "f32", "bf16"]

# below this much work a picture, what surrounds the arithmetic counts, and PyTorch has the least of it
SMALL_MACS = 20_000_000
# above this much in all, converting a network pays at once; one that is kept already pays much earlier
CONVERT_MACS = 20_000_000_000
KEPT_MACS = 2_000_000_000
# above this much in all, two seconds of trying bfloat16 are well spent
TEST_MACS = 1_500_000_000_000


class Choice(NamedTuple):
    """What computes.

    Attributes:
        backend: "torch", "openvino" or "onnx".
        precision: "f32" or "bf16".
        why: in words, for doctor and env.json.
    """

    backend: Backend
    precision: Precision
    why: str


def choose(
    macs: int, pictures: int, *, backend: str = "auto", precision: str = "f32", device: str = "cpu", kept: bool = False
) -> Choice:
    """The engine for some work.

    Args:
        macs: multiply-accumulates of one picture.
        pictures: how many are ahead.
        backend: "auto", or one that is asked for.
        precision: "f32" or "bf16"; "auto" is settled elsewhere, by a test, and counts as "f32" here.
        device: "cpu" or "cuda"; a GPU computes in PyTorch.
        kept: whether the network was converted before.

    Raises:
        RecipeError: an engine or precision that is not known, or not installed.

    Example:
        >>> choose(300_000, 1_000_000).backend            # LeNet-5
        'torch'
    """
    if precision not in ("auto", *PRECISIONS):
        raise RecipeError(f"--precision {precision}: allowed: auto, {', '.join(PRECISIONS)}")
    exact: Precision = "bf16" if precision == "bf16" else "f32"
    if backend != "auto":
        return Choice(_asked(backend, exact), exact, "asked for")
    small, whole = "the network is small", "converting the network would take longer than these pictures do"
    torch_when = {"a GPU computes in PyTorch": device != "cpu", small: macs < SMALL_MACS}
    torch_when[whole] = macs * pictures < (KEPT_MACS if kept else CONVERT_MACS)
    reason = next((why for why, holds in torch_when.items() if holds), None)
    if reason is None and openvino.available():
        return Choice("openvino", exact, "the fastest measured on processors")
    if reason is None and onnx.available() and exact == "f32":
        return Choice("onnx", exact, "OpenVINO is not installed; the next fastest")
    return Choice("torch", exact, reason or "neither OpenVINO nor ONNX Runtime with its converter is installed")


def _asked(backend: str, precision: Precision) -> Backend:
    """The engine that was asked for, where it can be had."""
    if backend == "openvino" and not openvino.available():
        raise RecipeError("--engine openvino: not installed here (pip install openvino); allowed: torch, onnx")
    if backend == "onnx" and precision == "bf16":
        raise RecipeError("--engine onnx: computes in f32 only; leave --precision bf16 out")
    for known in BACKENDS:
        if backend == known:
            return known
    raise RecipeError(f"--engine {backend}: allowed: auto, {', '.join(BACKENDS)}")


def tested(macs: int, pictures: int) -> str:
    """Why `auto` stays in float32 for this work without any test; "" where the test is worth its two seconds."""
    if not cpu.bf16_hardware():
        return "this processor has no bfloat16 instructions"
    if macs * pictures < TEST_MACS:
        return "too few pictures to gain from bfloat16"
    return ""
