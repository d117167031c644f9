"""The model file: it keeps every bit, and whatever else is put in its place is one clear line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from convscope.data.preprocess import Preprocess
from convscope.errors import ModelFileError
from convscope.models import zoo
from convscope.models.bundle import FILE, KEY, Bundle, Card

CARD = Card(
    convscope="0.1.0",
    network="lenet5_modern",
    classes=("고양이", "dog", "b\tird"),
    preprocess=Preprocess(
        size=32, channels=3, resize="pad", share=0.875, interpolation="bicubic", mean=(0.1, 0.2, 1 / 3),
        spread=(1e-3, 0.5, 0.7),
    ),
    recipe={"epochs": 3, "rate": 0.1, "data": "photos", "size": None},
    scores={"val_top1": 2 / 3, "test_top1": None},
    hashes={"train": ("a" * 64,), "val": (), "test": ("b" * 64,)},
    licence="MIT",
)  # fmt: skip


@pytest.fixture(scope="module")
def bundle():
    torch.manual_seed(0)
    return Bundle(CARD, zoo.build("lenet5_modern", 3, 3, 32).state_dict())


@pytest.fixture
def file(bundle, tmp_path):
    bundle.save(tmp_path / FILE)
    return tmp_path / FILE


def write(file: Path, weights, card=CARD, **changes):
    """A file with weights and a description of the test's choice."""
    described = json.loads(card.model_dump_json()) | changes
    file.write_bytes(safetensors.torch.save(dict(weights), metadata={KEY: json.dumps(described)}))


def refusal(file: Path) -> str:
    """What is said of a file that cannot be used, and that it is said well."""
    with pytest.raises(ModelFileError) as caught:
        Bundle.load(file).network()
    message = str(caught.value)
    assert message.isprintable()
    assert len(message.replace(str(file), "")) < 300
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


def test_card_and_weights_come_back_bit_by_bit(bundle, file):
    back = Bundle.load(file)

    assert back.card == CARD
    assert back.path == file
    assert back.weights.keys() == bundle.weights.keys()
    for name, tensor in bundle.weights.items():
        assert torch.equal(back.weights[name].view(torch.int32), tensor.view(torch.int32)), name


def test_the_run_folder_stands_for_its_model(file):
    assert Bundle.load(file.parent).card == Bundle.load(str(file)).card == CARD


def test_the_network_that_comes_back_is_frozen_and_evaluates(file):
    network = Bundle.load(file).network()

    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert all(tensor.device.type == "cpu" for tensor in network.state_dict().values())


def test_saving_twice_gives_the_same_bytes(bundle, file, tmp_path):
    bundle.save(tmp_path / "again")
    Bundle.load(file).save(tmp_path / "thrice")

    assert (tmp_path / "again").read_bytes() == file.read_bytes() == (tmp_path / "thrice").read_bytes()


def test_channels_last_weights_are_saved_with_the_same_bits(bundle, file):
    turned = {n: t.to(memory_format=torch.channels_last) if t.ndim == 4 else t for n, t in bundle.weights.items()}
    before = file.read_bytes()

    Bundle(CARD, turned).save(file)

    assert file.read_bytes() == before


def test_a_crash_while_saving_leaves_the_old_file(bundle, file, monkeypatch):
    before = file.read_bytes()

    def crash(_descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", crash)
    with pytest.raises(KeyboardInterrupt):
        Bundle(CARD.model_copy(update={"licence": "other"}), bundle.weights).save(file)

    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == [FILE]


@pytest.mark.parametrize("cut", [lambda raw: raw[:-1024], lambda raw: raw[:-1], lambda raw: raw[:1000]])
def test_a_file_that_was_cut_off_is_called_so(file, cut):
    file.write_bytes(cut(file.read_bytes()))

    assert "damaged or cut off model file" in refusal(file)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda raw: raw[:4], id="four bytes"),
        pytest.param(lambda raw: b"", id="empty"),
        pytest.param(lambda raw: "이것은 모델이 아니다\n".encode(), id="text"),
        pytest.param(lambda raw: (2**63).to_bytes(8, "little") + raw[8:], id="huge header"),
        pytest.param(lambda raw: (2**64 - 1).to_bytes(8, "little") + raw[8:], id="hugest header"),
    ],
)
def test_what_never_was_a_model_file_is_called_so(file, content):
    file.write_bytes(content(file.read_bytes()))

    assert "not a model file" in refusal(file)


@pytest.mark.parametrize("length", [99_999_999, 0, 5])
def test_a_header_that_lies_about_its_length_is_damage(file, length):
    file.write_bytes(length.to_bytes(8, "little") + file.read_bytes()[8:])

    assert "damaged" in refusal(file)


