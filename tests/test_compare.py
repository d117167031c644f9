"""Two runs, the same pictures: which is better, and could it be chance?"""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy import stats

import convscope
from convscope.data import splits
from convscope.errors import DataError
from convscope.evaluation.paired import bootstrap, holm, mcnemar
from convscope.evaluation.predictions import Predictions
from convscope.evaluation.report import Report
from tests.test_tower import NASTY

CLASSES = ("ants", "bees")


def make_run(
    folder, wrong, count=40, *, first=0, split="test", classes=CLASSES, mode="frozen", network="vgg16", seconds=7.5,
    names="{}.jpg",
):  # fmt: skip
    """A finished run whose answers are wrong on the pictures `wrong`; picture i is told by its content alone."""
    numbers = range(first, first + count)
    truth = np.array([number % len(classes) for number in numbers])
    predicted = np.array(
        [(label + (number in wrong)) % len(classes) for number, label in zip(numbers, truth, strict=True)]
    )
    chances = np.full((count, len(classes)), 0.1, np.float32)
    chances[np.arange(count), predicted] = 0.9
    files = tuple(names.format(number) for number in numbers)
    facts = {"views": "centre", "seconds_per_image": 0.1, "model": network, "precision": "f32", "data": "d"}
    report = Report.of(Predictions(files, truth, chances, tuple(classes)), split=split, **facts)
    report.write(folder, picture=lambda row: None)
    rows = [
        splits.Row(file, classes[label], split, f"{number:064x}")
        for file, label, number in zip(files, truth, numbers, strict=True)
    ]
    splits.write(folder / "split.csv", rows)
    (folder / "config.yaml").write_text(f"# settings\nmode: {mode}\n")
    events = [{"time": 100.0, "event": "start"}, {"time": 109.0, "event": "end", "seconds": seconds}]
    (folder / "log.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))
    return folder


@pytest.fixture
def pair(tmp_path):
    """40 pictures: the first run alone is right on one (39), the second alone on nine (0 to 8); both fail on 9."""
    return make_run(tmp_path / "first", {*range(9), 9}), make_run(tmp_path / "second", {9, 39}, mode="finetune")


def test_one_against_nine_by_hand(pair):
    found = convscope.compare(pair)

    assert found.p_value == 0.021484375  # 2 * (C(10, 0) + C(10, 1)) / 2**10
    assert found.only == (1, 9)
    assert found.pairs == 40
    assert [(run.right, run.top1) for run in found.runs] == [(30, 0.75), (38, 0.95)]
    assert [(run.network, run.mode, run.seconds) for run in found.runs] == [
        ("vgg16", "frozen", 7.5),
        ("vgg16", "finetune", 7.5),
    ]
    assert found.runs[found.best].run == str(pair[1])
    assert found.verdict() == "second is better than first (p = 0.021)"
    assert found.verdict("ko") == "second의 정확도가 first (p = 0.021)보다 높습니다"
    low, high = found.runs[0].interval
    scipys = stats.binomtest(30, 40).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((scipys.low, scipys.high))


def test_the_order_of_the_runs_changes_who_is_named_first_only(pair):
    there, back = convscope.compare(pair), convscope.compare(pair[::-1])

    assert back.p_value == there.p_value
    assert back.only == (9, 1)
    assert back.verdict() == there.verdict()


@pytest.mark.parametrize("only", [(0, 0), (0, 1), (1, 9), (5, 5), (17, 4), (0, 40), (300, 240), (3_000, 3_100)])
def test_the_p_value_is_scipys(only):
    discordant = sum(only)
    expected = stats.binomtest(only[0], discordant).pvalue if discordant else 1.0

    assert mcnemar(*only) == pytest.approx(expected, rel=1e-9)


def test_the_p_value_of_a_large_difference_is_a_number():
    assert mcnemar(0, 20_000) == 0.0
    assert mcnemar(0, 1_000) == 2 / 2**1_000


@pytest.mark.parametrize(("only", "pairs"), [((9, 1), 40), ((0, 3), 30), ((60, 40), 500), ((5, 5), 100)])
def test_the_bootstrap_interval_is_scipys(only, pairs):
    """The paired bootstrap of the two models' answers, picture by picture."""
    first = np.array([1] * only[0] + [0] * only[1] + [1] * (pairs - sum(only)), float)
    second = np.array([0] * only[0] + [1] * only[1] + [1] * (pairs - sum(only)), float)

    low, high = bootstrap(*only, pairs)

    scipys = stats.bootstrap(
        (first, second), lambda a, b, axis: (a - b).mean(axis=axis), paired=True, vectorized=True, n_resamples=10_000,
        method="percentile", rng=1,
    ).confidence_interval  # fmt: skip
    assert (low, high) == pytest.approx((scipys.low, scipys.high), abs=1.01 / pairs)


def test_the_bootstrap_interval_by_hand():
    # nine pictures of a hundred only the first gets right, none the second: a binomial count, of which the 2.5th
    # percentile is 4 (P(X <= 3) = 0.0173, P(X <= 4) = 0.0474) and the 97.5th is 15 (P(X <= 14) = 0.966, <= 15: 0.983)
    low, high = bootstrap(9, 0, 100)

    assert (low, high) == pytest.approx((0.04, 0.15))
    assert bootstrap(9, 0, 100) == (low, high)  # the same drawing each time
    assert bootstrap(0, 9, 100, seed=3) == pytest.approx((-0.15, -0.04), abs=0.011)


@pytest.mark.parametrize("p_values", [[0.01, 0.04, 0.03, 0.005], [0.5], [0.9, 0.8], [0.02, 0.02, 0.02]])
def test_holm_rejects_what_its_steps_reject(p_values):
    corrected = holm(p_values)

    for level in (0.01, 0.02, 0.05, 0.061, 0.5, 0.95):
        rejected = set()  # Holm 1979: go up from the smallest, stop at the first that is too large
        for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[index] > level / (len(p_values) - rank):
                break
            rejected.add(index)
        assert {index for index, value in enumerate(corrected) if value <= level} == rejected


def test_of_three_runs_each_meets_the_best_and_the_p_values_are_corrected(tmp_path):
    runs = [
        make_run(tmp_path / "best", {0}),
        make_run(tmp_path / "near", {0, 1, 2}),
        make_run(tmp_path / "far", set(range(12))),
    ]

    found = convscope.compare(runs)

    near, far = 2 / 2**2, 2 / 2**11  # nothing is right that the best gets wrong: 2 * C(n, 0) / 2**n
    assert [run.p_value for run in found.runs] == [None, near, pytest.approx(2 * far)]
    assert found.p_value == near
    assert found.only is None
    assert found.verdict() == "best is better than far (p = 0.002); no evidence that it is better than near (p = 0.5)"
    assert "Holm" in found.tested()
    assert found.to_dict()["better"] is False


def test_runs_that_are_right_equally_often_are_told_so(tmp_path):
    found = convscope.compare([make_run(tmp_path / "a", {1, 2}), make_run(tmp_path / "b", {3, 4})])

    assert found.p_value == 1.0  # 2 * (1 + 4 + 6) / 2**4 is more than 1
    assert found.verdict().startswith("no evidence that one is better: a and b")


def test_pictures_are_paired_by_content_not_by_name(tmp_path):
    runs = [
        make_run(tmp_path / "a", set(range(9))),
        make_run(tmp_path / "b", set(), names="사진/{} (1), kopie.png"),
        make_run(tmp_path / "shifted", set(), first=1),  # content i is called as i + 1 is by the first
    ]
    shifted = runs[2] / "split.csv"
    shifted.write_text(shifted.read_text().replace("40.jpg", "0.jpg"))
    (runs[2] / "predictions.csv").write_text(
        (runs[2] / "predictions.csv").read_text().replace("40.jpg", "0.jpg")
    )  # every name of the first run is there, and two contents are not

    assert convscope.compare(runs[:2]).pairs == 40
    assert convscope.compare([runs[0], runs[2]]).pairs == 39


def test_copies_of_a_picture_count_once(tmp_path):
    runs = [make_run(tmp_path / name, set()) for name in ("a", "b")]
    for run in runs:
        rows = splits.read(run / "split.csv")
        splits.write(run / "split.csv", [row._replace(sha256=rows[0].sha256) if index < 4 else row
                                         for index, row in enumerate(rows)])  # fmt: skip

    assert convscope.compare(runs).pairs == 36 + 2  # the copies bear two labels


def test_names_that_are_no_unicode_are_paired_all_the_same(tmp_path):
    runs = [make_run(tmp_path / name, set(), names="caf\udce9{}.jpg") for name in ("a", "b")]
    for run in runs:  # a split spells names as `train` does
        file = run / "split.csv"
        file.write_text(file.read_text().replace("\\udce9", "\\xe9"))

    assert convscope.compare(runs).pairs == 40


@pytest.mark.parametrize(("count", "pairs"), [(30, 30), (29, None)])
def test_below_thirty_pairs_nothing_is_said(tmp_path, count, pairs):
    runs = [make_run(tmp_path / "a", {1}), make_run(tmp_path / "b", {2}, count=count)]

    if pairs:
        assert convscope.compare(runs).pairs == pairs
    else:
        with pytest.raises(DataError, match=r"only 29 pictures .* needs 30"):
            convscope.compare(runs)


def test_runs_that_cannot_be_compared_are_one_clear_error(tmp_path):
    first = make_run(tmp_path / "first", {1})
    others = {
        "was judged on test pictures, .* on val pictures": make_run(tmp_path / "val", {1}, split="val"),
        "know other classes .*'bees'": make_run(tmp_path / "wasps", {1}, classes=("ants", "wasps")),
        "only 0 pictures were judged": make_run(tmp_path / "away", {1}, first=1_000),
        "no such folder": tmp_path / "nowhere",
        "no report of convscope there": tmp_path,
    }
    for sentence, other in others.items():
        with pytest.raises(DataError, match=sentence):
            convscope.compare([first, other])
    for alone in ([first], str(first), []):
        with pytest.raises(DataError, match="takes two or more"):
            convscope.compare(alone)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("predictions.csv", b"name,truth\nx,y\n", "no predictions"),
        ("predictions.csv", b"", "no predictions"),
        ("predictions.csv", b"file,true,predicted\n\xff\xfe\n", "damaged"),
        ("predictions.csv", b"file,true,predicted\nonly.jpg\n", "damaged"),
        ("predictions.csv", None, "cannot be read"),
        ("split.csv", None, "cannot be read"),
    ],
)
def test_a_damaged_run_is_named(pair, file, content, sentence):
    (pair[1] / file).unlink()
    if content is not None:
        (pair[1] / file).write_bytes(content)

    with pytest.raises(DataError, match=sentence):
        convscope.compare(pair)


