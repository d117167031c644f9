"""The sums behind a layer's numbers, filled in; all of them follow from what a summary's row holds."""

from math import prod

from convscope.layers.summary import BYTES, Layer


def weights(layer: Layer) -> tuple[int, int] | None:
    """(weights that make one number of the output, how many such sets there are), where the layer multiplies.

    None where it does not, or where the sets differ, as in LeNet-5's sparse C3.

    >>> weights(Layer("c", "Conv2d", (96, 55, 55), (11, 11), (4, 4), (0,) * 4, 34_944, 105_415_200, 11, "", None, 0))
    (363, 96)
    """
    places = prod(layer.shape[1:]) if layer.kernel else prod(layer.shape[:-1])
    sets = layer.shape[0] if layer.kernel else layer.shape[-1]
    if not layer.macs or layer.macs % (places * sets):
        return None
    return layer.macs // (places * sets), sets


def parameters_sum(layer: Layer) -> str:
    """How its trained numbers add up; "" where there are none.

    >>> parameters_sum(Layer("c", "Conv2d", (6, 28, 28), (5, 5), (1, 1), (0,) * 4, 156, 117_600, 5, "", None, 0))
    '(5·5·1 + 1)·6 = 156'
    >>> parameters_sum(Layer("f", "Linear", (10,), None, None, None, 850, 840, None, "", None, 0))
    '(84 + 1)·10 = 850'
    >>> parameters_sum(Layer("n", "BatchNorm2d", (64, 56, 56), None, None, None, 128, 0, None, "", None, 0))
    '2·64 = 128'
    """
    total = layer.parameters
    if not total:
        return ""
    found = weights(layer)
    if found is None:
        maps = layer.shape[0]
        return f"{total // maps:,}·{maps:,} = {total:,}" if not layer.macs and total % maps == 0 else f"{total:,}"
    each, sets = found
    product, bias = _product(layer, each), total - each * sets
    if bias == 0:
        return f"{product}·{sets:,} = {total:,}"
    if bias == sets:
        return f"({product} + 1)·{sets:,} = {total:,}"
    return f"{product}·{sets:,} + {bias:,} = {total:,}" if bias > 0 else f"{total:,}"


def macs_sum(layer: Layer) -> str:
    """How its multiply-accumulates add up; "" where it multiplies nothing.

    >>> macs_sum(Layer("c", "Conv2d", (6, 28, 28), (5, 5), (1, 1), (0,) * 4, 156, 117_600, 5, "", None, 0))
    '5·5·1·6·28·28 = 117,600'
    """
    found = weights(layer)
    if found is None:
        return f"{layer.macs:,}" if layer.macs else ""
    each, sets = found
    places = layer.shape[1:] if layer.kernel else layer.shape[:-1]
    return "·".join([_product(layer, each), *(f"{n:,}" for n in (sets, *places))]) + f" = {layer.macs:,}"


def field_sum(layer: Layer) -> str:
    """How far one cell sees: the field before, and what a wider window adds; "" where there is no window or no field.

    >>> rows = "(27 − 3 + 2·1)/1 + 1 = 27"
    >>> field_sum(Layer("c", "Conv2d", (8, 27, 27), (3, 3), (1, 1), (1,) * 4, 0, 0, 67, rows, None, 0, jump=8))
    '51 + (3 − 1)·8 = 67'
    """
    if not (layer.formula and layer.stride and layer.receptive_field and layer.jump):
        return ""
    span = int(layer.formula.partition(" − ")[2].partition(" + ")[0])  # of the kernel, dilated as it may be
    step = layer.jump // layer.stride[0]
    return f"{layer.receptive_field - (span - 1) * step} + ({span} − 1)·{step} = {layer.receptive_field}"


def memory_sum(layer: Layer) -> str:
    """How many bytes its output takes.

    >>> memory_sum(Layer("p", "MaxPool2d", (6, 14, 14), (2, 2), (2, 2), (0,) * 4, 0, 0, 6, "", None, 4704))
    '6·14·14·4 = 4,704'
    """
    return "·".join(f"{n:,}" for n in (*layer.shape, BYTES)) + f" = {layer.activation_bytes:,}"


def _product(layer: Layer, each: int) -> str:
    """The weights of one output number: kernel rows, columns, maps that it looks at."""
    if layer.kernel and each % prod(layer.kernel) == 0:
        return f"{layer.kernel[0]}·{layer.kernel[1]}·{each // prod(layer.kernel):,}"
    return f"{each:,}"


def size(count: int) -> str:
    """A number of bytes in the unit that suits it.

    >>> size(4704), size(553_430_176)
    ('4.7 kB', '553.4 MB')
    """
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB"


def count(number: int) -> str:
    """A large number with three digits or so, for where there is no room.

    >>> [count(number) for number in (850, 61_706, 4_089_184_256, 138_357_544, 999_999)]
    ['850', '61.7 k', '4.09 G', '138 M', '1 M']
    """
    for unit, scale in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= scale * 0.9995:
            return f"{number / scale:.3g} {unit}"
    return str(number)


def shape(values: tuple[int, ...]) -> str:
    """Maps × rows × columns.

    >>> shape((6, 28, 28))
    '6×28×28'
    """
    return "×".join(map(str, values))


def window(values: tuple[int, ...]) -> str:
    """A pair or the four sides as short as they can be said.

    >>> window((5, 5)), window((1, 7)), window((0, 1, 0, 1)), window((1, 1, 0, 0))
    ('5', '1×7', '0,1,0,1', '1,1,0,0')
    """
    if len(set(values)) == 1:
        return str(values[0])
    return ("×" if len(values) == 2 else ",").join(map(str, values))
