"""Near-duplicates are found, and pictures that merely look alike are not."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from convscope.data.checks.look import look_at, thumbnail
from convscope.data.decode import decode
from convscope.data.sources import read
from convscope.evaluation.passport.check import check
from convscope.evaluation.passport.cut import cut_or_mirrored, laid_over
from convscope.evaluation.passport.near import Pair, candidates, groups, near_duplicates
from convscope.inference.answering import Values
from tests.faults import brighter, jpeg, put, resized, scene

ALTERED = {
    "saved again at 40": lambda picture: jpeg(picture, 40),
    "half as large": lambda picture: jpeg(resized(picture, 0.5)),
    "half as large again": lambda picture: jpeg(resized(picture, 1.5)),
    "5 % brighter": lambda picture: jpeg(brighter(picture, 1.05)),
    "5 % darker": lambda picture: jpeg(brighter(picture, 0.95)),
    "smaller and brighter": lambda picture: jpeg(brighter(resized(picture, 0.6), 1.05)),
}


def thumbnails(contents):
    return np.stack([thumbnail(decode(content)) for content in contents])


def found_among(contents, small=False):
    return near_duplicates(thumbnails(contents), np.full(len(contents), small))


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_copy_is_found_and_nothing_else(how):
    pictures = [scene(seed) for seed in range(40)]
    contents = [jpeg(picture) for picture in pictures] + [ALTERED[how](picture) for picture in pictures[:20]]

    assert found_among(contents) == [Pair(row, 40 + row) for row in range(20)]


def test_altered_photos_are_found_and_no_two_different_ones(shared):
    listing = read(shared / "hymenoptera")
    contents = [listing.store.content(file) for file in listing.files[:150]]
    photos = [Image.open(io.BytesIO(content)).convert("RGB") for content in contents[:60]]
    changed = [make(photo) for photo, make in zip(photos, list(ALTERED.values()) * 10, strict=True)]

    found = found_among([*contents, *changed])

    wanted = {Pair(row, 150 + row) for row in range(60)}
    assert set(found) <= wanted
    assert len(found) >= 0.95 * 60


def test_different_digits_are_not_duplicates_small_or_enlarged():
    pixels = read("digits").store.pixels[:800]
    enlarged = np.stack([np.asarray(_enlarged(each)) for each in pixels])

    assert near_duplicates(enlarged, np.ones(800, bool)) == []
    assert len(near_duplicates(enlarged, np.zeros(800, bool))) <= 1


def _enlarged(pixels):
    picture = Image.fromarray(pixels[0].numpy()).resize((96, 96), Image.Resampling.BICUBIC)
    return thumbnail(torch.from_numpy(np.array(picture))[None])


def test_plain_backgrounds_are_not_duplicates():
    draw = np.random.default_rng(0)
    plain = [draw.integers(40, 220, 3) + draw.normal(0, 2, (128, 128, 3)) for _ in range(60)]

    assert found_among([jpeg(Image.fromarray(each.clip(0, 255).astype(np.uint8))) for each in plain]) == []


def test_the_same_drawing_in_other_colours_is_not_a_duplicate():
    drawing = np.asarray(scene(1)).astype(int)
    other = 255 - drawing[..., [1, 2, 0]]

    pictures = [Image.fromarray(each.astype(np.uint8)) for each in (drawing, drawing[..., [1, 2, 0]], other)]
    assert found_among([jpeg(picture) for picture in pictures]) == []


def test_a_border_that_all_share_does_not_make_duplicates():
    framed = []
    for seed in range(30):
        frame = Image.new("RGB", (160, 160), (255, 255, 255))
        frame.paste(scene(seed), (0, 20))
        framed.append(jpeg(frame))

    assert found_among(framed) == []


def test_a_film_of_nearly_equal_frames_is_one_group_and_fits_into_memory():
    picture = scene(3)
    frames = [jpeg(brighter(picture, 0.9 + number / 1000)) for number in range(150)]

    found = found_among([*frames, *(jpeg(scene(50 + seed)) for seed in range(10))])

    assert {place for pair in found for place in pair} == set(range(150))
    assert max(len(group) for group in groups(found)) >= 60


class Sees:
    """An embedder whose embeddings are given."""

    def __init__(self, vectors):
        self.vectors = np.array(vectors, np.float32)

    def embed(self, listing, listener=None):
        return Values(listing, self.vectors, ())


def test_a_cut_and_mirrored_copy_is_found_where_embeddings_propose_it(tmp_path):
    picture, width = scene(0, (200, 200)), 160
    cut_out = picture.crop((25, 10, 25 + width, 10 + width)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for name, each in (("a/1", picture), ("a/2", cut_out), ("b/1", scene(1, (200, 200))), ("b/2", scene(2))):
        put(tmp_path / f"{name}.jpg", each)
    listing = read(tmp_path)

    near = [[1, 0], [0.9, 0.1], [-1, 0], [-1, 0.1]]
    far = [[1, 0], [-1, 0], [0, 1], [0, -1]]

    assert cut_or_mirrored(listing, look_at(listing, 1), Sees(near)) == [Pair(0, 1)]
    assert cut_or_mirrored(listing, look_at(listing, 1), Sees(far)) == []
    assert [finding.files for finding in check(listing, embedder=Sees(near)).of("near-duplicate")] == [
        ("a/1.jpg", "a/2.jpg")
    ]
    assert check(listing).of("near-duplicate") == []


def test_pictures_laid_over_strangers_do_not_agree():
    ones, others = (thumbnails([jpeg(scene(first + seed)) for seed in range(20)]) for first in (0, 100))

    assert laid_over(ones, others).max() < 0.72
    assert laid_over(ones, ones[..., ::-1]).min() > 0.99


def test_nothing_and_one_picture_have_no_duplicates():
    assert found_among([jpeg(scene(0))]) == []
    assert near_duplicates(np.empty((0, 3, 32, 32), np.uint8), np.zeros(0, bool)) == []


def test_blocks_find_what_one_product_finds(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whole = np.argwhere(np.triu(vectors @ vectors.T, 1) > 0.95).tolist()
    monkeypatch.setattr("convscope.evaluation.passport.near.BLOCK", 64)

    assert sorted(candidates(vectors, 0.95).tolist()) == whole


def test_the_pairs_of_pictures_that_are_all_alike_grow_linearly_and_hang_together(monkeypatch):
    monkeypatch.setattr("convscope.evaluation.passport.near.BLOCK", 128)
    draw = np.random.default_rng(0)
    alike, others = 1 + 0.01 * draw.normal(size=(1280, 64)), draw.normal(size=(40, 64))
    vectors = np.concatenate([alike, others, others]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    found = candidates(vectors)

    among = found[found[:, 1] < 1280]
    ties = coo_array((np.ones(len(among)), among.T), shape=(1280, 1280))
    assert len(among) <= 64 * 1280
    assert connected_components(ties, directed=False)[0] == 1
    assert found[found[:, 1] >= 1280].tolist() == [[row, row + 40] for row in range(1280, 1320)]


def test_the_most_alike_is_kept_whichever_block_it_is_in(monkeypatch):
    monkeypatch.setattr("convscope.evaluation.passport.near.BLOCK", 128)
    vectors = 1 + 0.1 * np.random.default_rng(0).normal(size=(640, 64)).astype(np.float32)
    vectors[639] = vectors[300] = vectors[0]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    found = candidates(vectors).tolist()

    assert [0, 300] in found and [0, 639] in found and [300, 639] in found
    assert sum(one == 0 for one, _ in found) == 64


def test_a_planted_blindness_is_noticed(monkeypatch):
    """The tests above would fail if colours and the set no longer counted."""
    monkeypatch.setattr("convscope.evaluation.passport.near.COARSE", 0.8)
    monkeypatch.setattr("convscope.evaluation.passport.near.RATIO", 1.0)
    monkeypatch.setattr("convscope.evaluation.passport.near.candidates.__defaults__", (0.8,))
    enlarged = np.stack([_enlarged(each) for each in read("digits").store.pixels[:400]])

    assert len(near_duplicates(enlarged, np.zeros(400, bool))) > 20