def test_the_time_of_a_run_that_was_cut_off_is_that_of_all_its_sittings(pair):
    lines = [
        '{"time": 10.0, "event": "start", "resumed": false}', '{"time": 25.0, "event": "epoch", "seconds": 9.0}',
        '{"time": 26.0, "ev', '{"time": 500.0, "event": "start", "resumed": true}',
        '{"time": 503.0, "event": "end", "seconds": 4.5}',
    ]  # fmt: skip
    (pair[0] / "log.jsonl").write_text("\n".join(lines) + "\n")
    (pair[1] / "log.jsonl").write_text("[]\n")
    (pair[1] / "config.yaml").write_text("mode: [")

    first, second = convscope.compare(pair).runs

    assert first.seconds == 15.0 + 4.5
    assert (second.seconds, second.mode) == (None, None)


def test_the_command_gives_the_promised_json(convscope, pair):
    status, out, err = convscope("compare", *pair, "--json")

    content = json.loads(out)
    assert (status, err) == (0, "")
    assert {"run", "top1", "interval"} <= content["runs"][0].keys()
    assert [run["run"] for run in content["runs"]] == [str(run) for run in pair]
    assert content["p_value"] == 0.021484375
    assert content["verdict"] == "second is better than first (p = 0.021)"
    assert (content["pairs"], content["only_a"], content["only_b"]) == (40, 1, 9)
    low, high = content["difference_interval"]
    assert content["difference"] == pytest.approx(0.2)
    assert 0 < low < 0.2 < high < 0.4
    assert [run["difference_interval"] for run in content["runs"]] == [[low, high], None]


