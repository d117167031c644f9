"""Each illness as a rule on what was seen of a run; a rule answers with a finding, or with None."""

from collections.abc import Sequence

from convscope.training.doctor import signs
from convscope.training.doctor.case import BY_CHANCE, Case
from convscope.training.doctor.finding import Finding

# a loss this near ln K, relatively, is a guess; a network that has begun to learn leaves it within an epoch or two
GUESSING = 0.02
# epochs and steps before silence is called stuck: classics without batch norm may wait at ln K for their first epoch
PATIENCE_EPOCHS, PATIENCE_STEPS = 2, 60
# the loss of fresh weights is ln K within a factor of about three, and nine of LeNet-5's distances; more than that
# means that outputs were blown up
FIRST_LOSS = 20.0
# gradient over weights, first layer against the last ones: sound networks of any depth stay within some hundreds
FALLEN = 1e-4
RISEN = 1e4
# gradient over weights of the last layers, below which nothing reaches even those, while the loss is a guess
NOTHING = 1e-7
# of a layer's units: more than half silent for every picture wastes most of what the layer could say
DEAD = 0.5
# where a batch holds few of the classes, units that wait for the others are silent, too: nearly all must be
DEAD_OF_FEW_CLASSES = 0.95
# an epoch's mean loss above a guess by so much was driven there: weights that do nothing guess at ln K
ABOVE_GUESSING = 1.2
# from an epoch's start to its end, a loss that does not fall wobbles by a few percent
RISES = 1.3
# a loss so many times the best epoch's, and not small, has been thrown out of its valley
THROWN = 1.5
# once so high above a guess, and a guess at the end: the first steps were too wide, and killed what could learn
SPIKE = 3.0
# a usual step moves weights by a thousandth of themselves; by a fifth, nothing that was learned survives
WIDE_STEP = 0.2
# the fastest layer's step, as a share of its weights, that leads nowhere within any usual run
SHORT_STEP = 1e-5
# what the fastest layer could move by in the whole planned run, as a share of its weights, without learning
SHORT_WAY = 0.05
# an epoch that brings the loss down by more than this share of it is learning, however short its steps
SLOW = 0.03
# share of an epoch's answers that name one class, and how much more than that class's share of the pictures it is
ONE_CLASS, ONE_CLASS_EXCESS = 0.98, 0.05
# training beats validation by so much only where pictures are known by heart
GAP = 0.15
# and the validation loss has left its best by so much, two epochs in a row
LEFT_BEST = 1.05
# training accuracy above chance that tells memorising from noise
MEMORISED = 0.25
SHUFFLED_EPOCHS = 3
# share of the gap between training and validation that closes once a batch is normalised by its own statistics
LAGGING = 0.5
# pictures of a class below which a network from scratch, or a head on a borrowed one, rarely generalises
FEW_FROM_SCRATCH, FEW_BORROWED = 30, 5
# spread of an input: about 1 when scaled, 0.004 when divided by 255 twice, 60 to 255 when not at all
FLAT, STEEP = 0.02, 20.0
# pictures on the scale 0 to 1 spread by no more than this: half black, half white
MOST_SPREAD = 0.5
# means and spreads that differ by less were only rounded differently (0.485 and 0.4850)
SAME_SCALE = 0.02


def guesses(case: Case, epochs: int) -> bool:
    """Whether both losses were a guess, and accuracy chance, in each of the latest epochs."""
    if case.guess is None or len(case.rows) < epochs:
        return False
    return all(
        signs.near(row["train_loss"], case.guess, GUESSING)
        and signs.near(row["val_loss"], case.guess, GUESSING)
        and max(row["val_top1"], row["train_top1"]) <= case.chance + BY_CHANCE
        for row in case.rows[-epochs:]
    )


def stuck(case: Case) -> Finding | None:
    """Losses that stay at ln K."""
    if len(case.rows) * case.steps < PATIENCE_STEPS or not guesses(case, PATIENCE_EPOCHS):
        return None
    values = {"loss": case.now["train_loss"], "guess": case.guess, "classes": len(case.classes)}
    return Finding("stuck", case.epoch, None, values)


