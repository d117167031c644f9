"""Every engine gives what PyTorch gives, whichever is chosen, and a damaged cache is never believed."""

import json

import numpy as np
import pytest
import torch

from convscope.data.listing import build as listing_of
from convscope.data.preprocess import Preprocess
from convscope.data.sources import read
from convscope.data.stores import Arrays
from convscope.data.stream import stream
from convscope.errors import RecipeError
from convscope.inference import choice, cpu
from convscope.inference.choice import choose
from convscope.inference.engine import Engine
from convscope.inference.engines import onnx, openvino
from convscope.models import zoo
from convscope.models.bundle import Bundle, Card

HALVES = {"mean": (0.4, 0.5, 0.6), "spread": (0.2, 0.25, 0.3)}
NETWORKS = ("mobilenet_v2_same", "googlenet", "nin", "lenet5_modern")
TOLERANCE = 1e-4  # what a sealed export may differ by


def bundle_of(name, size=64, classes=5, seed=0) -> Bundle:
    """A model whose layers pass signals on and whose answers differ from picture to picture."""
    torch.manual_seed(seed)
    network = zoo.build(name, classes, 3, size)
    x = torch.randn(16, 3, size, size)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    with torch.no_grad():
        network.train()(x)
        if name == "nin":  # its scores pass a ReLU, which random weights may close
            network.classifier[-1].conv.weight.abs_()
        scores = network.eval()(x)
        for values in network.classifier[-1].parameters():
            values.div_(scores.std(dim=0).mean())
    card = Card(
        convscope="0", network=name, classes=tuple("abcde"[:classes]), preprocess=Preprocess(size=size, **HALVES)
    )
    return Bundle(card, network.state_dict())