def test_the_command_says_it_in_words_in_both_languages(convscope, pair):
    english, korean = (convscope("compare", *pair, "--lang", language)[1] for language in ("en", "ko"))

    assert "40 test pictures" in english
    assert "only first is right on 1, only second on 9" in english
    assert re.search(
        r"top-1 of second is higher by 20\.0 points than that of first \(95 % interval \d\.\d to 3\d\.\d\)", english
    )
    assert english.splitlines()[-1] == "second is better than first (p = 0.021)"
    assert "테스트 사진 40장" in korean


def test_a_refusal_is_one_line_and_writes_nothing(convscope, pair, tmp_path):
    status, out, err = convscope("compare", pair[0], tmp_path / "x", "--out", "a.html")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert (
        "--out a.png: give a file name that ends in .html or .svg" in convscope("compare", *pair, "--out", "a.png")[2]
    )
    assert not (tmp_path / "a.html").exists()


def test_two_real_runs_are_compared(convscope, tmp_path):
    from tests.conftest import make_photos

    photos = make_photos(tmp_path / "photos", classes=("red", "blue"), count=100)
    quick = ("--model", "lenet5_modern", "--size", 32, "--batch", 16, "--test-share", 0.2, "--quiet")
    runs = [convscope("train", photos, *quick, "--epochs", n, "--seed", n)[1].splitlines()[-1] for n in (1, 2)]

    content = json.loads(convscope("compare", *runs, "--json", "--out", "both.svg")[1])

    assert content["pairs"] == 40
    for run, row in zip(runs, content["runs"], strict=True):
        report = Report.read(tmp_path / run)
        assert (row["top1"], tuple(row["interval"]), row["n"]) == (report.top1, report.top1_interval, report.n)
        assert (row["network"], row["mode"]) == ("lenet5_modern", "scratch")
        assert row["seconds"] > 0
    assert "lenet5_modern, scratch" in (tmp_path / "both.svg").read_text()


