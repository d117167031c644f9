"""Training pictures that differ from epoch to epoch, drawn from seed, epoch and picture alone.

`epochs` gives the pictures, `plan` says what becomes of them, and `crops`, `colour`, `policies` and `erasing` do it;
`mixing` mixes whole batches, which is the loop's to ask for.
"""

from convscope.data.augment.crops import draw_box
from convscope.data.augment.epochs import Augmented, Epoch
from convscope.data.augment.plan import Plan, grown, roomy

__all__ = ["Augmented", "Epoch", "Plan", "draw_box", "grown", "roomy"]
