"""One palette: the same colour means the same in drawings, plots, the page and the terminal."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import pytest

from autodiff import Value, draw, stepper
from autodiff.drawing import palette, style
from autodiff.drawing.formats import svg
from autodiff.drawing.palette import DARK, LIGHT, LIT, ON_LIT, Palette
from autodiff.drawing.picture import Sign
from autodiff.stepper import document
from autodiff.stepper.document import joined
from demos.live import assemble

# Where the packages are, which may be installed.
DRAWING = Path(palette.__file__).parent
DEMOS = Path(assemble.__file__).parents[1]
FOLDERS = (Path(stepper.__file__).parent, DEMOS / "live", DEMOS / "gpt" / "live")
DOCS = Path(__file__).resolve().parents[1] / "docs"
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b|#[0-9a-fA-F]{3}\b")
PALETTES = {"light": LIGHT, "dark": DARK}

# What colours lie on: a drawing's paper and frames, a page's paper, card and tables, a terminal.
GROUNDS = {
    "light": ("#FFFFFF", "#F3F6F8", "#F3F1EC", "#E0E0E0"),
    "dark": ("#15181C", "#1C2126", "#0E1319", "#171E26", "#121212"),
}
INK = {"light": "#15202B", "dark": "#EEF2F6"}  # of text on boxes

every_palette = pytest.mark.parametrize("theme", PALETTES)


# ---- what an eye sees ----------------------------------------------------------------------------


def linear(colour: str) -> list[float]:
    """Return the light of a colour's three channels, 0 to 1, as sRGB defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def product(matrix: Sequence[Sequence[float]], vector: Sequence[float]) -> list[float]:
    """Return a matrix times a vector."""
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, as WCAG 2 defines it."""
    weights = [(0.2126, 0.7152, 0.0722)]
    darker, lighter = sorted(product(weights, linear(colour))[0] for colour in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", 2009, severity 1.0: what is seen without one of the three kinds of cones.
VISIONS = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
WHITE = (0.9505, 1.0, 1.089)


def lab(light: Sequence[float]) -> tuple[float, float, float]:
    """Return CIE L*a*b* of linear light."""
    ratios = [max(0.0, c) / white for c, white in zip(product(XYZ, light), WHITE, strict=True)]
    x, y, z = [r ** (1 / 3) if r > 0.008856 else 7.787 * r + 16 / 116 for r in ratios]
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: str, other: str, vision: str) -> float:
    """Return how far apart two colours are for somebody: 2.3 is just noticeable."""
    seen = [lab(product(VISIONS[vision], linear(colour))) for colour in (one, other)]
    return math.dist(*seen)


def test_the_measures_are_those_of_the_standards() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.005)  # the known limit of AA
    assert lab(linear("#FF0000")) == pytest.approx((53.24, 80.09, 67.20), abs=0.05)
    assert difference("#FF0000", "#FF0000", "protanopia") == 0.0


# ---- the palette ---------------------------------------------------------------------------------


@every_palette
def test_text_in_a_sign_s_colour_is_readable_on_everything_that_it_stands_on(theme: str) -> None:
    colours = PALETTES[theme]
    for tones in (colours.positive, colours.negative):
        for ground in (*GROUNDS[theme], colours.boxes["result"]):
            assert contrast(tones.strong, ground) >= 4.5, (tones.strong, ground)


@every_palette
def test_text_is_readable_on_every_box_and_over_every_tint(theme: str) -> None:
    colours = PALETTES[theme]
    for fill in colours.boxes.values():
        assert contrast(INK[theme], fill) > 7.0
    for tones in (colours.positive, colours.negative):
        assert contrast(INK[theme], tones.tint) > 4.5
    assert contrast(ON_LIT, LIT) > 7.0
    assert contrast("#000000", LIT) > 7.0  # a drawing's own text


@every_palette
@pytest.mark.parametrize("vision", VISIONS)
def test_the_signs_differ_with_every_kind_of_colour_vision(theme: str, vision: str) -> None:
    colours = PALETTES[theme]
    pairs = zip(astuple(colours.positive), astuple(colours.negative), strict=True)
    for warm, cold in pairs:
        assert difference(warm, cold, vision) > 40.0
    for tones in (colours.positive, colours.negative):
        assert difference(tones.field, colours.middle, vision) > 25.0


def hue(colour: str) -> float:
    """Return a colour's hue in degrees: red is 0, green 120, blue 240."""
    r, g, b = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return math.degrees(math.atan2(math.sqrt(3) * (g - b), 2 * r - g - b)) % 360


@every_palette
def test_positive_is_warm_and_negative_is_cold(theme: str) -> None:
    for tone in astuple(PALETTES[theme].positive):
        assert 5 < hue(tone) < 25  # a red; the warmest that every vision tells from the blue
    for tone in astuple(PALETTES[theme].negative):
        assert 195 < hue(tone) < 225


# ---- everywhere the same -------------------------------------------------------------------------


def test_drawings_show_signs_and_what_is_new_in_these_colours() -> None:
    for sign, tones in (("positive", LIGHT.positive), ("negative", LIGHT.negative)):
        signed: Sign = sign  # type: ignore[assignment]
        assert {style.SIGNED[signed][name] for name in ("line", "text")} == {tones.strong}
        dark = getattr(DARK, sign).strong
        assert svg.RULES[f".{sign} path"] == f"stroke: {dark}"
        assert svg.RULES[f".{sign} text"] == f"fill: {dark}"
    assert style.MARKED["changed"]["fill"] == LIT