def test_a_pickle_in_disguise_is_not_a_model_file(bundle, file):
    torch.save(bundle.weights, file)

    assert "not a model file" in refusal(file)


@pytest.mark.parametrize("place", ["", "nothing", "x" * 5000, "a\0b"])
def test_where_there_is_no_model_is_said_plainly(tmp_path, place):
    with pytest.raises(ModelFileError, match=r"no model there; give a model.safetensors|cannot be opened"):
        Bundle.load(tmp_path / place)


def test_safetensors_of_others_are_named_as_such(bundle, file):
    file.write_bytes(safetensors.torch.save(dict(bundle.weights), metadata={"format": "pt"}))

    assert "not a convscope model" in refusal(file)


@pytest.mark.parametrize("text", ["{not json", "[]", "[" * 100_000, "null", ""])
def test_a_description_that_is_not_json_is_refused(bundle, file, text):
    file.write_bytes(safetensors.torch.save(dict(bundle.weights), metadata={KEY: text}))

    assert "its description cannot be used" in refusal(file)


PREPROCESS = json.loads(CARD.preprocess.model_dump_json())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 2}, "from a newer convscope (schema 2, known up to 1); update convscope"),
        ({"schema_version": 0}, "its description.schema_version"),
        ({"classes": None}, "its description.classes"),
        ({"classes": ["one"]}, "its description.classes"),
        ({"classes": ["a", "b", "a"]}, "two classes have the same name"),
        ({"preprocess": PREPROCESS | {"size": 10**9}}, "its description.preprocess.size"),
        ({"preprocess": PREPROCESS | {"spread": [1, 0, 1]}}, "its description.preprocess.spread.1"),
        ({"preprocess": PREPROCESS | {"mean": [0.5]}}, "3 numbers, one per channel"),
        ({"preprocess": PREPROCESS | {"a\nb\x1b[31m": 1}}, "its description.preprocess.a b?[31m"),
        ({"scores": {"x" * 10_000: "y"}}, "its description.scores.xxx"),
    ],
)
def test_a_description_with_a_wrong_field_names_it(bundle, file, changes, message):
    write(file, bundle.weights, **changes)

    assert message in refusal(file)


def test_a_missing_field_is_named(bundle, file):
    described = json.loads(CARD.model_dump_json())
    del described["classes"]
    file.write_bytes(safetensors.torch.save(dict(bundle.weights), metadata={KEY: json.dumps(described)}))

    assert "its description.classes cannot be used: Field required" in refusal(file)


def test_a_field_that_a_later_version_adds_is_passed_over(bundle, file):
    write(file, bundle.weights, invented_later=[1, 2])

    assert Bundle.load(file).card == CARD


FIRST = "features.c1.weight"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda weights: weights.pop(FIRST), f'Missing key(s) in state_dict: "{FIRST}"'),
        (lambda weights: weights.clear(), f'Missing key(s) in state_dict: "{FIRST}"'),
        (lambda weights: weights.update({"ex\ntra": torch.ones(1)}), 'Unexpected key(s) in state_dict: "ex tra"'),
        (lambda weights: weights.update({FIRST: torch.ones(3)}), f"size mismatch for {FIRST}"),
        (lambda weights: weights.update({FIRST: weights[FIRST].double()}), "holds torch.float64, not torch.float32"),
        (lambda weights: weights.update({FIRST: weights[FIRST].to(torch.int8)}), "holds torch.int8"),
    ],
    ids=["missing", "none", "extra", "shape", "double", "int8"],
)
def test_weights_that_do_not_fit_are_named(bundle, file, spoil, message):
    weights = dict(bundle.weights)
    spoil(weights)
    write(file, weights)

    assert message in refusal(file)


@pytest.mark.parametrize("network", ["course_cnn", "lenet5", "resnet\n9000"])
def test_weights_of_another_network_are_refused(bundle, file, network):
    write(file, bundle.weights, network=network)

    assert "its weights do not fit" in refusal(file)


GUARD = """
import sys

seen = []
sys.addaudithook(lambda event, args: seen.append(args) if event == "pickle.find_class" else None)

import numpy, torch
from convscope import Bundle, predict

seen.clear()
answers = predict(sys.argv[1], [sys.argv[2]])
assert answers[0]["error"] is None, answers
print(len(seen))

import pickle
from collections import OrderedDict
pickle.loads(pickle.dumps(OrderedDict()))
print(len(seen))
"""


def test_no_pickle_is_read_on_the_way_to_an_answer(trained):
    run, folder = trained
    picture = next(folder.rglob("*.png"))

    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", GUARD, run / FILE, picture], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["0", "1"]  # the guard is awake: it catches the one that is planted
