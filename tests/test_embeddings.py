"""Embeddings are computed once, and never used for another picture, preprocessing or network."""

import numpy as np
import pytest

from convscope.data.sources import read
from convscope.data.views import View, views
from convscope.inference.embeddings import Embedder, Features, Remembered
from convscope.inference.engine import Engine
from tests.conftest import COLOURS, paint
from tests.test_engines import bundle_of


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))


def embedder(seed=0, size=32) -> Embedder:
    return Embedder(Engine(bundle_of("mobilenet_v2", size=size, classes=3, seed=seed)))


def test_what_is_kept_is_what_would_be_computed(photos):
    fresh, known = embedder(), embedder()

    first = fresh.embed(read(photos))
    second = known.embed(read(photos))

    assert (fresh.computed, known.computed) == (36, 0)
    assert np.array_equal(first.values, second.values)
    alone = Embedder(Engine(bundle_of("mobilenet_v2", size=32, classes=3)), remember=False)
    assert np.abs(alone.embed(read(photos)).values - second.values).max() <= 1e-6


def test_ten_more_photos_cost_ten(photos):
    embedder().embed(read(photos))
    for number in range(10):
        paint(photos / "red" / f"new{number}.png", COLOURS["red"], seed=9_000 + number)

    again = embedder()
    again.embed(read(photos))

    assert again.computed == 10


def test_a_changed_picture_is_computed_anew(photos):
    before = embedder().embed(read(photos))
    paint(photos / "red" / "000.png", COLOURS["blue"], seed=9_000)

    again = embedder()
    after = again.embed(read(photos))

    row = after.listing.files.index("red/000.png")
    assert again.computed == 1
    assert not np.allclose(after.values[row], before.values[row])
    others = np.arange(len(after.values)) != row
    assert np.array_equal(after.values[others], before.values[others])


def test_a_renamed_picture_is_known(photos):
    embedder().embed(read(photos))
    (photos / "red" / "000.png").rename(photos / "red" / "zzz.png")

    again = embedder()
    again.embed(read(photos))

    assert again.computed == 0


def test_other_weights_know_nothing(photos):
    embedder().embed(read(photos))

    again = embedder(seed=1)
    again.embed(read(photos))

    assert again.computed == 36


@pytest.mark.parametrize(
    "change",
    [{"share": 0.5}, {"resize": "pad"}, {"interpolation": "bicubic"}, {"mean": (0.1, 0.2, 0.3)}, {"decode": "scaled"}],
    ids=str,
)
def test_another_preprocessing_knows_nothing(change, photos):
    embedder().embed(read(photos))
    bundle = bundle_of("mobilenet_v2", size=32, classes=3)
    card = bundle.card.model_copy(update={"preprocess": bundle.card.preprocess.model_copy(update=change)})

    again = Embedder(Engine(type(bundle)(card, bundle.weights)))
    again.embed(read(photos))

    assert again.computed == 36


def test_another_engine_knows_nothing(photos):
    embedder().embed(read(photos))

    again = Embedder(Engine(bundle_of("mobilenet_v2", size=32, classes=3), backend="torch", precision="bf16"))
    again.embed(read(photos))

    assert again.computed == 36


def test_copies_of_a_picture_are_looked_at_once(photos):
    (photos / "red" / "copy.png").write_bytes((photos / "red" / "000.png").read_bytes())

    once = embedder()
    seen = once.embed(read(photos))

    assert once.computed == 36
    rows = [seen.listing.files.index(f"red/{name}.png") for name in ("000", "copy")]
    assert np.array_equal(seen.values[rows[0]], seen.values[rows[1]])


def test_a_picture_that_changes_while_it_is_read_is_left_out(photos, monkeypatch):
    """The planted change comes between the fingerprint and the look: the old name must not get the new content."""
    listing = read(photos)
    listing.hash()
    paint(photos / "red" / "000.png", COLOURS["blue"], seed=9_000)

    seen = embedder().embed(listing)

    assert [fault.file for fault in seen.broken] == ["red/000.png"]
    assert "changed" in seen.broken[0].reason
    known = embedder().features(View("centre", bundle_of("mobilenet_v2", size=32, classes=3).card.preprocess))
    assert listing.hashes[listing.files.index("red/000.png")] not in known.known(list(listing.hashes))


