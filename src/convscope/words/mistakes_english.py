"""`convscope mistakes`, k-fold and manifests in English."""

TEXTS = {
    "stage.folds": "judging labels",
    "mistakes.network": "what {model} sees of each picture ({file}) tells the classes apart",
    "mistakes.pixels.grey": "no borrowed weights are at hand: pixels alone tell the classes apart",
    "mistakes.pixels.photos": (
        "no borrowed weights are at hand, and pixels alone tell little about photos: fetch some first "
        "(convscope weights fetch mobilenet_v2), or give --model NAME --weights FILE"
    ),
    "mistakes.rank": "rank",
    "mistakes.file": "file",
    "mistakes.given": "label",
    "mistakes.suggested": "rather",
    "mistakes.probability": "probability",
    "mistakes.found": "about {estimated} of {n} labels are wrong; {suspects} pictures are listed as suspects, the likeliest first",
    "mistakes.none": "no label of {n} is suspect",
    "mistakes.pair": "{count} bear {given} and look like {other}",
    "mistakes.more": "and {count} more; --json and --csv FILE list them, --out FILE.html shows them",
    "mistakes.alone": "{count} pictures left out: no other picture bears their label (first: {first})",
    "mistakes.checked": "{count} pictures were checked before and are not listed again",
    "mistakes.page": "page: {file}; decide there, save decisions.csv, then convscope mistakes DATA --apply decisions.csv --manifest split.csv",
    "mistakes.applied": "{manifest}: {accept} labels confirmed, {relabel} changed, {drop} pictures dropped; no picture was moved",
    "mistakes.use": "convscope train DATA --manifest {manifest} trains with it",
    # the page
    "mistakes.title": "Labels to check: {data}",
    "mistakes.heading": "Labels to check",
    "mistakes.lead": (
        "About {estimated} of {n} labels are probably wrong. For each picture, a model that had not seen it said what it "
        "shows; the list begins where it believes the label least. Look at each and decide: models are wrong, too."
    ),
    "mistakes.lead.none": "No label of {n} pictures is suspect. These are the ones that a model believes least.",
    "mistakes.how": (
        "Out-of-fold probabilities of a logistic regression ({folds} folds, copies of a picture together), confident "
        "learning (Northcutt et al., 2021). Such models agree with {accuracy} of the labels."
    ),
    "mistakes.seen": "They saw each picture through {network}.",
    "mistakes.seen.pixels": "They saw pixels alone.",
    "mistakes.keys": "Keys: ← → another picture, A label is right, R relabel, D drop, U undo, S save.",
    "mistakes.decided": "decided:",
    "mistakes.of": "of {count}",
    "mistakes.save": "Save decisions.csv",
    "mistakes.next": "Then, beside the pictures:",
    "mistakes.accept": "Label is right",
    "mistakes.relabel": "Relabel",
    "mistakes.drop": "Drop",
    "mistakes.undo": "Undo",
    "mistakes.now": "label {label} → {other}",
    "mistakes.list": "The pictures",
    "mistakes.list.cut": "The first {shown} of {count}; decide on these, apply, and list anew.",
    "mistakes.missing": "cannot be read any more",
    "mistakes.suspect": "suspect",
    "mistakes.made": "Made by convscope. Everything is in this file; nothing is loaded from a network. Pictures are never moved or deleted.",
    # k-fold
    "folds.begin": "{count} folds of about {pictures} pictures, by class, copies together",
    "folds.aside": "{count} test pictures stay out of all folds",
    "folds.fold": "fold {number} of {count}: {held} pictures are judged by a model that learns from the others",
    "folds.kept": "fold {number} of {count}: finished before, kept",
    "folds.done": "fold {number}: top-1 {top1:.4f} of {n} pictures",
    "folds.mean": "{count} folds: mean top-1 {mean:.4f}, standard error {error:.4f}",
    "folds.meaning": (
        "each picture was judged once, by a model that had not seen it: so good are models that this recipe makes of so "
        "many pictures. The folds share training pictures, so the standard error is rather too small. Train without "
        "--folds for a model to use"
    ),
    "folds.resume": "resuming {run}: {done} of {count} folds are finished",
    "report.fact.folds": "folds",
    "report.value.folds": (
        "{count} folds, mean top-1 {mean}, standard error {error}. Each picture was judged once, by a model that had not "
        "seen it; it says how good models are that this recipe makes, not how good one of them is. The folds share "
        "training pictures, so the standard error is rather too small."
    ),
    "report.split.folds": "judged out of fold: each picture by a model that had not seen it",
    "split.folds": "out-of-fold",
}
