"""Claims about pictures as data, about training, and about the code of a first exercise."""

import ast
import builtins
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from convscope.errors import nearest
from convscope.lessons.claims.claim import Claim, Values, by
from convscope.lessons.claims.counting import figures
from convscope.models import zoo

# What the exercise's code comes to, cut down to the lines in question.
FIRST_LAYER = "model.add(Conv2D(filters=32, kernel_size=(3, 3), stride=(1, 1), input_shape=(28, 28, 1) padding='same'))"
ONE_HOT = "train_y = to_categorical(train_y, class_n)"
JUDGING = """
pred = model.predict(x_test)
answers = np.argmax(y_test)
accuracy_score(single_pred_train, logi_train)
accuracy_score(single_pred_test, logi_test)
classification_report
"""
KNOWN = {"model", "np", "to_categorical", "accuracy_score", "classification_report", "test_x", "test_y", "train_y"}

PIXELS = torch.tensor([0.0, 0.25, 0.5, 1.0], dtype=torch.float64)


def undefined(code: str, known: set[str]) -> list[str]:
    """Names that a piece of code reads and nobody has given a value, in alphabetical order.

    >>> undefined("b = a + len(c)", {"a"})
    ['c']
    """
    names = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    given = known | {name.id for name in names if isinstance(name.ctx, ast.Store)} | set(dir(builtins))
    return sorted({name.id for name in names} - given)


