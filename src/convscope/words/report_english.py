"""The report page in English."""

TEXTS = {
    "report.title": "How good is {model}?",
    "report.split.train": "judged on the training pictures",
    "report.split.val": "judged on the validation pictures",
    "report.split.test": "judged on the test pictures",
    "report.split.all": "judged on all pictures",
    "report.views.centre": "one view of each picture, its centre",
    "report.views.ten-crop": "ten views of each picture",
    "report.views.multi-scale": "several sizes of each picture",
    # the big number
    "report.top1": "top-1 accuracy, in {precision}",
    "report.right": "{right} of {total} pictures right",
    "report.interval": "95 % confidence interval: {low} to {high}",
    "report.interval.aria": "Accuracy {share}; its 95 % confidence interval goes from {low} to {high}.",
    "report.interval.baseline": "always the commonest class",
    "report.verdict.better": "Clearly better than not looking at all: always answering with the commonest class, "
    "“{name}”, would get {share} right, and the whole interval lies above that.",
    "report.verdict.unclear": "Not clearly better than not looking at all: always answering with the commonest class, "
    "“{name}”, would get {share} right, and that lies within the interval.",
    "report.verdict.worse": "Worse than not looking at all: always answering with the commonest class, “{name}”, "
    "would get {share} right, and the whole interval lies below that.",
    "report.few": "Pictures judged: only {n}. With so few, luck has a large say, so the interval is wide: {points} "
    "percentage points. With four times as many pictures it would be about half as wide, or less.",
    "report.warning.train": "The model learned from these very pictures, so this number flatters it. "
    "Judge it on the test pictures to know how it does on new ones.",
    "report.warning.trained_on": "Pictures judged here that the model had been trained on: {count}. "
    "They flatter this number; the end of this page names them.",
    "report.figure.top5": "top-5 accuracy",
    "report.figure.pictures": "pictures judged",
    "report.figure.classes": "classes",
    "report.figure.seconds": "time per picture",
    # training
    "report.curves": "How training went",
    "report.curves.note": "The dashed upright line marks the best epoch: the one with the lowest validation loss.",
    "report.curves.loss": "Loss (lower is better)",
    "report.curves.loss.aria": "Line chart of the training and validation loss over {epochs} epochs.",
    "report.curves.top1": "Validation accuracy, top-1 (higher is better)",
    "report.curves.top1.aria": "Line chart of the top-1 accuracy on the validation pictures over {epochs} epochs.",
    "report.curves.train": "training",
    "report.curves.val": "validation",
    "report.curves.epoch": "epoch",
    "report.curves.best": "best: epoch {epoch}",
    # confusion
    "report.confusion": "Confusion matrix",
    "report.confusion.note": "A row holds the pictures of one true class, a column those of one predicted class; "
    "a cell counts pictures. The darker a cell, the larger its share of the row.",
    "report.confusion.note.many": "With this many classes the cells have no room for numbers. A row is a true class, "
    "a column a predicted class, numbered as in the table of classes below; the darker a cell, the larger its share "
    "of the row. confusion.csv holds every count.",
    "report.confusion.aria": "Confusion matrix of {size} classes: rows are true classes, columns predicted classes.",
    "report.confusion.hit": "right",
    "report.confusion.miss": "wrong",
    "report.confusion.true": "True class",
    "report.confusion.predicted": "Predicted class",
    "report.pairs": "Most confused classes",
    "report.pairs.none": "No class was taken for another.",
    "report.pairs.true": "True class",
    "report.pairs.predicted": "Taken for",
    "report.pairs.count": "Pictures",
    "report.pairs.share": "Share of the true class",
    # mistakes
    "report.mistakes": "Worst mistakes",
    "report.mistakes.note": "Wrong answers, the surest first: {shown} of {total}. "
    "A sure mistake often has a reason to be seen in the picture, or a wrong label.",
    "report.mistakes.none": "There are none: all {n} pictures were answered right.",
    "report.mistakes.missing": "no picture",
    "report.mistakes.true": "True class",
    "report.mistakes.predicted": "Predicted class",
    # classes
    "report.classes": "Class by class",
    "report.classes.note": "Precision: of the pictures answered with this class, the share that is. Recall: of the "
    "pictures of this class, the share found. F1: one number for both, near the lower of the two. Support: pictures of "
    "this class. A dash stands where there is nothing to divide by.",
    "report.classes.name": "Class",
    "report.classes.precision": "Precision",
    "report.classes.recall": "Recall",
    "report.classes.f1": "F1",
    "report.classes.support": "Support",
    "report.classes.text": "The same as scikit-learn prints it",
    # files
    "report.broken": "Files that could not be read",
    "report.broken.none": "None: every file could be read.",
    "report.broken.note": "Left out of every figure above: {count}. Each is named here with its reason.",
    "report.trained_on": "Pictures the model had been trained on",
    "report.trained_on.refused": "Left out of every figure above: {count}. A model may simply remember what it was "
    "trained on, so such pictures say nothing about new ones.",
    "report.trained_on.kept": "Judged all the same: {count}. A model may simply remember what it was trained on, "
    "so the figures above are better than new pictures would make them.",
    "report.more": "and {count} more",
    # foot
    "report.facts": "How it was made",
    "report.made": "Made by convscope. Everything is in this file; nothing is loaded from the network.",
    "report.fact.model": "Model",
    "report.fact.paper": "Paper",
    "report.fact.parameters": "Parameters",
    "report.fact.preprocess": "Preprocessing",
    "report.fact.data": "Data",
    "report.fact.split": "Split",
    "report.fact.epochs": "Epochs",
    "report.fact.seconds": "Training time",
    "report.fact.precision": "Arithmetic",
    "report.fact.seed": "Seed",
    "report.fact.versions": "Versions",
    "report.fact.command": "Command",
    "report.fact.weights": "Starting weights",
    "report.fact.classes": "Classes",
    "report.fact.hash": "Fingerprint",
    "report.value.data": "{title}: {train} training, {val} validation and {test} test pictures (split seed {seed})",
    "report.value.crop": "central square cut out, {size}×{size} pixels, channels: {channels}",
    "report.value.squash": "whole picture squashed to a square, {size}×{size} pixels, channels: {channels}",
    "report.value.pad": "whole picture padded to a square, {size}×{size} pixels, channels: {channels}",
    "report.value.epochs": "{done} of {epochs}; the weights of epoch {best} were kept",
    "report.value.frozen": "the head alone was fitted, on frozen features (strength {strength})",
    "report.value.kept_head": "{done} of {epochs}; none beat the head alone, whose weights were kept",
    "report.value.seconds": "{seconds} s",
}
