"""The screen of ``demos.step``: one step of the chain rule, large, and the gradients so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from autodiff import Names, Step, Trace, Value, topological_order
from autodiff.debug.text import is_call, shown
from autodiff.drawing.palette import DARK, LIGHT, LIT, ON_LIT
from autodiff.ops.symbols import Expression

__all__ = ["StepScreen"]

WIDE = 110  # columns from which on the gradients stand beside the chain rule
ENTRY = 37  # columns of one entry of the gradients
LONGEST_NAME = 22
MOST_SUGGESTIONS = 2_000

PALETTES = {"textual-dark": DARK, "textual-light": LIGHT}
QUIET = {"textual-dark": "#A8B2BC", "textual-light": "#505A64"}

KEYS = "→ n next   ← b back   ↓ ↑ node   / jump   Home End   d light   q quit"

# Of the chain rule: a fraction over a number, or an operator over one, and the number's style.
Column = tuple[tuple[str, str], str, str]


def number(value: float) -> str:
    """Return a number as text, with a minus sign as wide as a plus."""
    return shown(value).replace("-", "−")


def short(name: str, length: int = LONGEST_NAME) -> str:
    """Return a name, its middle left out if it is long: the end tells weights apart.

    >>> short("hidden.weight[2][1]", 14)
    'hidden…t[2][1]'
    """
    if len(name) <= length:
        return name
    end = length // 2
    return f"{name[: length - end - 1]}…{name[-end:]}"


def with_numbers(node: Value, known: Mapping[Value, float]) -> str:
    """Return a node's formula with its operands' numbers; negative ones in brackets.

    >>> two, three = Value(2.0), Value(-3.0)
    >>> with_numbers(two * three, {two: 2.0, three: -3.0})
    '2 × (−3)'
    """
    assert node.op is not None, "a leaf has no formula"
    numbers = [number(known[parent]) for parent in node.parents]
    if not is_call(node.op):
        numbers = [f"({text})" if text.startswith("−") else text for text in numbers]
    return node.op.formula(*numbers).replace(" * ", " × ")


def local_rule(step: Step, names: Names) -> str:
    """Return the local derivative as a formula of names, or a number; '' if there is none.

    >>> x = Value(0.5, "x")
    >>> (t := x.tanh()).label = "t"
    >>> trace = Trace(t)
    >>> local_rule(trace.next(), trace.names)
    '1 − t × t'
    """
    assert step.node.op is not None, "a step's node has an operation"
    symbols = [Expression(short(names[node])) for node in (step.node, *step.node.parents)]
    try:
        partial = step.node.op.partials(*symbols)[step.position]
    except (TypeError, AttributeError, ValueError):
        return ""
    if not isinstance(partial, Expression):
        return number(float(partial))
    return partial.text.replace(".0", "").replace(" * ", " × ").replace(" - ", " − ")


def stacked(columns: list[Column]) -> Text:
    """Return fractions beside each other with a number under each, as four lines of text.

    A column is a pair (over and under the line; under '' it is an operator), a number, its style.
    """
    lines = [Text() for _ in range(4)]
    for (over, under), below, style in columns:
        width = max(map(len, (over, under, below)))
        rows = (over, "─" * width, under, below) if under else ("", over, "", below)
        for line, row, look in zip(lines, rows, ("bold", "", "bold", style), strict=True):
            line.append(row.center(width), look).append("  ")
    return Text("\n").join(lines)


class StepScreen(App[None]):
    """Shows one position of a trace, and moves it by keys."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    CSS = """
    #title { height: 1; padding: 0 1; }
    #keys { height: auto; padding: 0 1; }
    #title { text-style: bold; }
    #panels { height: 1fr; }
    #step { height: auto; }
    #node, #rule, #gradients {
        border: round $foreground 60%;
        border-title-color: $foreground;
        border-title-style: bold;
        border-subtitle-color: $foreground;
        padding: 0 1;
    }
    #node { height: 4; }
    #rule { height: 8; }
    #gradients { height: 1fr; }
    #jump, #message { display: none; }
    #note { height: auto; max-height: 3; padding: 0 1; }
    #message { height: auto; max-height: 3; padding: 0 1; text-style: bold; }
    .wide #panels { layout: horizontal; }
    .wide #step { width: 3fr; height: 1fr; }
    .wide #node { height: auto; max-height: 50%; padding: 1 2; }
    .wide #rule { height: 1fr; padding: 1 2; }
    .wide #gradients { width: 2fr; height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,n,space,enter", "move(1)"),
        Binding("left,b,backspace", "move(-1)"),
        Binding("down", "move_node(1)"),
        Binding("up", "move_node(-1)"),
        Binding("home,g", "first"),
        Binding("end,G", "last"),
        Binding("slash,j", "jump"),
        Binding("escape", "leave_jump"),
        Binding("d", "switch_light"),
        Binding("q,ctrl+c,ctrl+q", "quit", priority=False),
    ]

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace
        self.names = trace.names
        self.numbers = trace.numbers
        trace.goto(0)
        edges = [(step.node, step.parent) for step in trace]
        trace.goto(0)
        self.receivers = [parent for _, parent in edges]
        self.uses = Counter(self.receivers)
        # The positions at which the steps of another node begin.
        self.starts = [
            place + 1
            for place, (node, _) in enumerate(edges)
            if place == 0 or node is not edges[place - 1][0]
        ]
        met = dict.fromkeys([trace.root, *self.receivers])
        self.order = sorted(met, key=trace.completed_at)
        self.places = {node: place for place, node in enumerate(self.order)}
        self.by_name = {self.names[node]: node for node in self.order}
        self.unreached = {
            self.names[node]
            for node in topological_order(trace.root)
            if node not in self.places and not node.is_constant
        }

    # ---- what is on the screen ---------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Yield the parts of the screen, from the top."""
        yield Static(id="title")
        if self.trace.note:
            yield Static(f"! {self.trace.note}", id="note", markup=False)
        with Container(id="panels"):
            with Container(id="step"):
                yield Static(id="node", markup=False)
                yield Static(id="rule", markup=False)
            yield Static(id="gradients", markup=False)
        yield Static(id="message", markup=False)
        yield Input(
            id="jump",
            disabled=True,
            placeholder="a node's name or a step's number, then Enter; Esc leaves",
            suggester=SuggestFromList(list(self.by_name)[:MOST_SUGGESTIONS], case_sensitive=False),
        )
        yield Static(KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        """Show the start."""
        self.theme = "textual-dark"
        self.call_after_refresh(self.show)

    def on_resize(self, event: Resize) -> None:
        """Put the gradients beside the chain rule, or under it."""
        self.set_class(event.size.width >= WIDE, "wide")
        self.call_after_refresh(self.show)

    def show(self) -> None:
        """Write the trace's position into all parts of the screen."""
        self.query_one("#title", Static).update(self.title_line())
        step = self.trace.step
        node = self.query_one("#node", Static)
        rule = self.query_one("#rule", Static)
        gradients = self.query_one("#gradients", Static)
        current = self.trace.root if step is None else step.node
        node.border_title = f"the node: {short(self.names[current])}"
        node.border_subtitle = current.origin.short_place
        node.update(self.node_text(step, node.content_size.width))
        rule.border_title = "the chain rule"
        rule.update(self.rule_text(step, rule.content_size.width))
        gradients.border_title = "gradients so far"
        gradients.border_subtitle = "● complete   ◐ more to come   ○ none yet"
        gradients.update(self.gradients_text(step, *gradients.content_size))

    def signed(self, value: float) -> tuple[str, str]:
        """Return a number as text, and the style in which its sign is seen on this background."""
        palette = PALETTES[self.theme]
        tones = palette.positive if value > 0.0 else palette.negative if value < 0.0 else None
        return number(value), "bold" if tones is None else f"bold {tones.strong}"

    def title_line(self) -> Text:
        """Return where in the pass this is, in words and as a bar."""
        position, count = self.trace.position, len(self.trace)
        words = f"{short(self.names[self.trace.root])}.backward()   step {position} of {count}   "
        width = max(0, self.size.width - len(words) - 2)
        done = width * position // count if count else width
        return Text(words).append("━" * done).append("─" * (width - done))

    def node_text(self, step: Step | None, width: int) -> Text:
        """Return the node whose rule is applied: its formula with names, and with numbers.

        Where there is little room each is one line, cut off at the end.
        """
        node = self.trace.root if step is None else step.node
        name = self.names[node]
        if node.op is None:
            return Text(f"{name} = {number(self.numbers[node])}, a variable")
        symbols = f"{name} = {self.names.formula(node).replace(' * ', ' × ')}"
        # The value comes first, so that it is seen however long the formula is.
        value, operands = number(self.numbers[node]), with_numbers(node, self.numbers)
        numbers = f"{' ' * len(name)} = {value} = {operands}"
        if self.has_class("wide"):
            return Text(symbols, "bold").append(f"\n\n{numbers}", "not bold")
        lines = [
            line if len(line) <= width else f"{line[: max(0, width - 1)]}…"
            for line in (symbols, numbers)
        ]
        return Text(lines[0], "bold").append(f"\n{lines[1]}", "not bold")

    def rule_text(self, step: Step | None, width: int) -> Text:
        """Return the chain rule as fractions, with a number under each, and the sum so far."""
        root = short(self.names[self.trace.root], 12)
        if step is None:
            start = self.trace.gradient(self.trace.root) or 0.0
            text = stacked([((f"d {root}", f"d {root}"), *self.signed(start))])
            text.append("\n\nThe chain rule starts here: ")
            return text.append(f"d {root}/d {root} is {number(start)}. Press n.")
        # The user's name is in two of the three fractions, and so is the operand's.
        node = short(self.names[step.node], max(8, (width - 30) // 3))
        parent = short(self.names[step.parent], max(8, (width - len(node) - 19) // 2))
        if not step.taken:
            text = stacked([((f"d {root}", f"d {parent}"), "", ""), (("+= nothing", ""), "", "")])
            text.append("\n\n" if self.has_class("wide") else "\n")
            text.append(f"{node} did not take {parent}, so it passes nothing on to it")
            text.append("\n\n" if self.has_class("wide") else "\n")
            return text.append_text(self.sum_line(step, parent))
        text = stacked(
            [
                ((f"d {root}", f"d {parent}"), *self.signed(step.contribution)),
                (("+=", ""), "=", ""),
                ((f"d {root}", f"d {node}"), *self.signed(step.upstream)),
                (("×", ""), "×", ""),
                ((f"d {node}", f"d {parent}"), *self.signed(step.local)),
            ]
        )
        rule = local_rule(step, self.names)
        text.append("\n\n" if self.has_class("wide") else "\n")
        formula = f"{rule} = " if rule and rule != number(step.local) else ""
        text.append(f"d {node}/d {parent} = {formula}")
        text.append(*self.signed(step.local))
        text.append("\n\n" if self.has_class("wide") else "\n")
        return text.append_text(self.sum_line(step, parent))

    def sum_line(self, step: Step, parent: str) -> Text:
        """Return what the receiver's gradient is so far, and whether more will come."""
        count = self.uses[step.parent]
        use = self.receivers[: self.trace.position].count(step.parent)
        if count == 1 and step.taken:
            return Text(f"{parent} is used once, so this is its whole gradient")
        state = "complete" if use == count else "so far"
        nothing = self.trace.gradient(step.parent) is None
        total = ("nothing", "") if nothing else self.signed(step.total)
        return Text.assemble(f"sum {state}: ", total, f"   (use {use} of {count} of {parent})")

    def gradients_text(self, step: Step | None, width: int, height: int) -> Text:
        """Return a page of the gradients, in the order in which they become complete."""
        columns = max(1, width // ENTRY)
        a_page = max(1, columns * height)
        current = self.trace.root if step is None else step.parent
        begin = self.places[current] // a_page * a_page
        page = self.order[begin : begin + a_page]
        lines = []
        for row in range(min(height, len(page))):
            line = Text(no_wrap=True)
            for node in page[row::height]:
                line.append_text(self.entry(node, node is current)).append("  ")
            lines.append(line)
        return Text("\n").join(lines)

    def entry(self, node: Value, is_current: bool) -> Text:
        """Return one gradient: its state, the Value's name, and the number."""
        gradient = self.trace.gradient(node)
        if gradient is None and self.trace.is_complete(node):
            marker, style, text, sign = "●", "", "nothing", ""
        elif gradient is None:
            marker, style, text, sign = "○", QUIET[self.theme], "–", ""
        else:
            marker = "●" if self.trace.is_complete(node) else "◐"
            style = ""
            text, sign = self.signed(gradient)
        name = short(self.names[node], 20)
        if is_current:
            marker, style, sign = f"▶{marker}", f"bold {ON_LIT} on {LIT}", ""
        return Text(f"{marker:>2} {name:<20} ", style).append(f"{text:>12}", sign)

    # ---- what the keys do ----------------------------------------------------------------------

    def go(self, position: int) -> None:
        """Move to a position, or as near to it as there is one."""
        self.say("")
        self.trace.goto(min(max(position, 0), len(self.trace)))
        self.show()

    def action_move(self, steps: int) -> None:
        """Move by so many steps."""
        self.go(self.trace.position + steps)

    def action_move_node(self, direction: int) -> None:
        """Move to where the steps of the next node, or the one before, begin."""
        position = self.trace.position
        if direction > 0:
            self.go(next((start for start in self.starts if start > position), len(self.trace)))
        else:
            self.go(max((start for start in self.starts if start < position), default=0))

    def action_first(self) -> None:
        """Move to the start of the pass."""
        self.go(0)

    def action_last(self) -> None:
        """Move to the end of the pass."""
        self.go(len(self.trace))

    def action_switch_light(self) -> None:
        """Change between a dark and a light background."""
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"
        self.show()

    def action_jump(self) -> None:
        """Ask for a node or a step."""
        field = self.query_one("#jump", Input)
        field.display, field.disabled = True, False
        field.value = ""
        field.cursor_blink = False
        self.set_focus(field)

    def action_leave_jump(self) -> None:
        """Close the field of the jump."""
        field = self.query_one("#jump", Input)
        field.display, field.disabled = False, True
        self.say("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Jump to what was asked for, or say that it is not there."""
        wanted = event.value.strip()
        self.action_leave_jump()
        if not wanted:
            return
        position = self.position_of(wanted)
        if wanted in self.unreached:
            self.say(f"nothing reaches {wanted}: all that uses it was not taken")
        elif position is None:
            self.say(
                f"no node is called {wanted!r}, and no step has that number; "
                f"some nodes: {', '.join(list(self.by_name)[:6])}"
            )
        else:
            self.go(position)

    def position_of(self, wanted: str) -> int | None:
        """Return the position that a name or a number means; None if there is no such one.

        A name may be given in part if only one node's name has it.
        """
        if wanted in self.by_name:
            return self.trace.completed_at(self.by_name[wanted])
        if wanted.isdecimal() and int(wanted) <= len(self.trace):
            return int(wanted)
        found = [node for name, node in self.by_name.items() if wanted.lower() in name.lower()]
        return self.trace.completed_at(found[0]) if len(found) == 1 else None

    def say(self, message: str) -> None:
        """Show a message over the keys, or take it away."""
        field = self.query_one("#message", Static)
        field.update(message)
        field.display = bool(message)