def vanishing(case: Case) -> Finding | None:
    """Gradients that do not reach the first layer, or none."""
    first, last = (signs.middle([pair[end] for pair in case.flows]) for end in (0, 1))
    if first is None or last is None or case.learns():
        return None
    fall = signs.quotient(first, last)
    nowhere = max(first, last) < NOTHING and guesses(case, 1)
    if fall >= FALLEN and not nowhere:
        return None
    return Finding("vanishing", case.epoch, case.first_layer, {"first": first, "last": last})


def exploding(case: Case) -> Finding | None:
    """Gradients that grow towards the first layer."""
    first, last = (signs.middle([pair[end] for pair in case.flows]) for end in (0, 1))
    if first is None or last is None or case.learns() or signs.quotient(first, last) <= RISEN:
        return None
    values = {"first": first, "last": last, "loss": case.now["train_loss"], "guess": case.guess or 0.0}
    return Finding("exploding", case.epoch, case.first_layer, values)


def blown_up(loss: float, guess: float | None, top: float, layer: str | None) -> Finding | None:
    """A first loss, before any step, that only outputs blown up by the first values can have.

    Args:
        loss: of the first step.
        guess: ln K, or None.
        top: the largest gradient over weights of any layer.
        layer: which has it.
    """
    if guess is None or loss <= FIRST_LOSS * guess:
        return None
    return Finding("exploding", 1, layer, {"first": top, "last": 0.0, "loss": loss, "guess": guess})


def dead_relu(case: Case, shares: Sequence[tuple[str, float]], present: int) -> Finding | None:
    """Layers most of whose units answer zero to every picture.

    Args:
        case: the run.
        shares: each layer of ReLUs with its share of dead units.
        present: how many classes the pictures were of.
    """
    if not shares:
        return None
    layer, share = max(shares, key=lambda pair: pair[1])
    if share <= (DEAD if 2 * present >= len(case.classes) else DEAD_OF_FEW_CLASSES):
        return None
    well = case.now["val_top1"] > (1 + case.chance) / 2  # it answers without them
    return Finding("dead-relu", case.epoch, layer, {"share": share}, "note" if well else "ill")


def rate_too_high(case: Case) -> Finding | None:
    """A loss above a guess, one that climbs, or one that too wide steps have thrown back to a guess."""
    if case.guess is None or case.reference is None or not case.parts:
        return None
    now, end = case.now["train_loss"], case.parts[-1]
    above = now > ABOVE_GUESSING * case.reference and end > case.guess and not case.learns()
    climbs = end > RISES * case.parts[0] and end > case.reference
    best = signs.least(case.rows[:-1], "train_loss")
    thrown = now > THROWN * best and now > case.guess / 2
    fruitless = now > (1 - GUESSING) * case.guess and not case.learns()
    spiked = case.worst_loss > SPIKE * case.reference and fruitless
    wide = case.typical > WIDE_STEP and fruitless
    if not (above or climbs or thrown or spiked or wide):
        return None
    return Finding("rate-too-high", case.epoch, None, {"loss": now, "worst": case.worst_loss, "guess": case.guess})


def rate_too_low(case: Case) -> Finding | None:
    """A loss that falls by a hair, for weights that hardly move."""
    if case.guess is None or case.fastest is None or len(case.rows) < PATIENCE_EPOCHS:
        return None
    before, now = case.rows[-2]["train_loss"], case.now["train_loss"]
    short = case.fastest < SHORT_STEP or case.fastest * case.steps * case.epochs < SHORT_WAY
    if not short or now < case.guess / 2 or before - now > SLOW * before:
        return None
    return Finding("rate-too-low", case.epoch, None, {"moved": case.fastest, "before": before, "loss": now})


