"""The recipe's settings by what they are of: steps of training, and what becomes of training pictures."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]


class StepSettings(BaseModel):
    """How the weights are moved."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    epochs: int = Field(default=30, ge=1)
    """Passes over the training pictures."""
    batch: int = Field(default=64, ge=2)
    """Pictures per step, over all processes and parts."""
    accumulate: int = Field(default=1, ge=1)
    """Parts in which a step's batch goes through the network, one after the other, where memory is short."""
    rate: float = Field(default=0.001, gt=0, allow_inf_nan=False)
    """Peak learning rate."""
    optimiser: Literal["adam", "adamw", "sgd", "rmsprop"] = "adam"
    """Adam (Kingma & Ba, 2015), AdamW (Loshchilov & Hutter, 2019), SGD with momentum, or RMSprop."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of SGD and RMSprop."""
    nesterov: bool = True
    """Of SGD: look ahead (Nesterov) instead of plain momentum."""
    decay: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Weight decay: added to the gradient; AdamW takes it from the weights themselves."""
    decay_all: bool = True
    """Whether decay pulls at biases and at what normalisation learns, too."""
    schedule: Literal["cosine", "step", "plateau", "one-cycle", "inverse", "constant"] = "cosine"
    """How the rate falls."""
    step_epochs: int = Field(default=10, ge=1)
    """With `step`: epochs between two falls."""
    step_at: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """With `step`: the epochs after which the rate falls, instead of regular ones."""
    step_factor: float = Field(default=0.1, gt=0, le=1)
    """With `step` and `plateau`: what the rate is multiplied by at each fall."""
    plateau_checks: int = Field(default=3, ge=1)
    """With `plateau`: validations without a better loss before a fall."""
    inverse_pace: float = Field(default=1e-4, gt=0, allow_inf_nan=False)
    """With `inverse`: γ of rate · (1 + γ · step)^-p (Caffe's policy `inv`)."""
    inverse_power: float = Field(default=0.75, gt=0, allow_inf_nan=False)
    """With `inverse`: p of the same."""
    warmup_epochs: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """Epochs of linear rise to the peak rate; may be a fraction. With `one-cycle`: of its rise, 0 for three tenths."""
    patience_checks: int | None = Field(default=8, ge=1)
    """Stop after so many validations without a better loss; none never stops early."""
    min_delta: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """By how much the validation loss must fall to count as better."""
    time_limit_min: float | None = Field(default=None, gt=0)
    """Minutes after which no further epoch is begun; the first is always trained."""
    label_smoothing: Share = 0.0
    """Share of the target that all classes get alike (Szegedy et al., 2016, section 7)."""
    ema: Share = 0.0
    """Decay per step of an average of the weights, which is validated and kept; 0 takes none."""
    clip: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Largest norm of the whole gradient."""
    auxiliary: float = Field(default=0.3, ge=0, allow_inf_nan=False)
    """What the loss of a head inside the network counts (GoogLeNet's)."""
    class_weights: bool = False
    """In the loss, rare classes count as much as frequent ones."""
    sampling: Literal["natural", "balanced"] = "natural"
    """`balanced` draws every class as often, rare pictures several times an epoch."""


class PictureSettings(BaseModel):
    """What becomes of training pictures, drawn anew in each epoch from seed, epoch and picture alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    augment: bool = True
    """Whether any of the following is done."""
    crop: Literal["none", "shift", "area", "jitter"] = "none"
    """Another part each time: `shift` moves the picture by up to an eighth, `area` cuts a box of random area and aspect
    (Szegedy et al., 2015), `jitter` scales it at random and cuts a square (Simonyan & Zisserman, 2015)."""
    area_from: float = Field(default=0.35, gt=0, le=1)
    """With `area`: least share of the picture that is cut."""
    jitter_to: float = Field(default=2.0, ge=1, le=4)
    """With `jitter`: the largest scale, as a multiple of the smallest (512/256 in the paper)."""
    grow_from: float = Field(default=1.0, ge=0.25, le=1)
    """Side of training pictures in the first epoch, as a share of the network's; it grows to the whole by three
    quarters of the epochs. Smaller pictures take less time."""
    flip: bool = False
    """Half of the pictures are mirrored."""
    colour: Literal["none", "pca", "jitter"] = "none"
    """`pca` shifts colours along their principal directions (Krizhevsky et al., 2012, section 4.1), `jitter` changes
    brightness, contrast and saturation."""
    policy: Literal["none", "rand", "trivial"] = "none"
    """RandAugment (Cubuk et al., 2020) or TrivialAugment (Müller & Hutter, 2021)."""
    erase: float = Field(default=0.0, ge=0, le=1)
    """Share of pictures from which a box is erased (Zhong et al., 2020)."""
    mixup: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """α of mixing pictures in pairs (Zhang et al., 2018); 0 mixes none."""
    cutmix: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    """α of pasting a box of one picture into another (Yun et al., 2019); with both, each batch draws which."""
