"""What a visitor of the app may reach and choose, and what is taken from a browser."""

import pytest

import convscope
from convscope.errors import RecipeError, UnknownModel, UnreadableImage
from convscope.ui.app.choices import modes, settings_of
from convscope.ui.app.ground import Ground, Refused
from convscope.ui.app.workshop import Workshop, frame
from convscope.words import LANGUAGES, say
from tests.conftest import make_photos, paint


def a_ground(folder):
    """A root with a few photos, and its folder of runs."""
    root = folder / "root"
    make_photos(root / "photos", classes=("red", "green"), count=4)
    return Ground.of(root, root / "runs")


@pytest.fixture
def ground(tmp_path):
    return a_ground(tmp_path)


def refused(call, *arguments) -> str:
    with pytest.raises(Refused) as caught:
        call(*arguments)
    return caught.value.key


# what may be reached


@pytest.mark.parametrize("asked", ["photos", "./photos/", " photos ", '"photos"', "photos/../photos"])
def test_a_folder_below_the_root_is_found_as_it_may_be_typed(ground, asked):
    assert ground.pictures(asked) == ground.root / "photos"


@pytest.mark.parametrize(
    "asked", ["..", "../", "/", "/etc", "/etc/passwd", "photos/../../x", "//etc", "/proc/self/environ", "../root-other"]
)
def test_what_lies_outside_is_refused_whether_it_exists_or_not(ground, asked):
    (ground.root.parent / "root-other").mkdir()

    assert refused(ground.pictures, asked) == "app.path.outside"


@pytest.mark.parametrize(
    "asked", ["nothing", "~", "a\0b", "x" * 5000, "C:\\Windows", "http://example.org/a.zip", "\ud800"]
)
def test_what_is_not_there_is_missing(ground, asked):
    assert refused(ground.pictures, asked) == "app.path.missing"


def test_a_link_that_leads_outside_is_refused_wherever_it_lies(ground, tmp_path):
    outside = make_photos(tmp_path / "outside", classes=("a",), count=1)
    (ground.root / "direct").symlink_to(outside)
    (ground.root / "photos" / "linked").symlink_to(outside)
    (ground.root / "twice").mkdir()
    (ground.root / "twice" / "way").symlink_to(ground.root / "photos")
    (ground.root / "loop").symlink_to(ground.root / "loop")

    assert refused(ground.pictures, "direct") == "app.path.outside"
    assert refused(ground.pictures, "photos") == "app.path.link"
    assert refused(ground.pictures, "twice") == "app.path.link"
    assert refused(ground.pictures, "loop") == "app.path.missing"


def test_a_link_that_stays_inside_is_followed(ground):
    (ground.root / "same").symlink_to(ground.root / "photos")

    assert ground.pictures("same") == ground.root / "photos"


def test_neither_a_picture_nor_a_text_is_trained_on(ground):
    assert refused(ground.pictures, "photos/red/000.png") == "app.path.no_pictures"


def test_a_model_is_a_run_or_a_file_and_never_a_link_outside(ground, trained):
    run, _ = trained
    here = ground.runs / "mine"
    here.mkdir(parents=True)
    (here / "model.safetensors").write_bytes((run / "model.safetensors").read_bytes())
    linked = ground.runs / "linked"
    linked.mkdir()
    (linked / "model.safetensors").symlink_to(run / "model.safetensors")

    assert ground.model(str(here)) == here / "model.safetensors"
    assert ground.finished() == [here]
    assert refused(ground.model, str(linked)) == "app.path.outside"
    assert refused(ground.model, str(run)) == "app.path.outside"
    assert refused(ground.model, "photos") == "app.path.missing"
    assert refused(ground.model, "photos/red/000.png") == "app.path.no_model"


@pytest.mark.parametrize("run", ["..", ".", "", "../root", "a/b", "a\0", "missing", "linked"])
def test_only_the_report_of_a_run_is_shown(ground, run):
    (ground.runs / "linked").mkdir(parents=True)
    (ground.runs / "linked" / "report.html").symlink_to("/etc/passwd")

    assert ground.report(run) is None


def test_what_is_offered_leaves_out_runs_and_hidden_folders(ground):
    for name in ("runs", ".git", "_tmp", "more"):
        (ground.root / name).mkdir(exist_ok=True)
    (ground.root / "a.zip").touch()
    (ground.root / "a.txt").touch()

    assert ground.offered() == ["a.zip", "more", "photos"]


def test_an_upload_is_only_what_was_uploaded(ground, tmp_path):
    shop = Workshop(ground, tmp_path / "work")
    inside = paint(shop.uploads / "ab" / "x.png", (1, 2, 3))
    secret = paint(tmp_path / "secret.png", (1, 2, 3))
    (shop.uploads / "ab" / "link.png").symlink_to(secret)

    assert shop.upload({"path": str(inside), "orig_name": "..\\..\\my cat.png"}) == (inside, "my cat.png")
    link = shop.uploads / "ab" / "link.png"
    for path in (str(secret), str(link), "http://a/x.png", "a\0", None, 3, str(shop.uploads)):
        assert refused(shop.upload, {"path": path}) == "app.gone"
    shop.remove(str(secret))
    shop.remove(str(link))
    assert secret.exists()


def test_a_frame_is_read_from_its_address_and_nothing_else_is():
    assert frame({"url": "data:image/jpeg;base64,AAEC"}) == b"\0\1\2"
    for url in (
        "http://a/b.jpg",
        "data:text/html;base64,AAEC",
        "data:image/jpeg;base64,?",
        "file:///etc/passwd",
        None,
        3,
    ):
        with pytest.raises(UnreadableImage):
            frame({"url": url})


# what may be chosen


def test_every_mode_of_the_recipe_can_be_chosen_and_has_a_name():
    for mode in modes():
        assert convscope.Recipe(mode=mode)
        for language in LANGUAGES:
            assert say("app.automatic" if mode == "auto" else f"app.mode.{mode}", language)


def test_what_a_browser_sends_as_a_choice_is_checked(ground, tmp_path):
    paint(ground.root / "w.safetensors.png", (1, 2, 3))
    (tmp_path / "net.yaml").write_text("name: secret")

    assert settings_of(["", "auto", "default"], ground) == {}
    assert settings_of([None, "scratch", "none"], ground) == {"mode": "scratch", "weights": "none"}
    assert settings_of(["vgg16", "frozen", "w.safetensors.png"], ground)["weights"].endswith("w.safetensors.png")
    for model in (str(tmp_path / "net.yaml"), "../net.yaml", "timm:resnet18", ["vgg16"], {"a": 1}):
        with pytest.raises(UnknownModel):
            settings_of([model, "auto", "default"], ground)
    assert refused(settings_of, ["", "auto", str(tmp_path / "net.yaml")], ground) == "app.path.outside"
    assert refused(settings_of, ["", "auto", "missing"], ground) == "app.path.missing"
    with pytest.raises(RecipeError, match="mode everything"):
        settings_of(["", "everything", "default"], ground)
