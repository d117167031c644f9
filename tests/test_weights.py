"""What is known of borrowed weights, held against timm's own registry; and files of weights that become model files."""

import json
import subprocess
import sys

import pytest
import safetensors.torch
import timm
import torch

from convscope.models import zoo
from convscope.models.bundle import Bundle, Card
from convscope.models.pretrained import catalogue, importing, labels, renaming
from convscope.ui.cli.main import main

SMALL = "mobilenet_v1_025"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run a command in an empty folder: (exit status, standard output, the lines of standard error)."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        with pytest.raises(SystemExit) as leaving:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return leaving.value.code or 0, out, err.splitlines()

    return command


@pytest.fixture
def weights(tmp_path):
    """A state dict of a small network with 4 classes, as a file of weights."""
    torch.manual_seed(0)
    state = zoo.build(SMALL, classes=4).state_dict()
    safetensors.torch.save_file(state, tmp_path / "theirs.safetensors")
    return state


@pytest.mark.parametrize("row", catalogue.KNOWN, ids=lambda row: row.name)
def test_a_row_says_what_timms_registry_says(row):
    theirs = timm.get_pretrained_cfg(row.name)
    preprocess = row.preprocess()
    at_224 = theirs.input_size == (3, 224, 224)

    assert theirs.hf_hub_id == row.repository
    assert theirs.license == row.licence
    assert theirs.num_classes == 1000
    assert (theirs.mean, theirs.std) == (preprocess.mean, preprocess.spread)
    assert theirs.interpolation == preprocess.interpolation
    assert (theirs.crop_pct if at_224 else theirs.test_crop_pct) == preprocess.share
    assert (theirs.input_size if at_224 else theirs.test_input_size) == (3, preprocess.size, preprocess.size)


@pytest.mark.parametrize("row", catalogue.KNOWN, ids=lambda row: row.name)
def test_a_row_fits_its_network(row):
    with torch.device("meta"):
        theirs = timm.create_model(row.name, pretrained=False).state_dict()
        ours = zoo.build(row.network, 1000).state_dict()

    assert renaming.fit(row.network, theirs).keys() == {name for name in ours if not name.startswith("aux_")}


def test_names_find_their_first_row_and_every_row_is_found_by_its_own():
    assert catalogue.find("resnet50").name == "resnet50.tv_in1k"
    assert all(catalogue.find(row.name) == row for row in catalogue.KNOWN)
    assert {row.network for row in catalogue.ELSEWHERE} < zoo.NETWORKS.keys()


def test_imagenets_names_are_a_thousand_different_ones():
    names, ids = labels.imagenet()

    assert len(set(names)) == len(set(ids)) == 1000
    assert (names[0], ids[0]) == ("tench", "n01440764")
    assert [names[index] for index in (134, 517)] == ["crane (n02012849)", "crane (n03126707)"]
    assert [names[index] for index in (638, 639)] == ["maillot", "maillot, tank suit"]
    assert list(ids) == sorted(ids)


def test_importing_makes_a_model_file_that_answers_as_its_weights_do(run, weights, tmp_path):
    status, out, _ = run("weights", "import", "theirs.safetensors", "--model", SMALL)

    bundle = Bundle.load(tmp_path / f"{SMALL}.safetensors")
    network, original = bundle.network(), zoo.build(SMALL, classes=4).eval()
    original.load_state_dict(weights)
    picture = torch.rand(2, 3, 224, 224)
    assert status == 0
    assert torch.equal(network(picture), original(picture))
    assert bundle.card.classes == ("0", "1", "2", "3")
    assert bundle.card.preprocess == zoo.find(SMALL).borrowed_preprocess()
    assert (bundle.card.licence, bundle.card.scores, bundle.card.codes) == ("unknown", {}, ())
    assert out.splitlines()[-1] == f"{SMALL}.safetensors"