def test_two_seeds_of_one_recipe_are_no_evidence_and_a_borrowed_network_wins(shared, tmp_path):
    """About 20 s: three runs on 397 real photos."""
    recipe = {"test_share": 0.0, "mode": "scratch", "model": "lenet5_modern", "size": 32, "epochs": 4}
    file = shared.parent / "weights/mobilenet_v2_tf.safetensors"
    wanted = {
        "lenet": convscope.Recipe(**recipe),
        "lenet again": convscope.Recipe(**recipe, seed=1),
        "mobilenet": convscope.Recipe(test_share=0.0, mode="frozen", model="mobilenet_v2_same", weights=str(file)),
    }
    runs = {
        name: convscope.train(shared / "hymenoptera", r, out=tmp_path, name=name).path for name, r in wanted.items()
    }

    seeds = convscope.compare([runs["lenet"], runs["lenet again"]])
    networks = convscope.compare([runs["lenet"], runs["mobilenet"]])

    assert seeds.verdict().startswith("no evidence")
    low, high = seeds.runs[1 - seeds.best].difference_interval
    assert low <= 0 <= high
    assert networks.verdict().startswith("mobilenet is better than lenet (p < 0.0001)")
    assert networks.runs[0].difference_interval[0] > 0.1
    assert (seeds.pairs, networks.pairs) == (153, 153)


def heights(svg):
    """(middle, low, high) of every run's mark in the field, in pixels from the top."""
    whisker = re.findall(r'class="whisker" d="M[\d.]+ ([\d.]+)h10m-5 0V([\d.]+)m', svg)
    return [(float(dot), float(low), float(high))
            for dot, (low, high) in zip(re.findall(r'cy="([\d.]+)" r="5"', svg), whisker, strict=True)]  # fmt: skip


def test_the_chart_is_one_inert_file_with_marks_where_the_numbers_are(pair):
    found = convscope.compare(pair)

    svg = found.chart()

    ElementTree.fromstring(svg)
    assert "vgg16, finetune" in svg
    assert not re.search(r"(href|src|url\()", svg)
    # heights are linear in accuracy: the same line through both runs' accuracies meets their bounds
    (first, low, high), (second, *_) = heights(svg)
    slope = (second - first) / (0.95 - 0.75)
    bottom, top = found.runs[0].interval
    assert low == pytest.approx(first + slope * (bottom - 0.75), abs=0.2)
    assert high == pytest.approx(first + slope * (top - 0.75), abs=0.2)


def test_runs_with_odd_names_and_times_are_drawn(tmp_path):
    runs = [
        make_run(tmp_path / "같은 이름", set(), network=NASTY, seconds=0.0),
        make_run(tmp_path / ("x" * 80), set(), network="망" * 60, seconds=900_000.0),
        make_run(tmp_path / "untimed", set()),
    ]
    (runs[2] / "log.jsonl").unlink()

    svg = convscope.compare(runs).chart()

    ElementTree.fromstring(svg)
    assert len(heights(svg)) == 2
    assert "<script" not in svg
    assert "no time known" in svg
    (runs[0] / "log.jsonl").unlink()
    ElementTree.fromstring(convscope.compare([runs[0], runs[2]]).chart())


def test_a_browser_shows_the_page_in_both_languages_and_loads_nothing(browser, pair, tmp_path):
    file = tmp_path / "both.html"
    file.write_text(convscope.compare(pair).page(), encoding="utf-8")
    requests, complaints = [], []
    tab = browser.new_page(viewport={"width": 400, "height": 800})
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))

    tab.goto(file.as_uri())
    english = tab.inner_text("main")
    tab.click("text=한국어")
    korean = tab.inner_text("main")

    assert "second is better than first" in english
    assert "first (p = 0.021)보다 높습니다" in korean
    assert "20.0 points than that of first" in english
    assert "first보다 20.0포인트" in korean
    assert tab.is_visible("svg.runs tspan:has-text('가장 높음')")
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]
    assert complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