def pictures(count, size=64, seed=0):
    return torch.randint(
        0, 256, (count, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def expected(bundle: Bundle, pixels) -> np.ndarray:
    """The whole network in plain PyTorch, without any engine."""
    mean, spread = (torch.tensor(HALVES[key])[:, None, None] for key in ("mean", "spread"))
    with torch.inference_mode():
        return torch.softmax(bundle.network()((pixels / 255 - mean) / spread), dim=1).numpy()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_an_engine_answers_as_the_network_does(backend, name):
    if backend == "openvino" and not openvino.available():
        pytest.skip("no OpenVINO for this platform")
    bundle, pixels = bundle_of(name), pictures(33)

    engine = Engine(bundle, backend=backend)

    wanted = expected(bundle, pixels)
    assert engine.choice.backend == backend
    assert wanted.std(axis=0).max() > 10 * TOLERANCE  # or the comparison would say nothing
    assert np.abs(engine.probabilities(pixels) - wanted).max() < TOLERANCE


def test_onnx_runtime_answers_as_the_network_does():
    if not onnx.available():
        pytest.skip("onnx and onnxscript, which convert networks for it, are not installed")
    bundle, pixels = bundle_of("mobilenet_v2_same"), pictures(5)

    assert np.abs(Engine(bundle, backend="onnx").probabilities(pixels) - expected(bundle, pixels)).max() < TOLERANCE


@pytest.mark.parametrize("name", ["mobilenet_v2", "nin"])
def test_embeddings_are_what_enters_the_scoring_layer(name):
    bundle, pixels = bundle_of(name), pictures(3)
    network = bundle.network()
    with torch.inference_mode():
        entering = network.classifier[:-1](network.features(bundle.card.preprocess.scale(pixels)))
    wanted = entering.mean(dim=(2, 3)) if entering.ndim == 4 else entering

    assert np.abs(Engine(bundle).embeddings(pixels) - wanted.numpy()).max() < TOLERANCE * wanted.abs().max().item()


def test_a_converted_network_is_kept_and_a_damaged_one_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    bundle, pixels = bundle_of("mobilenet_v2"), pictures(2)
    first = Engine(bundle, backend="openvino")
    wanted = first.probabilities(pixels)
    (folder,) = (tmp_path / "engines").iterdir()
    weights = folder / "trunk.bin"
    assert openvino.kept(first.key)

    damaged = bytearray(weights.read_bytes())
    damaged[len(damaged) // 2] ^= 0x40
    weights.write_bytes(damaged)

    assert np.array_equal(Engine(bundle, backend="openvino").probabilities(pixels), wanted)
    assert weights.read_bytes() != bytes(damaged)


def test_a_kept_network_is_used_again(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    bundle, pixels = bundle_of("mobilenet_v2"), pictures(2)
    wanted = Engine(bundle, backend="openvino").probabilities(pixels)
    monkeypatch.setattr(openvino, "_convert", lambda *_: pytest.fail("converted again"))

    assert np.array_equal(Engine(bundle, backend="openvino").probabilities(pixels), wanted)


def test_other_weights_or_another_scale_are_another_network():
    same, other = Engine(bundle_of("mobilenet_v2")).key, Engine(bundle_of("mobilenet_v2", seed=1)).key
    bundle = bundle_of("mobilenet_v2")
    darker = bundle.card.preprocess.model_copy(update={"mean": (0.1, 0.1, 0.1)})
    scaled = Bundle(bundle.card.model_copy(update={"preprocess": darker}), bundle.weights)

    assert len({same, other, Engine(scaled).key}) == 3
    assert Engine(bundle_of("mobilenet_v2")).key == same


def test_another_head_is_the_same_trunk():
    bundle = bundle_of("mobilenet_v2")
    head = {name: tensor + 1 for name, tensor in bundle.weights.items() if name.startswith("classifier.")}

    assert Engine(Bundle(bundle.card, {**bundle.weights, **head})).key == Engine(bundle).key


def test_a_kept_network_that_may_not_be_touched_is_used_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    bundle, pixels = bundle_of("mobilenet_v2"), pictures(2)
    wanted = Engine(bundle, backend="openvino").probabilities(pixels)

    def refuse(*_, **__):
        raise PermissionError("read-only")

    monkeypatch.setattr("os.utime", refuse)
    monkeypatch.setattr(openvino, "_convert", lambda *_: pytest.fail("converted again"))
    assert np.array_equal(Engine(bundle, backend="openvino").probabilities(pixels), wanted)


def test_a_read_only_cache_costs_time_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "file"))
    bundle, pixels = bundle_of("mobilenet_v2"), pictures(2)

    assert np.abs(Engine(bundle, backend="openvino").probabilities(pixels) - expected(bundle, pixels)).max() < TOLERANCE


def test_a_layer_that_openvino_does_not_know_is_left_to_pytorch(monkeypatch):
    class OpConversionFailure(Exception):
        """As OpenVINO's own, it is nothing but an exception."""

    def refuse(*_, **__):
        raise OpConversionFailure("no such layer")

    monkeypatch.setattr(openvino, "_convert", refuse)
    bundle, pixels = bundle_of("mobilenet_v2", size=96, seed=7), pictures(2, size=96)
    engine = Engine(bundle, pictures=100_000)
    assert engine.choice.backend == "openvino"

    assert np.abs(engine.probabilities(pixels) - expected(bundle, pixels)).max() < TOLERANCE
    assert engine.choice.backend == "torch"
    assert "no such layer" in engine.choice.why
    again = Engine(bundle, pictures=100_000)  # it is known from the first question on, so that embeddings are found
    assert (again.choice.backend, again.key) == ("torch", engine.key)
    with pytest.raises(RuntimeError, match="no such layer"):
        Engine(bundle, backend="openvino").probabilities(pixels)


def test_trying_bfloat16_leaves_such_a_network_to_pytorch_too(monkeypatch):
    monkeypatch.setattr(openvino, "_convert", lambda *_: (_ for _ in ()).throw(Exception("no such layer")))
    monkeypatch.setattr(choice, "tested", lambda *_: "")
    monkeypatch.setattr(cpu, "bf16_gain", lambda step, _: step(False) or 1.0)

    engine = Engine(bundle_of("mobilenet_v2", size=96, seed=8), precision="auto", pictures=100_000)

    assert engine.choice.backend == "torch"


def test_small_networks_and_few_pictures_stay_in_pytorch():
    assert choose(300_000, 10**6).backend == "torch"
    assert choose(300_000_000, 1).backend == "torch"
    assert choose(300_000_000, 10**6, device="cuda").backend == "torch"


def test_many_pictures_are_worth_converting_for_and_fewer_where_it_is_done():
    best = "openvino" if openvino.available() else choose(300_000_000, 1000).backend

    assert choose(300_000_000, 1000).backend == best
    assert choose(300_000_000, 20).backend == "torch"
    assert choose(300_000_000, 20, kept=True).backend == best


def test_without_openvino_the_next_engine_answers_and_says_why(monkeypatch):
    monkeypatch.setattr(openvino, "available", lambda: False)
    monkeypatch.setattr(onnx, "available", lambda: False)

    backend, _, why = choose(300_000_000, 10_000)

    assert backend == "torch"
    assert "OpenVINO" in why
    monkeypatch.setattr(onnx, "available", lambda: True)
    assert choose(300_000_000, 10_000).backend == "onnx"


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"backend": "tensorrt"}, "--engine tensorrt: allowed: auto, torch, openvino, onnx"),
        ({"precision": "f16"}, "--precision f16: allowed: auto, f32, bf16"),
        ({"backend": "onnx", "precision": "bf16"}, "--engine onnx: computes in f32 only"),
    ],
)
def test_an_engine_that_cannot_be_is_refused_in_words(wish, sentence):
    with pytest.raises(RecipeError, match=sentence):
        choose(300_000_000, 1, **wish)