def standardised(x: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """(x - mean) / spread, with its parentheses.

    >>> standardised(torch.tensor([1.0, 3.0]), torch.tensor(2.0), torch.tensor(1.0)).tolist()
    [-1.0, 1.0]
    """
    return (x - mean) / spread


def _spread(x: Tensor) -> Tensor:
    return x.std(correction=0)


def _all_learn() -> Values:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = zoo.build("lenet5_modern", classes=10)
        scores = network(torch.rand(4, 1, 28, 28))
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    slopes = torch.autograd.grad(functional.cross_entropy(scores, torch.arange(4)), weights)
    return {"reached": sum(bool(slope.count_nonzero()) for slope in slopes), "convolutions": len(weights)}


def _first_loss() -> Values:
    losses = {
        key: functional.cross_entropy(torch.zeros(1, classes, dtype=torch.float64), torch.tensor([0])).item()
        for key, classes in (("ten", 10), ("thousand", 1000))
    }
    return {**losses, "classes": [10, 1000]}


def _bytes() -> Values:
    return {"levels": 2**8, "brightest": 2**8 - 1, "small": 28 * 28 * 1 * 8 // 8, "large": 224 * 224 * 3 * 8 // 8}


def _resolution() -> Values:
    near, far = 100, 400  # millimetres that 100 and 200 pixels show
    return {"near": near / 100, "far": far / 200}


def _planes() -> Values:
    picture = torch.empty(3, 224, 224, dtype=torch.uint8)
    return {"pixel": picture[:, 0, 0].numel(), "channel": picture[0].numel(), "side": picture.shape[-1]}


def _order_of_flattening() -> Values:
    maps = torch.tensor([[[1, 2]], [[3, 4]]])  # two channels, one row, two columns
    return {"pytorch": maps.flatten().tolist(), "keras": maps.permute(1, 2, 0).flatten().tolist()}


def _does_it_read() -> Values:
    def reads(code: str) -> bool:
        try:
            ast.parse(code)
        except SyntaxError:
            return False
        return True

    mended = FIRST_LAYER.replace(") padding", "), padding").replace("stride=", "strides=")
    return {"reads": reads(FIRST_LAYER), "mended": reads(mended), "argument": "strides"}


def _flat() -> Values:
    pooled = next(layer for layer in figures("course_cnn").layers if "Pool" in layer.kind)
    flat = next(layer for layer in figures("course_cnn").layers if layer.kind == "Flatten")
    return {"shape": by(pooled.shape), "numbers": prod(flat.shape)}


def _misspelt() -> Values:
    refused = False
    try:
        nn.Conv2d(1, 1, 3, padding="vaild")
    except ValueError:
        refused = True
    return {"refused": refused, "meant": nearest("vaild", ["same", "valid"])[len("did you mean ") : -1]}


def _fashion() -> Values:
    pictures = torch.empty(60_000, 28, 28, dtype=torch.uint8, device="meta")
    header = 16  # magic number, pictures, rows, columns: four bytes each
    return {"bytes": pictures.numel() + header, "shape": by(pictures.unsqueeze(1).shape)}


def _min_max() -> Values:
    train, test = torch.tensor([0.0, 102.0, 255.0]), torch.tensor([51.0, 204.0])
    low, high = train.min(), train.max()
    return {"low": int(low), "high": int(high), "scaled": [round(x, 6) for x in ((test - low) / (high - low)).tolist()]}


def _parentheses() -> Values:
    slide = PIXELS - PIXELS.mean() / _spread(PIXELS)
    right = standardised(PIXELS, PIXELS.mean(), _spread(PIXELS))
    return {
        "pixels": PIXELS.tolist(), "right": right.tolist(), "subtracted": (PIXELS - slide)[0].item(),
        "spread": _spread(slide).item(),
    }  # fmt: skip


def _whose_mean() -> Values:
    test = torch.tensor([0.5, 0.75, 1.0], dtype=torch.float64)
    return {
        "pixel": test[0].item(),
        "train": standardised(test, PIXELS.mean(), _spread(PIXELS))[0].item(),
        "own": standardised(test, test.mean(), _spread(test))[0].item(),
    }


def _both_scalings() -> Values:
    grey = PIXELS * 255
    scaled = (grey - grey.min()) / (grey.max() - grey.min())
    once, twice = (standardised(x, x.mean(), _spread(x)) for x in (grey, scaled))
    return {"difference": round((once - twice).abs().max().item(), 9)}


def _per_channel() -> Values:
    colours = torch.tensor([[10.0, 20, 30, 40], [100, 100, 200, 200], [0, 0, 0, 100]], dtype=torch.float64)
    means, spreads = colours.mean(1, keepdim=True), colours.std(1, correction=0, keepdim=True)
    apart = standardised(colours, means, spreads).mean(1)
    together = standardised(colours, colours.mean(), _spread(colours)).mean(1)
    return {
        "means": means.flatten().tolist(), "apart": [round(x, 9) + 0.0 for x in apart.tolist()],
        "together": [round(x, 2) for x in together.tolist()],
    }  # fmt: skip


def _course_network() -> Values:
    with torch.device("meta"):
        network = zoo.build("course_cnn", classes=10)
    running = {name: buffer.numel() for name, buffer in network.named_buffers() if "running" in name}
    layers = []
    for layer in figures("course_cnn").layers:
        if layer.parameters:
            layers.append(layer.parameters + sum(n for name, n in running.items() if name.startswith(f"{layer.name}.")))
    trained = figures("course_cnn").parameters
    return {
        "layers": layers, "total": sum(layers), "trained": trained, "kept": sum(running.values()),
        "macs": figures("course_cnn").macs,
    }  # fmt: skip


def _softmax_twice() -> Values:
    sure = torch.zeros(1, 10, dtype=torch.float64)
    sure[0, 0] = 1  # the best that a softmax layer can give
    return {"floor": functional.cross_entropy(sure, torch.tensor([0])).item()}


def _early_stopping() -> Values:
    pictures, classes, patience = 60_000, 10, 3
    kept = pictures * 8 // 10
    sorted_labels = torch.arange(classes).repeat_interleave(pictures // classes)
    losses, best, wait, epochs = [0.9, 0.7, 0.8, 0.75, 0.71, 0.6], 0, 0, 0
    for epoch, loss in enumerate(losses):
        epochs = epoch + 1
        best, wait = (epoch, 0) if loss < losses[best] or epoch == 0 else (best, wait + 1)
        if wait >= patience:
            break
    return {
        "train": kept, "val": pictures - kept, "last_classes": sorted(set(sorted_labels[kept:].tolist())),
        "losses": losses, "stopped": epochs, "best": best + 1,
    }  # fmt: skip


def _judging() -> Values:
    calls = {node.func.id for node in ast.walk(ast.parse(JUDGING))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}  # fmt: skip
    return {"undefined": undefined(JUDGING, KNOWN), "report_called": "classification_report" in calls}


CLAIMS = (
    Claim("000-1", "ok", _all_learn, ("lenet5_modern",)),
    Claim("000-4", "ok", _first_loss),
    Claim("001-2", "ok", _bytes),
    Claim("001-3", "imprecise", _resolution),
    Claim("001-4", "imprecise", _planes),
    Claim("001-15", "ok", _order_of_flattening),
    Claim("002-3", "wrong", _does_it_read),
    Claim("002-13", "ok", _flat, ("course_cnn",)),
    Claim("004-6", "ok", _misspelt),
    Claim("004-10", "ok", _fashion),
    Claim("004-11", "ok", _min_max),
    Claim("004-12", "wrong", _parentheses),
    Claim("004-13", "wrong", _whose_mean),
    Claim("004-14", "imprecise", _both_scalings),
    Claim("004-15", "ok", _per_channel),
    Claim("004-16", "wrong", lambda: {"undefined": undefined(ONE_HOT, KNOWN), "classes": 10}),
    Claim("004-17", "ok", _course_network, ("course_cnn",)),
    Claim("004-18", "ok", _softmax_twice, ("course_cnn",)),
    Claim("004-19", "ok", _early_stopping, source="Keras: EarlyStopping, Model.fit(validation_split)"),
    Claim("004-20", "wrong", _judging),
)