def test_json_says_what_was_made(run, weights):
    result = json.loads(run("weights", "import", "theirs.safetensors", "--model", SMALL, "--out", "m.st", "--json")[1])

    assert result["sha256"] == importing.shelf.sha256_of(importing.Path("m.st"))
    assert (result["model"], result["network"], result["classes"]) == ("m.st", SMALL, 4)
    # 470,072 with 1,000 classes, each of 256 weights and a bias
    assert result["parameters"] == 470_072 - 996 * 257
    assert result["preprocess"]["size"] == 224


def test_classes_come_from_a_file_one_a_line(run, weights, tmp_path):
    (tmp_path / "names.txt").write_text("\ufeff고양이\n개 \n\nbird\nfish\n", encoding="utf-8")

    run("weights", "import", "theirs.safetensors", "--model", SMALL, "--classes", "names.txt", "--out", "m.st")

    assert Bundle.load(tmp_path / "m.st").card.classes == ("고양이", "개", "bird", "fish")


def test_imagenets_classes_bring_their_wordnet_ids(run, tmp_path):
    safetensors.torch.save_file(zoo.build(SMALL, classes=1000).state_dict(), tmp_path / "theirs.safetensors")

    run("weights", "import", "theirs.safetensors", "--model", SMALL, "--classes", "imagenet", "--out", "m.st")

    card = Bundle.load(tmp_path / "m.st").card
    assert (card.classes[0], card.codes[0]) == ("tench", "n01440764")
    assert len(card.codes) == 1000


