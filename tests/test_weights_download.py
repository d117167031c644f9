"""Fetching weights, from a hub of our own on this machine: kept, resumed, checked, and told in one line."""

import json
from types import SimpleNamespace

import huggingface_hub
import pytest
import safetensors.torch
import torch
from huggingface_hub import file_download

from convscope.errors import ModelError, ModelFileError
from convscope.models.pretrained import catalogue, download, shelf
from convscope.ui.cli.main import main
from tests.hub import serving, sha256

CONTENT = safetensors.torch.save({"fc.weight": torch.arange(30_000.0), "fc.bias": torch.zeros(3)})
ROW = catalogue.find("resnet18")
PATH = f"/timm/{ROW.name}/resolve/main/model.safetensors"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with one file; nothing is in the cache, no proxy stands between, and nobody waits before a new try."""
    monkeypatch.setenv("CONVSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr(download, "CHUNK", 10_000)
    huggingface_hub.close_session()
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.address)
        running.put(ROW.name, CONTENT)
        yield running
        huggingface_hub.close_session()


def refused(sentence):
    """The one line of a fetch that must fail."""
    with pytest.raises(ModelFileError, match=sentence) as caught:
        download.fetch(ROW)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def kept():
    return sorted(file.name for file in shelf.cache().iterdir()) if shelf.cache().exists() else []


def test_a_file_is_fetched_once_with_its_checksum_and_licence(hub):
    first = download.fetch(ROW)
    requests = list(hub.asked)
    second = download.fetch(ROW)

    assert first.path.read_bytes() == CONTENT
    assert first.path == shelf.cache() / "resnet18.tv_in1k.safetensors"
    assert first.record == shelf.Record(
        file="resnet18.tv_in1k.safetensors", network="resnet18", sha256=sha256(CONTENT), bytes=len(CONTENT),
        licence="bsd-3-clause", source=hub.address + PATH,
    )  # fmt: skip
    assert second == first._replace(cached=True)
    assert requests == hub.asked == [("HEAD", PATH, None), ("GET", PATH, None)]
    assert kept() == ["resnet18.tv_in1k.json", "resnet18.tv_in1k.safetensors"]


def test_the_hub_is_told_neither_who_asks_nor_with_what(hub):
    download.fetch(ROW)

    assert not any("authorization" in headers for headers in hub.headers)
    assert all("torch" not in headers["user-agent"] for headers in hub.headers)


def test_a_line_that_breaks_is_taken_up_where_it_broke(hub):
    hub.cuts = [50_000]

    assert download.fetch(ROW).path.read_bytes() == CONTENT
    assert hub.asked[-1] == ("GET", PATH, "bytes=50000-")


def test_a_run_that_broke_off_is_gone_on_with_by_the_next(hub):
    class Falls(list):
        def pop(self, *_):
            hub.down = 503  # after the cut nothing more comes
            return super().pop(*_)

    hub.cuts = Falls([70_000])
    line = refused("fetch it again, which goes on after the 70,000 bytes that are here")
    assert "503" in line
    assert ROW.file not in kept()
    hub.down = None

    assert download.fetch(ROW).path.read_bytes() == CONTENT
    assert hub.asked[-1] == ("GET", PATH, "bytes=70000-")
    assert kept() == ["resnet18.tv_in1k.json", "resnet18.tv_in1k.safetensors"]


def test_a_server_that_gives_no_parts_is_asked_for_the_whole(hub):
    hub.cuts, hub.ranges = [50_000], False

    assert download.fetch(ROW).path.read_bytes() == CONTENT


def test_what_is_here_from_another_version_of_the_file_is_not_gone_on_with(hub):
    shelf.cache().mkdir(parents=True)
    (shelf.cache() / f".{ROW.name}.{sha256(b'older')[:16]}.part").write_bytes(b"older")
    (shelf.cache() / f".{ROW.name}.{sha256(CONTENT)[:16]}.part").write_bytes(CONTENT + b"too much")

    assert download.fetch(ROW).path.read_bytes() == CONTENT


def test_another_checksum_is_refused_and_leaves_nothing(hub):
    hub.sums[PATH] = "0" * 64

    assert f"has SHA-256 {sha256(CONTENT)}, not {'0' * 64}; nothing was kept" in refused("resnet18.tv_in1k")
    assert kept() == []


def test_bytes_of_the_start_that_were_changed_here_are_found(hub):
    shelf.cache().mkdir(parents=True)
    (shelf.cache() / f".{ROW.name}.{sha256(CONTENT)[:16]}.part").write_bytes(b"x" * 1000)

    refused("has SHA-256")
    assert kept() == []
    assert not download.fetch(ROW).cached


def test_a_page_in_place_of_weights_is_refused(hub):
    hub.files[PATH] = b"<html>log in to the school's network</html>" * 9

    refused("is not a safetensors file; nothing was kept")
    assert kept() == []


@pytest.mark.parametrize("announced", ["weak", ("../" * 22)[:64], "A" * 64])
def test_a_server_that_announces_no_checksum_is_no_hub(hub, announced):
    hub.sums[PATH] = announced

    refused("comes without SHA-256 and length")
    assert kept() == []


@pytest.mark.parametrize(("status", "sentence"), [(404, "404 Client Error"), (503, "503 Service Unavailable")])
def test_a_file_that_cannot_be_had_is_one_line_with_a_way_out(hub, status, sentence):
    hub.down = status
    if status == 404:
        hub.files.clear()

    line = refused(sentence)
    assert hub.address + PATH in line
    assert str(shelf.cache()) in line
    assert "convscope weights import FILE" in line and "convscope weights pack" in line
    assert not shelf.find_weights("resnet18", shelf.folders())


def test_nobody_listens(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    assert "could not be fetched" in refused("refused")
    assert kept() == []


def test_offline_asks_nobody(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    refused("HF_HUB_OFFLINE is set")
    assert hub.asked == []


def test_offline_is_no_hindrance_once_it_is_here(hub, monkeypatch):
    download.fetch(ROW)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    assert download.fetch(ROW).cached
    assert shelf.find_weights("resnet18", shelf.folders()) == download.fetch(ROW).path


def test_a_damaged_copy_is_fetched_anew(hub):
    path = download.fetch(ROW).path
    path.write_bytes(CONTENT[:-1] + b"x")

    assert not download.fetch(ROW).cached
    assert path.read_bytes() == CONTENT


def test_the_hub_points_to_another_host(hub):
    hub.elsewhere = True

    assert download.fetch(ROW).path.read_bytes() == CONTENT
    assert hub.asked[-1][1] == "/elsewhere" + PATH


def test_the_command_fetches_by_either_name_and_prints_where(hub, capsys):
    hub.put("resnet50.tv2_in1k", CONTENT)

    with pytest.raises(SystemExit) as leaving:
        main(["weights", "fetch", "resnet18", "resnet50.tv2_in1k", "--json"])
    rows = json.loads(capsys.readouterr().out)

    assert not leaving.value.code
    assert [(row["name"], row["network"], row["cached"]) for row in rows] == [
        ("resnet18.tv_in1k", "resnet18", False), ("resnet50.tv2_in1k", "resnet50", False),
    ]  # fmt: skip
    assert rows[1]["file"] == str(shelf.cache() / "resnet50.tv2_in1k.safetensors")


def test_a_misspelt_name_is_told_before_anything_is_fetched(hub, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(["weights", "fetch", "resnet18", "resnt50"])

    assert leaving.value.code == 2
    assert "did you mean resnet50" in capsys.readouterr().err
    assert hub.asked == []


@pytest.mark.parametrize("network", ["alexnet_owt", "googlenet_tv"])
def test_weights_that_exist_only_as_a_pickle_are_not_fetched_and_why_is_said(hub, network):
    with pytest.raises(ModelError, match=r"exist only as a pickle, which may run code .*weights import FILE --model"):
        catalogue.find(network)

    assert hub.asked == []
