"""A network of one's own, trained: the model file is whole, and the YAML is needed no more."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import yaml

import convscope as cs
from convscope.errors import DataError, ModelError, ModelFileError, RecipeError
from convscope.evaluation.parts import with_classes
from convscope.models import zoo
from convscope.models.bundle import FILE, KEY, Bundle, Card
from convscope.models.network import answering
from convscope.training import recipe as recipes
from convscope.training.run import default_name
from convscope.ui.cli.main import main
from convscope.words import Listener
from tests.conftest import make_photos

TEXT = """
name: my tiny net
input: [3, 17, 17]
layers:
  - conv: {filters: 4, kernel: 3, stride: 2, padding: same, norm: batch, activation: relu}
  - pool: 2
  - residual: [conv: {filters: 6, kernel: 3, padding: same}]
  - dense: {units: 8, activation: relu}
"""
# 4*27 + 8; 6*36 + 6 and 6*4 + 6 around; 6*4*4*8 + 8; 3 classes
PARAMETERS = 116 + 222 + 30 + 776 + 27

QUICK = {"epochs": 2, "batch": 8, "device": "cpu", "precision": "f32", "threads": 1}


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def command(*arguments) -> None:
    """Run a command that succeeds."""
    with pytest.raises(SystemExit) as leaving:
        main([str(argument) for argument in arguments])
    assert not leaving.value.code


class Hears(Listener):
    """Keeps what it was told, and stops the training from outside when an epoch is done."""

    def __init__(self, epoch: int | None = None) -> None:
        self.epoch = epoch
        self.told: dict[str, dict] = {}

    def message(self, key, **values):
        self.told[key] = values
        if key == "train.epoch" and values["epoch"] == self.epoch:
            raise KeyboardInterrupt


@pytest.fixture
def file(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/net.yaml").write_text(TEXT)
    return tmp_path / "secret/net.yaml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run whose YAML is gone: (run folder, photos, what was told)."""
    root = tmp_path_factory.mktemp("own")
    photos, hears = make_photos(root / "photos", count=16), Hears()
    (root / "secret").mkdir()
    (root / "secret/net.yaml").write_text(TEXT)
    finished = cs.train(
        photos, cs.Recipe(model=str(root / "secret/net.yaml"), **QUICK), out=root / "runs", listener=hears
    )
    (root / "secret/net.yaml").unlink()
    return finished.path, photos, hears.told


def test_the_run_and_its_report_have_the_networks_own_name(run):
    folder, _, told = run

    assert folder.name == "my_tiny_net-photos"
    assert json.loads((folder / "report.json").read_text())["model"] == "my tiny net"
    assert told["train.network"]["model"] == "my tiny net"
    assert told["train.network"]["size"] == 17  # the file's, even for photos


def test_a_lost_row_and_column_are_told_in_training(run):
    assert run[2]["own.lost"] == {
        "number": "2", "name": "pool1", "rows": 1, "columns": 1, "size": "9×9", "stride": "2", "strides": "1, 7",
    }  # fmt: skip


def test_the_model_file_is_whole_without_its_yaml(run, capsys):
    folder, photos, _ = run
    picture = next(photos.rglob("*.png"))

    (answer,) = cs.predict(folder / FILE, [str(picture)])
    report = cs.evaluate(folder / FILE, photos)
    summary = Bundle.load(folder).card.describe()

    assert answer["error"] is None
    assert report.top1 == json.loads((folder / "report.json").read_text())["top1"]
    assert (summary.name, summary.parameters) == ("my tiny net", PARAMETERS)
    assert sum(value.numel() for value in Bundle.load(folder).network().parameters()) == PARAMETERS
    command("summary", folder, "--json")
    assert json.loads(capsys.readouterr().out)["parameters"] == PARAMETERS


def test_the_model_file_tells_nothing_of_its_makers_folders(run):
    card = Bundle.load(run[0]).card

    assert (card.recipe["model"], card.recipe["data"]) == ("net.yaml", "photos")
    assert "secret" not in card.model_dump_json()
    assert card.definition["name"] == card.network == "my tiny net"


def test_the_written_settings_train_the_same_again(run, tmp_path):
    settings = recipes.load(run[0] / "config.yaml")

    again = cs.train(None, recipes.parse(settings), out=tmp_path)

    assert Path(settings["model"]).is_absolute()
    assert (again.path / "metrics.csv").read_bytes() == (run[0] / "metrics.csv").read_bytes()


