"""Every public name says in one line what it is, and in sections what a reader needs."""

import importlib
import inspect
import pkgutil

import pytest
from torch import nn

import convscope
from convscope.models.zoo import NETWORKS

ROOMS_WITH_EXAMPLES = ("convscope.layers", "convscope.data", "convscope.evaluation")


def members():
    """(full name, object) of every public function and class that a module of ours defines."""
    for info in pkgutil.walk_packages(convscope.__path__, "convscope."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        yield info.name, module
        for name, member in vars(module).items():
            ours = getattr(member, "__module__", "") == info.name
            if not name.startswith("_") and ours and (inspect.isfunction(member) or inspect.isclass(member)):
                yield f"{info.name}.{name}", member


MEMBERS = dict(members())


def sections(text: str) -> set[str]:
    """The headings of a docstring."""
    return {line.strip().removesuffix(":") for line in text.splitlines() if line.strip().endswith(":")}


@pytest.mark.parametrize("name", MEMBERS)
def test_it_says_what_it_is_in_one_line(name):
    text = inspect.getdoc(MEMBERS[name]) or ""
    first = text.splitlines()[0] if text else ""

    assert first, f"{name} has no docstring"
    assert not first[0].islower() or first[0] == "y", f"{name}: {first}"  # y: a formula


BRICKS = {
    name: member
    for name, member in MEMBERS.items()
    if inspect.isclass(member)
    and issubclass(member, nn.Module)
    and name.startswith(("convscope.layers", "convscope.models"))
}


@pytest.mark.parametrize("name", BRICKS)
@pytest.mark.parametrize("section", ["Shape", "Source", "Example"])
def test_a_brick_or_network_has_the_section(name, section):
    assert section in sections(inspect.getdoc(BRICKS[name]))


FUNCTIONS = {
    name: member
    for name, member in MEMBERS.items()
    if inspect.isfunction(member)
    and name.startswith(ROOMS_WITH_EXAMPLES)
    and not name.startswith("convscope.evaluation.page.")  # makers of markup: an example would show markup
}
# they read or write files, take a network or a listing: an example would be all set-up; tests show them
NO_EXAMPLE = {
    "convscope.data.builtin.cache_folder", "convscope.data.builtin.digits", "convscope.data.builtin.mnist",
    "convscope.data.builtin.cifar", "convscope.data.decode.is_grey", "convscope.data.decode.thumbnail",
    "convscope.data.files.write_bytes", "convscope.data.files.write_csv", "convscope.data.files.write_json",
    "convscope.data.files.write_text", "convscope.data.idx.load", "convscope.data.listing.build",
    "convscope.data.sources.gather", "convscope.data.splits.read", "convscope.data.splits.write",
    "convscope.data.stores.plain", "convscope.data.tables.refuse_missing", "convscope.data.tables.within",
    "convscope.evaluation.answers.predict", "convscope.evaluation.answers.stream",
    "convscope.evaluation.passport.cut.cut_or_mirrored", "convscope.evaluation.passport.cut.embedder",
    "convscope.evaluation.compare.compare", "convscope.evaluation.protocol.evaluate",
    "convscope.evaluation.protocol.judge", "convscope.evaluation.parts.recorded_split",
    "convscope.evaluation.parts.with_classes", "convscope.evaluation.members.answering",
    "convscope.evaluation.members.name_of", "convscope.evaluation.members.opened",
    "convscope.evaluation.publish.publish",
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_data_layers_or_evaluation_has_an_example(name):
    if name not in NO_EXAMPLE:
        assert ">>>" in inspect.getdoc(FUNCTIONS[name]), name


def test_the_exceptions_are_functions_that_exist():
    assert FUNCTIONS.keys() >= NO_EXAMPLE


def test_functions_with_several_arguments_explain_them():
    for name, member in MEMBERS.items():
        if not inspect.isfunction(member) or ".ui." in name or name not in public_paths():
            continue
        assert "Args" in sections(inspect.getdoc(member)) or len(inspect.signature(member).parameters) < 2, name


def public_paths():
    """Full names of the public interface."""
    return {f"convscope.{home}.{name}" for name, home in convscope._HOME.items()}


def test_every_network_names_its_paper():
    assert all(row.paper and 1980 <= row.year <= 2030 for row in NETWORKS.values())