def test_a_drawing_s_sign_is_shown_by_its_line_too() -> None:
    dashes = [style.SIGNED[sign].get("dash", "") for sign in ("positive", "negative", "zero")]
    assert dashes == ["", "dashed", "dotted"]


@pytest.mark.parametrize("module", ["style", "formats/svg"])
def test_a_module_that_draws_has_only_greys_of_its_own(module: str) -> None:
    text = (DRAWING / f"{module}.py").read_text(encoding="utf-8")
    found = COLOUR.findall(text)
    assert found
    for colour in found:
        channels = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
        assert max(channels) - min(channels) < 16, colour


def test_the_plots_have_the_colours_of_the_drawings() -> None:
    pytest.importorskip("matplotlib", reason="the plots are drawn by it")
    from matplotlib.colors import to_hex

    from demos import plots
    from demos.sweep.picture import COLOURS, DASHES

    markers = [plots.LOW, plots.HIGH]
    assert markers == [LIGHT.negative.strong, LIGHT.positive.strong]
    ends = [to_hex(plots.FIELD(place)).upper() for place in (0.0, 1.0)]
    assert ends == [LIGHT.negative.field, LIGHT.positive.field]
    # A sweep's curves have no sign; their names are written in their colours.
    for place, colour in enumerate(COLOURS):
        assert contrast(colour, "#FFFFFF") >= 4.5
        for tones in (LIGHT.positive, LIGHT.negative):
            assert difference(colour, tones.strong, "normal") > 25.0
        for other in COLOURS[place + len(DASHES) :: len(DASHES)]:
            assert min(difference(colour, other, vision) for vision in VISIONS) > 25.0


def test_the_page_takes_its_signs_from_the_palette() -> None:
    rules = document.palette_rules()
    themes = re.findall(r":root[^{]*\{ (--[^}]*) \}", rules)
    assert len(themes) == 3
    for text, colours in zip(themes, (LIGHT, DARK, DARK), strict=True):
        variables = dict(re.findall(r"--([\w-]+): (#\w+);", text))
        assert variables["plus"] == colours.positive.strong
        assert variables["minus-field"] == colours.negative.field
        assert variables["lit"] == LIT
        assert {kind: variables[kind] for kind in colours.boxes} == dict(colours.boxes)
    sheet = joined([path for folder in FOLDERS for path in folder.glob("*.css")])
    given = set(re.findall(r"--([\w-]+):", rules))
    assert not given & set(re.findall(r"--([\w-]+):", sheet)), "the sheet changes the palette"
    scripts = joined([path for folder in FOLDERS for path in folder.glob("*.js")])
    named = set(re.findall(r"var\(--([\w-]+)", sheet)) | set(
        re.findall(r'colour\("([\w-]+)"', scripts)
    )
    own = {*re.findall(r"--([\w-]+):", sheet), *re.findall(r"--([\w-]+)", scripts)}
    assert named <= given | own, "the page names a colour that it does not have"


def test_the_terminal_shows_signs_in_these_colours() -> None:
    pytest.importorskip("textual", reason="the screen of demos.step is drawn by it")
    from autodiff import Trace
    from demos.step_screen import StepScreen

    x = Value(3.0, "x")
    screen = StepScreen(Trace(x * x))
    for theme, colours in (("textual-dark", DARK), ("textual-light", LIGHT)):
        screen.theme = theme
        assert screen.signed(0.5) == ("0.5", f"bold {colours.positive.strong}")
        assert screen.signed(-0.5) == ("−0.5", f"bold {colours.negative.strong}")
        assert screen.signed(0.0) == ("0", "bold")
        assert screen.signed(math.nan) == ("nan", "bold")


@pytest.mark.parametrize("folder", [DRAWING.parent, DEMOS, DOCS], ids=lambda path: path.name)
def test_no_other_file_has_colours_of_signs_of_its_own(folder: Path) -> None:
    """Red, blue and bright yellow are written in one place."""
    taken = {colour.upper() for theme in PALETTES.values() for colour in of(theme)} | {LIT}
    if folder == DOCS and not (DOCS / "reference.py").is_file():
        pytest.skip("the documents are not installed with the packages")
    written = [path for path in folder.rglob("*") if path.suffix in (".py", ".css", ".js", ".html")]
    assert written
    for path in written:
        if path != Path(palette.__file__):
            text = path.read_text(encoding="utf-8")
            assert not taken & {colour.upper() for colour in COLOUR.findall(text)}, path


def of(colours: Palette) -> list[str]:
    """Return the colours of both signs."""
    return list(itertools.chain(astuple(colours.positive), astuple(colours.negative)))


def test_the_legend_says_what_is_shown() -> None:
    pytest.importorskip("graphviz", reason="drawing needs the package graphviz")
    x = Value(3.0, "x")
    picture = draw(x * x, edges=True, step=1, legend=True).picture
    (notes,) = [box.title for box in picture.boxes if box.id == "legend-notes"]
    assert {"red: adds +", "blue, dashed: adds −", "dotted: adds 0"} <= set(notes)