def test_a_run_is_resumed_with_the_network_that_it_began_with(tmp_path, photos, file):
    settings = cs.Recipe(model=str(file), **QUICK)
    whole = cs.train(photos, settings, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        cs.train(photos, settings, out=tmp_path / "cut", name="cut", listener=Hears(1))
    file.write_text("input: [1, 28, 28]\nlayers: [flatten]\n")

    resumed = cs.train(resume=tmp_path / "cut/cut")

    weights = [Bundle.load(run.path).weights for run in (whole, resumed)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_size_and_pictures_come_before_the_files_own_input(tmp_path, photos, file):
    run = cs.train(photos, cs.Recipe(model=str(file), size=24, **QUICK), out=tmp_path)
    card = Bundle.load(run.path).card

    assert (card.preprocess.size, card.preprocess.channels) == (24, 3)
    assert card.describe().parameters == PARAMETERS - 6 * 16 * 8 + 6 * 36 * 8  # 24 → 12 → 6


def test_a_file_that_cannot_be_stops_before_a_folder_is_made(tmp_path, photos, file):
    file.write_text(TEXT.replace("pool: 2", "pool: 20"))
    with pytest.raises(ModelError, match=r"net\.yaml: layer 2 \(pool, kernel 20\): .* sizes so far: 17 → 9;"):
        cs.train(photos, cs.Recipe(model=str(file), **QUICK), out=tmp_path / "runs")
    file.write_text(TEXT.replace("pool: 2", "pool: 5"))
    with pytest.raises(ModelError, match=r"my tiny net at 8 pixels: layer 2 .* sizes so far: 8 → 4;"):
        cs.train(photos, cs.Recipe(model=str(file), size=8, **QUICK), out=tmp_path / "runs")

    assert not (tmp_path / "runs").exists()


def test_another_model_takes_the_old_definition_away(tmp_path, file, photos, monkeypatch):
    whole = cs.Recipe(model=str(file), **QUICK).whole()
    whole.save(tmp_path / "config.yaml")

    assert whole.network == "my tiny net"
    assert whole.settle(epochs=3).definition == whole.definition
    assert whole.settle(model="lenet5").definition is None
    assert recipes.parse(recipes.load(tmp_path / "config.yaml")) == whole
    other = ("--model", "lenet5_modern", "--out", tmp_path, "--name", "other", "--epochs", 1, "--quiet")
    command("train", photos, "--config", tmp_path / "config.yaml", *other)
    assert Bundle.load(tmp_path / "other").card.network == "lenet5_modern"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "lenet5", "definition": yaml.safe_load(TEXT)}, "model lenet5 and a definition of another network"),
        (
            {"definition": {**yaml.safe_load(TEXT), "layers": ["cnov"]}},
            "definition: layer 1: no layer is called 'cnov'",
        ),
    ],
)
def test_a_recipe_with_a_definition_that_cannot_be_is_one_line(settings, message):
    with pytest.raises(RecipeError) as caught:
        recipes.parse(settings)

    assert message in str(caught.value)


CARD = Card(
    convscope="0", network="mine", classes=("a", "b"), codes=("n01", "n02"), definition=yaml.safe_load(TEXT),
    preprocess=cs.Preprocess(size=17, channels=3, mean=(0.5,) * 3, spread=(0.5,) * 3),
)  # fmt: skip


def refusal(folder: Path, weights, **changes) -> str:
    described = json.dumps(json.loads(CARD.model_dump_json()) | changes)
    (folder / FILE).write_bytes(safetensors.torch.save(weights, metadata={KEY: described}))
    with pytest.raises(ModelFileError) as caught:
        Bundle.load(folder).network()
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_a_strangers_model_file_is_checked_like_a_strangers_yaml(tmp_path):
    weights, layers = CARD.build().state_dict(), [{"residual": [{"cnv": 3}]}]
    deep = "relu"
    for _ in range(9):
        deep = {"residual": [deep]}

    for definition, message in [
        ({**CARD.definition, "layers": layers}, "layer 1.1: no layer is called 'cnv'"),
        ({**CARD.definition, "layers": [deep]}, "blocks inside blocks"),
        ({**CARD.definition, "layers": [{"dense": 2**70}]}, "a huge number"),
        ({}, "name nothing"),
        ("text", "its description.definition"),
    ]:
        assert message in refusal(tmp_path, weights, definition=definition)
    assert "do not fit mine" in refusal(tmp_path, weights, definition={**CARD.definition, "layers": ["flatten"]})