def test_a_picture_that_goes_while_others_are_read_is_named(photos):
    listing = read(photos)
    listing.hash()
    (photos / "red" / "000.png").unlink()

    seen = embedder().embed(listing)

    assert [fault.file for fault in seen.broken] == ["red/000.png"]
    assert len(seen.values) == 35


def test_a_damaged_file_of_embeddings_is_made_anew(photos, tmp_path):
    first = embedder().embed(read(photos))
    (shard,) = (tmp_path / "cache" / "features").rglob("*.safetensors")
    damaged = bytearray(shard.read_bytes())
    damaged[-5] ^= 0x10
    shard.write_bytes(damaged)

    again = embedder()
    second = again.embed(read(photos))

    assert again.computed == 36
    assert np.array_equal(first.values, second.values)


def test_embeddings_that_may_not_be_read_are_computed_and_left_alone(photos, tmp_path, monkeypatch):
    embedder().embed(read(photos))
    (shard,) = (tmp_path / "cache" / "features").rglob("*.safetensors")
    real = type(shard).read_bytes
    monkeypatch.setattr(
        type(shard),
        "read_bytes",
        lambda file: (_ for _ in ()).throw(PermissionError()) if file == shard else real(file),
    )

    again = embedder()
    again.embed(read(photos))

    assert again.computed == 36
    assert shard.exists()


def test_one_embedder_keeps_views_of_one_name_apart(photos):
    one = embedder()
    preprocess = one.engine.bundle.card.preprocess
    other = View("centre", preprocess.model_copy(update={"share": 0.5}))

    plain, closer = one.embed(read(photos)).values, one.embed(read(photos), other).values

    assert not np.allclose(plain, closer)


def test_each_broken_picture_has_its_own_reason(photos):
    (photos / "red" / "000.png").write_bytes(b"")
    (photos / "red" / "001.png").write_bytes(b"nothing of the kind")
    (photos / "red" / "002.png").unlink()
    listing = read(photos)
    (photos / "red" / "003.png").unlink()

    reasons = {fault.file: fault.reason for fault in embedder().embed(listing).broken}

    assert reasons["red/000.png"] == "the file is empty"
    assert "not a picture" in reasons["red/001.png"]
    assert "No such file" in reasons["red/003.png"]


def test_many_small_files_become_one(tmp_path):
    features = Features(tmp_path / "some")
    for number in range(20):
        features.keep([f"{number:064x}"], np.full((1, 4), number, np.float32))

    assert len(list(features.folder.glob("*"))) < 20
    found = features.known([f"{number:064x}" for number in range(25)])
    assert {int(name, 16): vector[0] for name, vector in found.items()} == {number: number for number in range(20)}


def test_views_look_at_other_pixels_and_are_kept_apart(photos):
    preprocess = bundle_of("mobilenet_v2", size=32, classes=3).card.preprocess
    one, looks = embedder(), views(preprocess, "crops")

    values = [one.embed(read(photos), view).values for view in looks]
    assert one.computed == 4 * 36
    again = embedder()
    for view, wanted in zip(looks, values, strict=True):
        assert np.array_equal(again.embed(read(photos), view).values, wanted)

    assert again.computed == 0
    assert [view.flip for view in looks] == [False, True, False, True]
    assert not any(np.allclose(values[0], other) for other in values[1:])


def test_a_mirrored_look_sees_the_mirrored_picture(tmp_path):
    from PIL import Image

    stripe = np.zeros((32, 32, 3), np.uint8)
    stripe[:, :8] = 255
    for name, pixels in (("left", stripe), ("right", stripe[:, ::-1])):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "0.png")
    one = embedder()

    plain = one.embed(read(tmp_path)).values
    flipped = one.embed(read(tmp_path), views(one.engine.bundle.card.preprocess, "flip")[1]).values

    assert np.abs(plain[0] - flipped[1]).max() < 1e-5
    assert np.abs(plain[0] - plain[1]).max() > 1e-3


def test_answers_from_memory_are_the_engine_s(photos):
    bundle = bundle_of("mobilenet_v2", size=32, classes=3)
    one = Embedder(Engine(bundle))
    one.embed(read(photos))

    ((readable, answers, broken),) = Remembered(one, bundle).answer(read(photos))

    direct = np.concatenate([values for _, values, _ in Engine(bundle).answer(read(photos))])
    assert readable.files == read(photos).files
    assert not broken
    assert np.abs(answers - direct).max() < 1e-6
