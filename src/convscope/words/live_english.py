"""English texts of the page of a run that is still training."""

TEXTS = {
    "live.title": "{model} is training",
    "live.epochs": "{done} of {epochs} epochs",
    "live.left": "About {minutes} minutes are left.",
    "live.refresh": "This page loads itself anew every {seconds} seconds; the report takes its place at the end.",
    "live.ended": "Training has ended here; what it has learned so far is in the run's folder.",
    "live.tracker": "{name} takes no more figures ({reason}); training goes on without it",
    "train.unwritten": "metrics.csv or the page could not be written ({reason}); training goes on",
    "live.epoch": "epoch",
    "live.train_loss": "training loss",
    "live.val_loss": "validation loss",
    "live.val_top1": "validation accuracy",
    "live.curve": "  val_loss {losses}   val_top1 {accuracies}",
}
