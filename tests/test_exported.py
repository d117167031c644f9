"""Exported files answer as the model they were made from; whatever is not such a file is one clear error."""

import random
import re
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import convscope as cs
from convscope.errors import ConvscopeError
from convscope.inference.engine import Engine
from convscope.inference.engines import Scaled
from convscope.inference.engines.exported import EXTERNAL, Exported
from convscope.models.bundle import KEY
from tests.untrained import untrained

onnx = pytest.importorskip("onnx")
openvino = pytest.importorskip("openvino")
FILES = ("model.onnx", "model.xml")
pytestmark = pytest.mark.filterwarnings("ignore")


class Answers(nn.Module):
    """The graph that a file holds: bytes in, probabilities out."""

    def __init__(self, bundle):
        super().__init__()
        self.scaled, self.temperature = Scaled(bundle.network(), bundle.card.preprocess), bundle.card.temperature

    def forward(self, pixels):
        return torch.softmax(self.scaled(pixels) / self.temperature, dim=1)


def named(model, card, output="probabilities"):
    """An OpenVINO graph with the names and the card of the contract."""
    model.inputs[0].get_tensor().set_names({"pixels"})
    model.outputs[0].get_tensor().set_names({output})
    if card:
        model.set_rt_info(card, [KEY])
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(folder, bundle): one untrained model with a temperature, as both kinds of file."""
    folder = tmp_path_factory.mktemp("exported")
    bundle = untrained(temperature=1.5, classes=("고양이", "blue & <red>", "green"))
    card, example = bundle.card.model_dump_json(), torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.onnx.export(
            Answers(bundle).eval(), (example,), input_names=["pixels"], output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("pictures")},), dynamo=True, verbose=False,
        )  # fmt: skip
        graph = openvino.convert_model(torch.jit.trace(Answers(bundle).eval(), example), example_input=example)
    content = made.model_proto
    content.metadata_props.add(key=KEY, value=card)
    (folder / "model.onnx").write_bytes(content.SerializeToString())
    graph.reshape([-1, 3, 32, 32])
    openvino.save_model(named(graph, card), folder / "model.xml", compress_to_fp16=False)
    return folder, bundle


@pytest.fixture
def pictures(photos):
    for old, new in (("red", "고양이"), ("blue", "blue & <red>")):
        (photos / old).rename(photos / new)
    return photos


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("views", ["centre", "flip", "ten-crop"])
def test_it_answers_as_the_model_it_was_made_from(exported, pictures, file, views):
    folder, bundle = exported
    (pictures / "green" / "003.png").write_bytes(b"broken")

    report, reference = cs.evaluate(folder / file, pictures, views=views), cs.evaluate(bundle, pictures, views=views)

    assert report.predictions.files == reference.predictions.files
    assert report.predictions.probabilities == pytest.approx(reference.predictions.probabilities, abs=1e-6)
    assert (report.n, report.precision, report.model, report.views) == (35, "f32", "lenet5_modern", views)
    assert report.classes == bundle.card.classes
    assert report.calibration["temperature"] == 1.5


def test_it_may_be_one_of_an_ensemble(exported, pictures):
    folder, bundle = exported

    report = cs.evaluate([folder / "model.onnx", folder / "model.xml", bundle], pictures)

    alone = cs.evaluate(bundle, pictures).predictions.probabilities
    assert report.predictions.probabilities == pytest.approx(alone, abs=1e-6)
    assert report.members == (str(folder / "model.onnx"), str(folder / "model.xml"), "lenet5_modern")


def test_the_command_takes_it(exported, pictures, convscope):
    status, out, _ = convscope("evaluate", exported[0] / "model.onnx", pictures, "--out", "kept", "--quiet")

    assert status == 0
    assert "top-1" in out


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"views": "dense"}, "--views dense: .*one size only"),
        ({"precision": "bf16"}, "--precision bf16: .* computes in f32"),
        ({"backend": "torch"}, "--engine torch: .* runs in its own engine; allowed: auto, onnx"),
    ],
)
def test_what_it_cannot_do_is_said(exported, pictures, wish, message):
    with pytest.raises(ConvscopeError, match=message):
        cs.evaluate(exported[0] / "model.onnx", pictures, **wish)


def refused(file):
    """The one line that a file is refused with."""
    with pytest.raises(ConvscopeError) as found:
        opened = Exported.open(file)
        opened.score(next(opened.compiled.run([torch.zeros(2, 3, 32, 32, dtype=torch.uint8)])))
    assert "\n" not in str(found.value)
    assert str(file.stem) in str(found.value)
    return str(found.value)


def small(bundle, card, *, output="probabilities", kind="FLOAT", external=False):
    """A graph of one layer in ONNX: all classes are equally probable."""
    from onnx import TensorProto, helper, numpy_helper

    count = len(bundle.card.classes)
    weight = numpy_helper.from_array(np.zeros((3 * 32 * 32, count), np.float32), "w")
    nodes = [
        helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["scores"]),
        helper.make_node("Softmax" if output == "probabilities" else "Identity", ["scores"], [output]),
    ]
    given = helper.make_tensor_value_info("pixels", getattr(TensorProto, kind), ["n", 3, 32, 32])
    answers = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", count])
    graph = helper.make_graph(nodes, "g", [given], [answers], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if card:
        model.metadata_props.add(key=KEY, value=card)
    if external:
        model.graph.initializer[0].ClearField("raw_data")
        model.graph.initializer[0].data_location = TensorProto.EXTERNAL
        model.graph.initializer[0].external_data.add(key="location", value="w.bin")
    return model.SerializeToString()


def test_files_of_others_are_refused_in_one_line(exported, tmp_path, monkeypatch):
    bundle = exported[1]
    card, file = bundle.card.model_dump_json(), tmp_path / "theirs.onnx"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.bin").write_bytes(bytes(4 * 3 * 32 * 32 * 3))
    made = {
        "its metadata has no 'convscope' entry": small(bundle, "", kind="UINT8"),
        "its description cannot be used": small(bundle, "{", kind="UINT8"),
        "newer|less than or equal": small(
            bundle, card.replace('"schema_version":1', '"schema_version":9'), kind="UINT8"
        ),
        "takes and gives 'pixels' float32": small(bundle, card),
        "'logits' float32 .N x 3.; its card needs": small(bundle, card, kind="UINT8", output="logits"),
        "keeps its weights in another file": small(bundle, card, kind="UINT8", external=True),
        "0 bytes": b"",
        "no model that can be run": b"PK\x03\x04 no model",
    }
    for message, content in made.items():
        file.write_bytes(content)
        assert re.search(message, refused(file))
    file.write_bytes(small(bundle, card, kind="UINT8"))  # the plain one is taken: what is refused is what was changed
    assert Exported.open(file).card == bundle.card


def test_without_the_check_weights_of_another_file_would_be_read(exported, tmp_path, monkeypatch):
    """The planted failure: the runtime itself reads a file from the working folder when a model names one."""
    import onnxruntime

    content = small(exported[1], "", kind="UINT8", external=True)
    (tmp_path / "w.bin").write_bytes(bytes(4 * 3 * 32 * 32 * 3))
    monkeypatch.chdir(tmp_path)

    assert EXTERNAL in content
    onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def test_files_that_are_not_there_are_one_clear_line(exported, tmp_path):
    assert "no such file" in refused(tmp_path / "nothing.onnx")
    (tmp_path / "alone.xml").write_bytes((exported[0] / "model.xml").read_bytes())
    assert "alone.bin: no such file (OpenVINO's two files belong together)" in refused(tmp_path / "alone.xml")


def test_answers_that_are_no_probabilities_are_refused(exported):
    model = Exported.open(exported[0] / "model.onnx")

    for wrong in ([[0.2, 0.2, 0.2]], [[2.0, -0.5, -0.5]], [[np.nan, 0.5, 0.5]]):
        with pytest.raises(ConvscopeError, match="no probabilities"):
            model.score(np.array(wrong, np.float32))


@pytest.mark.parametrize("name", ["model.onnx", "model.xml", "model.bin"])
def test_damaged_files_answer_or_are_one_clear_line(exported, tmp_path, name):
    """Cut off anywhere, or with bits turned: never another kind of failure."""
    folder, chance, failed = exported[0], random.Random(name), 0
    pixels = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    whole = {file: (folder / file).read_bytes() for file in ("model.onnx", "model.xml", "model.bin")}
    for number in range(24):
        for file, content in whole.items():
            (tmp_path / file).write_bytes(content)
        content = bytearray(whole[name])
        if number % 2:
            content = content[: chance.randrange(len(content))]
        else:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        (tmp_path / name).write_bytes(content)
        try:
            model = Exported.open(tmp_path / ("model.onnx" if name == "model.onnx" else "model.xml"))
            model.score(next(model.compiled.run([pixels])))
        except ConvscopeError as error:
            failed += 1
            assert "\n" not in str(error)
    assert failed >= 12  # every cut


def test_it_computes_in_float32(exported):
    folder, bundle = exported
    pixels = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)
    reference = Engine(bundle, backend="torch").probabilities(pixels)
    for file in FILES:
        model = Exported.open(folder / file)
        found = np.concatenate([model.score(each) for each in model.compiled.run([pixels[:5], pixels[5:]])])
        assert found == pytest.approx(reference, abs=1e-6)
