"""Elements of SVG.

No other module makes markup. Whatever text is given here is escaped.

Places along a plot are per cent of its width, and heights are pixels. So a plot fits every
screen, its text stays as large as other text, and neither needs a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup

_DECIMALS = 2
_STEP_DECIMALS = 1  # a path has many numbers, and a tenth of a pixel is not seen
_NEAR_AN_END = 8.0  # per cent of the width
_BARE = re.compile(r"[A-Za-z0-9.%#-]+")


def element(tag: str, /, *inner: str, **attributes: float | str) -> Markup:
    """Return one element with what is in it; text is escaped, markup is kept.

    In the name of an attribute an underscore stands for a hyphen, and one at the end is
    left out: `class_`, `aria_label`.
    """
    written = Markup("").join(
        Markup(" {}={}").format(name.rstrip("_").replace("_", "-"), _quoted(value))
        for name, value in attributes.items()
    )
    if not inner:  # after a value without quotes, a slash needs a space before it
        return Markup("<{}{} />").format(tag, written)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, written, Markup("").join(inner))


def drawing(label: str, height: int, *inner: str) -> Markup:
    """Return a plot as wide as its place and `height` pixels high, named `label`."""
    return element(
        "svg",
        *inner,
        role="img",
        aria_label=label,
        height=height,
    )


def unnamed(height: int, *inner: str) -> Markup:
    """Return the same without a name, where the words beside it tell as much."""
    return element("svg", *inner, aria_hidden="true", height=height)


def shared(name: str, *inner: str) -> Markup:
    """Return what is not drawn here, but wherever `use` names it."""
    return element("defs", element("g", *inner, id=name))


def use(name: str) -> Markup:
    """Return what `shared` has under this name."""
    return element("use", href=f"#{name}")


def percent(place: float) -> str:
    """Return a place along the width, 0 to 100, as an attribute has it."""
    return f"{_written(place)}%"


def stretched(height: int, *inner: str) -> Markup:
    """Return a field for paths, as wide and as high as the plot.

    A path cannot be given in per cent. Here a place along the width is a number from 0 to
    100, and a height is pixels.
    """
    return element(
        "svg",
        *inner,
        viewBox=f"0 0 100 {height}",
        preserveAspectRatio="none",
    )


def path(class_: str, steps: Iterable[str]) -> Markup:
    """Return one path; `step` writes its steps."""
    return element("path", d="".join(steps), class_=class_)


def step(command: str, *numbers: float) -> str:
    """Return one command of a path with its numbers."""
    return command + " ".join(_short(number, _STEP_DECIMALS) for number in numbers)


def text(place: float, y: float, words: str) -> Markup:
    """Return words at a place along the width; near an end they stay inside the plot."""
    near: dict[str, str] = {}
    if place < _NEAR_AN_END:
        near = {"class_": "start"}
    elif place > 100.0 - _NEAR_AN_END:
        near = {"class_": "end"}
    return element("text", words, x=percent(place), y=y, **near)


def beside(y: float, words: str) -> Markup:
    """Return words to the left of the plot, level with `y`."""
    return element("text", words, x=-6, y=y + 4, class_="end")


def number(place: float, y: float, words: str) -> Markup:
    """Return a number inside a coloured box, readable on each colour."""
    return element("text", words, x=percent(place), y=y, class_="number")


def shape(place: float, y: float, d: str, class_: str) -> Markup:
    """Return a small shape around a place and a height; `d` begins there, in pixels."""
    # Only an element of its own can be put at a per cent of the width.
    inner = element("path", d=d, class_=class_)
    return element("svg", inner, x=percent(place), y=y)


def upright(place: float, top: float, bottom: float, class_: str) -> Markup:
    """Return an upright line."""
    x = percent(place)
    return element("line", x1=x, x2=x, y1=top, y2=bottom, class_=class_)


def level(y: float, class_: str, start: float = 0.0, end: float = 100.0) -> Markup:
    """Return a level line from one place to another."""
    return element("line", x1=percent(start), x2=percent(end), y1=y, y2=y, class_=class_)


def box(start: float, end: float, top: float, bottom: float, class_: str) -> Markup:
    """Return a filled box between two places and two heights."""
    down = {"y": top} if top else {}
    return element(
        "rect",
        x=percent(start),
        width=percent(end - start),
        **down,
        height=bottom - top,
        class_=class_,
    )


def _quoted(value: float | str) -> str:
    """Return an attribute's value, with quotes where HTML needs them.

    A page has thousands of attributes, and most are a number or a word.
    """
    written = _written(value)
    return written if _BARE.fullmatch(written) else Markup('"{}"').format(written)


def _written(value: float | str) -> str:
    """Return a number as an attribute has it, and text as it is."""
    return value if isinstance(value, str) else _short(value, _DECIMALS)


def _short(value: float, decimals: int) -> str:
    short = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short
