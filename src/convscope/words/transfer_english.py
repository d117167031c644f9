"""What training says when it starts from borrowed weights, in English."""

TEXTS = {
    "stage.embed": "looking at pictures",
    "stage.head": "choosing the head's strength",
    "stage.recalibrate": "measuring for batch norm",
    "train.scratch": "{model} is trained from scratch, for no weights to borrow are here; it needs several hundred photos of each class",
    "train.scratch.more": "a few dozen do for a borrowed network: convscope weights fetch {better} once, or --model NAME --weights FILE",
    "train.frozen": "{model} stays as it is ({file}, licence {licence}): each picture is looked at once, and a new head is fitted on what it saw; batch norm does not change",
    "train.finetune": "{model} starts from {file} (licence {licence}): a new head first, then all of it, borrowed layers more slowly",
    "train.looked": "{computed} pictures looked at, {known} known from before",
    "train.balanced": "classes are uneven ({least} to {most} training pictures): each class counts the same",
    "train.strength.chosen": "head: strength {strength}, chosen by cross-validation on the training pictures",
    "train.strength.given": "head: strength {strength}, as asked for",
    "train.strength.usual": "head: strength {strength}, the usual one: too few pictures of a class, or too many classes, to choose by cross-validation",
    "train.stop.frozen": "head fitted  train_loss {train_loss:.4f}  val_loss {val_loss:.4f}  val_top1 {val_top1:.4f}",
    "train.head": "head alone  train_loss {train_loss:.4f}  val_loss {val_loss:.4f}  val_top1 {val_top1:.4f}",
    "train.recalibrated": "batch norm: {count} layers came folded into their convolutions; measured anew on {pictures} training pictures, answers unchanged",
    "train.thawing": "the head learns on, then {blocks} blocks of borrowed layers, the last one first; batch norm learns with its block",
    "train.kept_head": "no epoch beat the head alone (val_loss {val_loss:.4f}): the model keeps the borrowed layers as they were",
}