def test_bfloat16_is_tried_only_where_it_may_pay(monkeypatch):
    monkeypatch.setattr(cpu, "bf16_hardware", list)
    assert "no bfloat16" in choice.tested(10**9, 10**6)
    monkeypatch.setattr(cpu, "bf16_hardware", lambda: ["amx_bf16"])
    assert "too few" in choice.tested(300_000_000, 100)
    assert choice.tested(300_000_000, 10**6) == ""


@pytest.mark.parametrize("gain", [1.14, 1.16])
def test_auto_takes_bfloat16_from_1_15_times_on(gain, monkeypatch):
    monkeypatch.setattr(choice, "tested", lambda *_: "")
    monkeypatch.setattr(cpu, "bf16_gain", lambda *_, **__: gain)

    engine = Engine(bundle_of("mobilenet_v2"), precision="auto", backend="torch")

    assert engine.precision == ("bf16" if gain > 1.15 else "f32")
    assert f"{gain:.2f} times" in engine.choice.why


def test_bfloat16_keeps_most_first_answers():
    bundle, pixels = bundle_of("mobilenet_v2"), pictures(16)

    answers = Engine(bundle, backend="torch", precision="bf16").probabilities(pixels)

    assert np.abs(answers.sum(axis=1) - 1).max() < 1e-6
    wanted = expected(bundle, pixels)
    assert np.abs(answers - wanted).max() > 1e-3  # it is another arithmetic
    assert (answers.argmax(axis=1) == wanted.argmax(axis=1)).sum() >= 12


def test_a_listing_is_answered_in_order_with_broken_pictures_named(photos):
    (photos / "red" / "000.png").write_bytes(b"no picture")
    (photos / "blue" / "003.png").unlink()
    (photos / "blue" / "003.png").write_bytes(b"")
    bundle = bundle_of("mobilenet_v2", classes=3)
    listing = read(photos)

    said = list(Engine(bundle).answer(listing))

    files = [file for readable, _, _ in said for file in readable.files]
    assert files == [file for file in listing.files if file not in {"red/000.png", "blue/003.png"}]
    assert {fault.file for _, _, broken in said for fault in broken} == {"red/000.png", "blue/003.png"}
    values = np.concatenate([values for _, values, _ in said])
    fitted = torch.stack([bundle.card.preprocess.fit(listing.picture(listing.files.index(file))) for file in files])
    assert np.abs(values - expected(bundle, fitted)).max() < TOLERANCE


def test_pictures_that_are_all_broken_give_no_answers_and_all_reasons(tmp_path):
    for number in range(40):
        file = tmp_path / "x" / f"{number:02d}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"broken")

    said = list(Engine(bundle_of("mobilenet_v2")).answer(read(tmp_path)))

    assert sum(len(broken) for _, _, broken in said) == 40
    assert not any(len(values) for _, values, _ in said)


def test_a_reader_who_stops_early_leaves_no_thread_behind(photos):
    import threading

    before = threading.active_count()
    batches = stream(read(photos), Preprocess(size=16, **HALVES), batch=2, threads=2)

    next(batches)
    batches.close()

    assert threading.active_count() == before


def test_arrays_are_streamed_without_decoding():
    store = Arrays("memory", {"train": pictures(5, size=16)})
    listing = listing_of(store, [(name, "a", "") for name in store.names])

    batches = list(stream(listing, Preprocess(size=16, **HALVES), batch=2, threads=1))

    assert [some.rows for some in batches] == [[0, 1], [2, 3], [4]]
    assert torch.equal(torch.cat([some.pixels for some in batches]), pictures(5, size=16))


def test_the_seal_names_both_files(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path))
    Engine(bundle_of("resnet18"), backend="openvino").probabilities(pictures(1))
    (seal,) = tmp_path.glob("engines/*/seal.json")

    assert sorted(json.loads(seal.read_text())) == ["trunk.bin", "trunk.xml"]