def one_class(case: Case) -> Finding | None:
    """Answers that name one class only, though pictures are of several."""
    patient = len(case.rows) >= PATIENCE_EPOCHS and len(case.rows) * case.steps >= PATIENCE_STEPS
    if not patient or not any(case.answers):
        return None
    label, share = signs.commonest(case.answers)
    truly = case.counts[label] / sum(case.counts)
    if share < ONE_CLASS or truly > share - ONE_CLASS_EXCESS:
        return None
    values = {"name": case.classes[label], "share": share, "truly": truly, "even": 1 / len(case.classes)}
    return Finding("one-class", case.epoch, None, values)


def overfitting(case: Case) -> Finding | None:
    """Training far ahead of validation, whose loss has left its best."""
    losses = [row["val_loss"] for row in case.rows]
    gap = case.now["train_top1"] - case.now["val_top1"]
    if len(losses) < 3 or gap < GAP:
        return None
    best = min(losses[:-2])
    if min(losses[-2:]) <= LEFT_BEST * best:
        return None
    values = {"train": case.now["train_top1"], "val": case.now["val_top1"], "loss": losses[-1], "best": best}
    return Finding("overfitting", case.epoch, None, values)


def labels_shuffled(case: Case) -> Finding | None:
    """Training pictures learned by heart, and nothing of it true of others."""
    latest = case.rows[-SHUFFLED_EPOCHS:]
    if len(latest) < SHUFFLED_EPOCHS or any(row["val_top1"] > case.chance + BY_CHANCE for row in latest):
        return None
    if case.now["train_top1"] < case.chance + MEMORISED * (1 - case.chance):
        return None
    values = {"train": case.now["train_top1"], "val": case.now["val_top1"], "chance": case.chance}
    return Finding("labels-shuffled", case.epoch, None, values)


def norm_lagging(case: Case, averaged: float, own: float) -> Finding | None:
    """Validation that is worse than the network: batch norm's running averages lag behind its weights.

    Args:
        case: the run.
        averaged: accuracy on a batch of validation pictures by the averages.
        own: the same by the batch's own mean and variance.
    """
    gap = case.now["train_top1"] - case.now["val_top1"]
    if own - averaged < LAGGING * gap:
        return None
    return Finding("norm-lagging", case.epoch, None, {"averaged": averaged, "own": own}, "note")


def too_few(classes: tuple[str, ...], counts: Sequence[int], *, borrowed: bool) -> Finding | None:
    """Fewer training pictures of a class than such a network usually needs."""
    label = min(range(len(counts)), key=counts.__getitem__)
    needed = FEW_BORROWED if borrowed else FEW_FROM_SCRATCH
    if counts[label] >= needed:
        return None
    values = {"name": classes[label], "count": int(counts[label]), "needed": needed}
    return Finding("too-few", 0, None, values, "note")


def scaling(spread: float, own: float) -> Finding | None:
    """An input that was divided by 255 twice, or not at all.

    Args:
        spread: standard deviation of the input's numbers.
        own: what the preprocessing divides by; Caffe's networks want bytes, and are given a small one.
    """
    if FLAT <= spread <= max(STEEP, MOST_SPREAD / own):
        return None
    return Finding("scaling", 0, None, {"spread": spread})


def preprocess_mismatch(used: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> Finding | None:
    """Borrowed weights that expect another mean or spread than the pictures get.

    Args:
        used: means, and spreads, of the channels.
        expected: likewise.
    """
    pairs = [pair for ours, theirs in zip(used, expected, strict=True) for pair in zip(ours, theirs, strict=False)]
    if all(abs(ours - theirs) <= SAME_SCALE for ours, theirs in pairs):
        return None
    mean, spread, wanted_mean, wanted_spread = (
        ", ".join(f"{value:.3g}" for value in row) for row in (*used, *expected)
    )
    values = {"mean": mean, "spread": spread, "wanted_mean": wanted_mean, "wanted_spread": wanted_spread}
    return Finding("preprocess-mismatch", 0, None, values)