@pytest.mark.parametrize(
    ("wanted", "mean", "spread"),
    [
        ("imagenet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("tf", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ("caffe", (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3),
    ],
)
def test_the_usual_scales_go_by_name(run, weights, tmp_path, wanted, mean, spread):
    run("weights", "import", "theirs.safetensors", "--model", SMALL, "--preprocess", wanted, "--out", "m.st")

    preprocess = Bundle.load(tmp_path / "m.st").card.preprocess
    assert (preprocess.mean, preprocess.spread) == (mean, spread)
    assert (preprocess.size, preprocess.share) == (224, 0.875)


def test_caffes_weights_see_blue_green_red(run, weights, tmp_path):
    _, out, _ = run(
        "weights", "import", "theirs.safetensors", "--model", SMALL, "--preprocess", "caffe", "--out", "m.st"
    )

    bundle, original = Bundle.load(tmp_path / "m.st"), zoo.build(SMALL, classes=4).eval().requires_grad_(False)
    original.load_state_dict(weights)
    rgb = torch.randint(0, 256, (1, 3, 224, 224), dtype=torch.uint8)
    as_caffe_does = rgb.flip(1).float() - torch.tensor([103.939, 116.779, 123.68])[:, None, None]
    stem = bundle.network().features[0](bundle.card.preprocess.scale(rgb))
    torch.testing.assert_close(stem, original.features[0](as_caffe_does), rtol=1e-4, atol=1e-3)
    assert (stem - original.features[0](as_caffe_does.flip(1))).abs().max() > 1
    assert "blue-green-red" in out


@pytest.mark.parametrize(
    "text", ['{"mean": [0, 0, 0], "interpolation": "bicubic"}', "mean: [0, 0, 0]\ninterpolation: bicubic\n"]
)
def test_preprocessing_comes_from_a_file_and_is_as_usual_where_it_is_silent(run, weights, tmp_path, text):
    (tmp_path / "mine").write_text(text)

    run("weights", "import", "theirs.safetensors", "--model", SMALL, "--preprocess", "mine", "--out", "m.st")

    usual = zoo.find(SMALL).borrowed_preprocess()
    expected = usual.model_copy(update={"mean": (0.0, 0.0, 0.0), "interpolation": "bicubic"})
    assert Bundle.load(tmp_path / "m.st").card.preprocess == expected


def test_a_fetched_file_brings_its_own_preprocessing_and_licence(run, tmp_path):
    theirs = timm.create_model("mobilenetv1_100", pretrained=False, num_classes=3)
    name = "mobilenetv1_100.ra4_e3600_r224_in1k.safetensors"
    safetensors.torch.save_file(theirs.state_dict(), tmp_path / name)

    run("weights", "import", name, "--model", "mobilenet_v1", "--out", "m.st")

    card = Bundle.load(tmp_path / "m.st").card
    assert (card.preprocess.mean, card.preprocess.interpolation) == ((0.5, 0.5, 0.5), "bicubic")
    assert card.licence == "apache-2.0"


def test_a_licence_that_is_given_is_kept(run, weights, tmp_path):
    run("weights", "import", "theirs.safetensors", "--model", SMALL, "--licence", "CC BY 4.0", "--out", "m.st")

    assert Bundle.load(tmp_path / "m.st").card.licence == "CC BY 4.0"


def test_half_precision_becomes_single(run, weights, tmp_path):
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    safetensors.torch.save_file(half, tmp_path / "half.safetensors")

    assert run("weights", "import", "half.safetensors", "--model", SMALL, "--out", "m.st")[0] == 0
    stem = next(iter(weights))
    assert torch.equal(Bundle.load(tmp_path / "m.st").weights[stem], weights[stem].half().float())


def test_a_model_of_ours_gets_other_names_and_keeps_the_rest(run, weights, tmp_path):
    preprocess = zoo.find(SMALL).borrowed_preprocess().model_copy(update={"resize": "pad"})
    card = Card(convscope="1", network=SMALL, classes=tuple("abcd"), preprocess=preprocess, licence="mine")
    Bundle(card, weights).save(tmp_path / "ours.safetensors")
    (tmp_path / "names.txt").write_text("east\nwest\nnorth\nsouth\n")

    run("weights", "import", "ours.safetensors", "--model", SMALL, "--classes", "names.txt", "--out", "m.st")

    made = Bundle.load(tmp_path / "m.st").card
    assert (made.classes[0], made.preprocess, made.licence) == ("east", preprocess, "mine")


def test_a_network_of_ones_own_travels_with_its_weights(run, tmp_path):
    (tmp_path / "tiny.yaml").write_text("input: [1, 28, 28]\nlayers:\n  - conv: {filters: 4, kernel: 3}\n  - pool: 2\n")
    state = zoo.build("tiny.yaml", classes=3).state_dict()
    safetensors.torch.save_file(state, tmp_path / "theirs.safetensors")

    run("weights", "import", "theirs.safetensors", "--model", "tiny.yaml")
    (tmp_path / "tiny.yaml").unlink()

    bundle = Bundle.load(tmp_path / "tiny.safetensors")
    assert bundle.card.definition is not None
    assert bundle.network()(torch.zeros(1, 1, 28, 28)).shape == (1, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ftech", "resnet18"), "ftech: no such command; did you mean fetch?"),
        (("fetch",), "Missing argument 'NAME...'; see convscope weights fetch --help"),
        (("import", "a.safetensors"), "Missing option '--model'; see convscope weights import --help"),
        (("verify", "kit", "--quik"), "see convscope weights verify --help"),
    ],
)
def test_a_slip_in_a_command_of_the_group_is_one_line(run, arguments, sentence):
    status, _, (line,) = run("weights", *arguments)

    assert status == 2
    assert sentence in line


def test_the_group_alone_shows_its_commands(run):
    status, out, _ = run("weights")

    assert status == 0
    assert all(f"  {name} " in out for name in ("list", "fetch", "pack", "verify", "import"))


def test_help_loads_neither_torch_nor_timm_nor_rich(tmp_path):
    code = (
        "import sys\nfrom convscope.ui.cli.main import main\n"
        "try: main(['weights', '--help'])\nexcept SystemExit: pass\n"
        "print([name for name in ('torch', 'rich', 'timm', 'huggingface_hub') if name in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert result.stdout.splitlines()[-1] == "[]"