def test_a_strangers_model_file_opens_no_other_file(tmp_path, file):
    message = refusal(tmp_path, CARD.build().state_dict(), definition=None, network=str(file))

    assert "a network of somebody's own, whose definition is missing" in message


def test_a_model_file_from_before_has_neither_definition_nor_codes(tmp_path):
    described = json.loads(CARD.model_dump_json()) | {"network": "lenet5_modern"}
    del described["definition"], described["codes"]
    weights = zoo.build("lenet5_modern", 2, 3, 17).state_dict()
    (tmp_path / FILE).write_bytes(safetensors.torch.save(weights, metadata={KEY: json.dumps(described)}))

    card = Bundle.load(tmp_path).card

    assert (card.definition, card.codes) == (None, ())
    assert Bundle.load(tmp_path).network()


@pytest.mark.parametrize("codes", [("n01",), ("n01", "n01"), ("n01", "n02", "n03")])
def test_codes_are_one_a_class_or_none(tmp_path, codes):
    assert "codes need 2 different names, one per class" in refusal(tmp_path, CARD.build().state_dict(), codes=codes)


def labelled(*names):
    return cs.Listing(
        title="t", store=None, files=names, labels=np.arange(len(names)), classes=names, parts=("",) * len(names)
    )


@pytest.mark.parametrize(
    ("names", "labels"),
    [(("dog", "cat"), [1, 0]), (("n02", "n01"), [1, 0]), (("n02",), [1]), (("1", "0"), [1, 0]), (("cat",), [0])],
)
def test_labels_may_be_names_codes_or_positions(names, labels):
    assert with_classes(labelled(*names), ("cat", "dog"), ("n01", "n02")).labels.tolist() == labels


def test_a_class_that_is_called_like_the_code_of_another_is_taken_by_its_name():
    assert with_classes(labelled("b", "a"), ("a", "b"), ("b", "a")).labels.tolist() == [1, 0]


@pytest.mark.parametrize("names", [("cat", "n02"), ("n01", "n03"), ("n01", "1")])
def test_mixed_and_unknown_labels_are_refused(names):
    with pytest.raises(DataError, match="of its classes are unknown to the model"):
        with_classes(labelled(*names), ("cat", "dog"), ("n01", "n02"))


def test_pictures_in_folders_named_by_codes_are_judged(run, tmp_path):
    folder, photos, _ = run
    bundle = Bundle.load(folder)
    coded = replace(bundle, card=bundle.card.model_copy(update={"codes": ("n1", "n2", "n3")}), path=None)
    for name, code in zip(bundle.card.classes, ("n1", "n2", "n3"), strict=True):
        (tmp_path / code).symlink_to(photos / name)

    by_code, by_name = (cs.evaluate(coded, place, split="all") for place in (tmp_path, photos))

    assert by_code.confusion == by_name.confusion


def test_heads_that_serve_training_only_are_left_out(tmp_path):
    torch.manual_seed(0)
    network = zoo.build("googlenet", 2, 3, 32)
    card = CARD.model_copy(update={"network": "googlenet", "definition": None, "preprocess": cs.Preprocess(
        size=32, channels=3, mean=(0.5,) * 3, spread=(0.5,) * 3)})  # fmt: skip
    names = {name for name in network.state_dict() if not name.startswith("aux_")}
    x = torch.randn(2, 3, 32, 32)

    bundle = Bundle(card, network.state_dict())
    bundle.save(tmp_path / FILE)
    back = Bundle.load(tmp_path)

    assert names < set(network.state_dict())
    assert set(back.weights) == names
    assert back.network().aux_4a is None
    with torch.no_grad():
        assert torch.equal(back.network()(x), network.eval()(x))
        assert torch.equal(bundle.network()(x), network(x))


def test_a_network_that_only_answers_keeps_everything_else():
    network = torch.nn.ModuleDict({"aux_4a": torch.nn.ReLU(), "features": torch.nn.ReLU()})

    assert [name for name, _ in answering(network).named_children()] == ["features"]


@pytest.mark.parametrize(
    ("name", "folder"), [("timm:resnet18", "timm_resnet18-d"), ("내 망 2", "내_망_2-d"), ("a+b.c", "a+b.c-d")]
)
def test_a_run_folder_has_a_name_that_every_system_takes(name, folder):
    assert default_name(name, "d") == folder


def test_a_yaml_file_is_described_by_the_command(file, capsys):
    command("summary", file, "--json", "--classes", 3)

    assert json.loads(capsys.readouterr().out)["parameters"] == PARAMETERS
