"""`convscope doctor`."""

from convscope.ui.cli.options import Json, Lang, Quiet
from convscope.ui.console import Terminal
from convscope.words import say


def doctor(json: Json = False, quiet: Quiet = False, lang: Lang = None) -> None:
    """Versions, processor, threads, memory, GPU, and the engine that answers here, with the reason.

    \b
    Examples:
      convscope doctor
      convscope doctor --json
    """
    import platform
    from importlib.metadata import version

    import psutil
    import torch

    from convscope.data.builtin import cache_folder
    from convscope.inference import cpu
    from convscope.inference.choice import choose
    from convscope.inference.engines import onnx, openvino
    from convscope.training.run import LIBRARIES

    # a thousand photos through MobileNet v2, the work that most people bring
    photos = choose(300_000_000, 1_000)
    ways = {"openvino": (openvino.available(), "openvino"), "onnx": (onnx.available(), "onnxruntime")}
    engines = {name: version(package) if there else None for name, (there, package) in ways.items()}
    terminal = Terminal(json_wanted=json, quiet=quiet, lang=lang)
    flags = cpu.bf16_hardware()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    facts = {
        "convscope": version("convscope"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "cpu": cpu.model_name(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "quota": cpu.quota(),
        "threads": cpu.threads(),
        "vector": torch.backends.cpu.get_cpu_capability(),
        "bf16": flags,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "memory_free_gb": round(psutil.virtual_memory().available / 1e9, 1),
        "gpu": gpu,
        "cache": str(cache_folder()),
        "engines": {"torch": torch.__version__, **engines},
        "engine": say(f"doctor.engine.{'gpu' if gpu else photos.backend}", terminal.language),
        "engine_why": say(f"doctor.engine_why.{'gpu' if gpu else photos.backend}", terminal.language),
        "training_precision": f"tested on the network itself for two seconds ({', '.join(flags)})"
        if flags
        else "f32: no bfloat16 instructions",
    }
    rows = []
    for key, value in facts.items():
        shown = ", ".join(f"{k} {v or '-'}" for k, v in value.items()) if isinstance(value, dict) else value
        rows.append(
            [say(f"doctor.{key}", terminal.language), ", ".join(shown) if isinstance(shown, list) else str(shown)]
        )
    if not json:
        terminal.table(("", ""), rows)
    terminal.result(facts)
