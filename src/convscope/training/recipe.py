"""`Recipe`: every number of a run; the command's flags, the YAML file and the record in the model file alike."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from convscope.data.files import write_text
from convscope.errors import ModelError, RecipeError, nearest
from convscope.models import own
from convscope.training.settings import PictureSettings, StepSettings

# what a mode's numbers are where nobody says otherwise
DEFAULTS: dict[str, dict[str, Any]] = {
    "frozen": {"epochs": 1},
    "finetune": {"epochs": 5, "batch": 32, "warmup_epochs": 0.5, "crop": "area", "flip": True},
}
# settings of steps and of the pictures that they see, of which a frozen run takes none
STEPS = tuple(
    field for field in (*StepSettings.model_fields, *PictureSettings.model_fields) if field != "time_limit_min"
)


class Recipe(PictureSettings, StepSettings):
    """Every number of a run, settled before it starts.

    Raises:
        RecipeError: from `settle` and `load`, for a number that cannot be or an unknown setting.

    Example:
        >>> Recipe(model="lenet5", epochs=3).rate
        0.001
    """

    data: str | None = None
    """What is trained on: a folder, file or built-in name."""
    model: str | None = None
    """Network, from `convscope models`, or a YAML file with a list of layers; without one, a classic that fits."""
    mode: Literal["auto", "scratch", "frozen", "finetune"] = "auto"
    """How much is learned: everything from `scratch`, a new head on a `frozen` borrowed network, or the head first and
    then all of it (`finetune`); `auto` is frozen where weights are at hand, else scratch."""
    recipe: Literal["plain", "paper", "practical"] = "plain"
    """Of training from scratch, the numbers that are not given: plain defaults, what the network's `paper` says, or
    what learns on few pictures (`practical`)."""
    initialise: Literal["own", "printed"] = "own"
    """First values: ours, which deep networks learn from, or those that the paper prints."""
    start_from: str | None = None
    """A finished run whose weights are taken where name and shape agree, as VGG's deep networks started from A."""
    weights: str = "default"
    """Borrowed weights to start from: a safetensors file, `default` for what lies in the weights folders, or `none`."""
    weights_dir: str | None = None
    """Folder to look for weights in, before the cache."""
    views: Literal["centre", "flip", "crops"] = "centre"
    """Of a frozen run: what the head learns from, the picture, also mirrored, or both also from closer."""
    strength: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Of a frozen head: the inverse of its penalty on weights; without one, cross-validation chooses."""
    balance: bool = True
    """Of a frozen head: rare classes count as much as frequent ones."""
    decode: Literal["full", "scaled"] = "full"
    """`scaled` reads JPEGs at a half, quarter or eighth where that still is twice the size needed."""
    keep: Literal["auto", "memory", "disk", "none"] = "auto"
    """Where decoded pictures stay between epochs: in memory where they fit, else on disk; `none` decodes them anew."""
    workers: int | None = Field(default=None, ge=0, le=64)
    """Threads that read and augment pictures ahead of the network; 0 does it between steps."""
    size: int | None = Field(default=None, ge=8, le=4096)
    """Side of the network's input in pixels."""
    resize: Literal["crop", "squash", "pad"] = "crop"
    """How a picture becomes square."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of initialisation, order and dropout."""
    split_seed: int = Field(default=0, ge=0, lt=2**32)
    """Of the split alone."""
    val_share: float = Field(default=0.1, gt=0, lt=0.5)
    """Share of each class for validation, where the data has none."""
    test_share: float = Field(default=0.1, ge=0, lt=0.5)
    """Share of each class for the test, where the data has none; 0 carves none."""
    folds: int | None = Field(default=None, ge=2)
    """Models, each judged on another part of the pictures that it has not seen, with one report over all."""
    manifest: str | None = None
    """CSV that says of every picture its class and part, or that it is dropped (`convscope check --fix`)."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute."""
    precision: Literal["auto", "f32", "bf16"] = "auto"
    """Arithmetic of training steps; `auto` takes bf16 where a two-second test shows that it pays."""
    engine: Literal["auto", "torch", "openvino", "onnx"] = "auto"
    """What runs the frozen part of a borrowed network; `auto` takes the fastest for so many pictures."""
    threads: int | None = Field(default=None, ge=1, le=1024)
    """Threads to compute with."""
    compile: bool = False
    """Let torch.compile fuse the network's steps; pays on GPUs, after a minute of compiling."""
    sync_norm: bool = False
    """On several GPUs: batch normalisation measures the whole batch, not each GPU's share."""
    checkpoint_min: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Minutes between two checkpoints; they come less often where saving would take more than 3 % of the time."""
    track: tuple[Literal["tensorboard", "mlflow", "wandb"], ...] = ()
    """Trackers that are told of every epoch."""
    rbf_margin: float | None = Field(default=None, allow_inf_nan=False)
    """For `lenet5`: the constant j of the paper's MAP loss (eq. 9); none takes cross-entropy."""
    definition: dict[str, Any] | None = None
    """A network of your own, whole: counts instead of the YAML file that `model` names, which may change or go."""

    @model_validator(mode="before")
    @classmethod
    def _as_the_mode_has_it(cls, given: Any) -> Any:  # noqa: ANN401 (anything may be given)
        return {**DEFAULTS.get(str(given.get("mode")), {}), **given} if isinstance(given, dict) else given

    @field_validator("definition")
    @classmethod
    def _can_be_built(cls, definition: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            return own.parse(definition, "definition").to_dict() if definition is not None else None
        except ModelError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.definition is not None and self.model is not None and not self.model.endswith(own.SUFFIXES):
            raise ValueError(f"model {self.model} and a definition of another network: leave one of them out")
        if self.mode in {"frozen", "finetune"} and self.weights == "none":
            raise ValueError(f"mode {self.mode} starts from borrowed weights, and weights none has none; take scratch")
        if self.mode in {"frozen", "finetune"} and (self.recipe != "plain" or self.start_from):
            given = f"recipe {self.recipe}" if self.recipe != "plain" else f"start_from {self.start_from}"
            raise ValueError(
                f"{given}: it is for training from scratch, and mode {self.mode} borrows; take mode scratch"
            )
        if self.mode == "frozen":
            for field in STEPS:
                if getattr(self, field) != (1 if field == "epochs" else Recipe.model_fields[field].default):
                    raise ValueError(
                        f"{field} {getattr(self, field)}: a frozen run fits its head at once, without steps or epochs; "
                        "leave it out, or take mode finetune or scratch"
                    )
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warm-up ({self.warmup_epochs} epochs) must end before training does ({self.epochs})")
        for field in ("mixup", "cutmix", "label_smoothing", "class_weights") if self.rbf_margin is not None else ():
            if getattr(self, field):
                raise ValueError(
                    f"{field} {getattr(self, field)}: the MAP loss of rbf_margin knows none; leave one out"
                )
        if self.track and self.mode == "frozen":
            raise ValueError(f"track {self.track[0]}: a frozen run has no epochs to tell of; take finetune or scratch")
        if self.rbf_margin is not None and self.model != "lenet5":
            raise ValueError("rbf_margin belongs to lenet5: no other network here ends in distances")
        return self

    def settle(self, **choices: Any) -> "Recipe":  # noqa: ANN401 (any field)
        """The same recipe with some fields chosen, checked again; another model takes the old definition away.

        Raises:
            RecipeError: a value that cannot be.
        """
        fresh = {"definition": None} if "model" in choices else {}
        return parse({**self.model_dump(exclude_unset=True), **fresh, **choices})

    @property
    def network(self) -> str:
        """What the network is called, or "" where it is still to be chosen."""
        return str(self.definition["name"]) if self.definition else self.model or ""

    def whole(self) -> "Recipe":
        """The same recipe with a network of one's own read from its file, unless it is in the recipe already.

        Raises:
            ModelError: the file describes no network.
        """
        if self.definition is not None or not self.model or not self.model.endswith(own.SUFFIXES):
            return self
        return self.settle(model=str(Path(self.model).absolute()), definition=own.load(self.model).to_dict())

    def save(self, file: Path) -> None:
        """Write it as YAML that `load` and `--config` read."""
        settings = yaml.safe_dump(self.model_dump(), sort_keys=False, allow_unicode=True)
        write_text(file, f"# settings of a convscope run, schema 1\n{settings}")


def load(file: Path) -> dict[str, Any]:
    """The settings of a YAML file, checked.

    Raises:
        RecipeError: no such file, not YAML, an unknown key, or a value that cannot be.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{file}: cannot be read ({error})") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise RecipeError(f"{file}: not YAML ({str(error).splitlines()[0]})") from None
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise RecipeError(f"{file}: expected lines such as `epochs: 10`")
    try:
        parse(content)
    except RecipeError as error:
        raise RecipeError(f"{file}: {error}") from None
    return content


def parse(settings: dict[str, Any]) -> Recipe:
    """A recipe from plain settings.

    Raises:
        RecipeError: an unknown key, or a value that cannot be; in one line.

    Example:
        >>> parse({"epoch": 3})
        Traceback (most recent call last):
            ...
        convscope.errors.RecipeError: epoch: not a setting; did you mean epochs or step_epochs or warmup_epochs?
        >>> parse({"epochs": 0})
        Traceback (most recent call last):
            ...
        convscope.errors.RecipeError: epochs 0: needs at least 1
    """
    try:
        return Recipe.model_validate(settings)
    except ValidationError as error:
        raise RecipeError(_in_words(error)) from None


_SENTENCES = {
    "greater_than_equal": "needs at least {ge}",
    "greater_than": "needs more than {gt}",
    "less_than_equal": "may be at most {le}",
    "less_than": "must be less than {lt}",
    "literal_error": "allowed: {expected}",
}


def _in_words(error: ValidationError) -> str:
    first = error.errors()[0]
    name, kind, limits = ".".join(str(part) for part in first["loc"]), first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        return f"{name}: not a setting; {nearest(name, list(Recipe.model_fields))}"
    if kind == "value_error":
        return str(limits["error"])
    sentence = _SENTENCES.get(kind, first["msg"].replace("Input should be", "expected")).format(**limits)
    return f"{name} {first['input']}: {sentence}"
