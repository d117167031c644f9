"""The names of ImageNet's 1,000 classes, from the lists that timm ships."""

from collections import Counter
from functools import lru_cache

CLASSES = 1000


@lru_cache(maxsize=1)
def imagenet() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(names, WordNet ids), both in the order of the outputs that every ImageNet-1k network shares.

    A name is WordNet's first word for the class; where two share it (maillot, crane), all its words, and where even
    those are the same, its id behind it.

    Example:
        >>> names, ids = imagenet()
        >>> names[0], ids[0], names[134]
        ('tench', 'n01440764', 'crane (n02012849)')
    """
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    ids = tuple(info.index_to_label_name(index) for index in range(CLASSES))
    full = [info.label_name_to_description(wordnet) for wordnet in ids]
    short = [description.split(",")[0] for description in full]
    many, many_full = Counter(short), Counter(full)
    names = (
        first if many[first] == 1 else words if many_full[words] == 1 else f"{words} ({wordnet})"
        for first, words, wordnet in zip(short, full, ids, strict=True)
    )
    return tuple(names), ids
