"""The screen of ``demos.step``: one step, large, its line of code and its place in the graph."""

from __future__ import annotations

import math
from itertools import count, islice
from typing import ClassVar

from rich.console import Console
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from autodiff import Explanation, Names, Step, Trace, Value, explain
from autodiff.debug.phases import AnyStep, ForwardStep, Phase, UpdateStep
from autodiff.debug.reasons import NO_NAME
from autodiff.debug.statements import Statement
from autodiff.drawing.palette import DARK, LIGHT, LIT, ON_LIT
from autodiff.ops.symbols import Expression
from autodiff.support.origin import Origin
from demos.interrupts import end_loop_when_terminated
from demos.step_picture import Column, cut, neighbourhood, number, rule_line, short, stacked

__all__ = ["StepScreen"]

WIDE = 110  # columns from which on the gradients stand beside the chain rule
ENTRY = 37  # columns of one entry of the gradients
# Rows of the chain rule and of the node at least, and of what is around the chain rule's text, by
# whether the gradients are beside them.
ROWS_OF_RULE, ROWS_OF_NODE, AROUND_RULE = (8, 12), (7, 11), (2, 4)
LEAST_MESSAGE = 3
MARGIN_OF_BAR = 8  # columns from which on the title has room for a bar
MOST_SUGGESTIONS = 2_000
# Steps of a graph up to which the reasons for a 0 come by themselves, and not by a key.
MOST_EXPLAINED = 5_000

PALETTES = {"textual-dark": DARK, "textual-light": LIGHT}
QUIET = {"textual-dark": "#A8B2BC", "textual-light": "#505A64"}

KEYS = (
    "→ n next  ← b back  ↓ ↑ node  / jump  e explain  d light  q quit\n"
    "f forward  c chain rule  u update  ] [ epoch  Home End  "
)
TITLES = {"forward": "the forward pass", "backward": "the chain rule", "update": "the update"}


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


def rows(text: str, width: int) -> int:
    """Return in how many rows a text is shown.

    >>> rows("one\\ntwo and three", 6)
    4
    """
    return len(Text(text).wrap(Console(), max(1, width))) if text else 0


class JumpInput(Input):
    """Asks where to jump; Tab, and the arrow to the right, take the completion that is offered."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "cursor_right", show=False)]


class Panel(Static):
    """A part of the screen whose text is made for its width."""

    class Resized(Message):
        """The panel has another width."""

    def on_resize(self, event: Resize) -> None:
        """Have the text made anew, once all parts have their place."""
        if event.size.width != self.made_for:
            self.made_for = event.size.width
            self.post_message(self.Resized())

    made_for = -1


class StepScreen(App[int]):
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
    #node { height: auto; min-height: 7; max-height: 10; }
    #rule { height: auto; min-height: 8; max-height: 12; }
    #gradients { height: 1fr; }
    #jump, #message { display: none; }
    #note { height: auto; padding: 0 1; }
    #message { height: auto; overflow-y: auto; padding: 0 1; text-style: bold; }
    .wide #panels { layout: horizontal; }
    .wide #step { width: 3fr; height: 1fr; }
    .wide #node { max-height: 60%; padding: 1 2; }
    .wide #rule { height: 1fr; max-height: 100%; padding: 1 2; }
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
        Binding("f", "phase('forward')"),
        Binding("c", "phase('backward')"),
        Binding("u", "phase('update')"),
        Binding("right_square_bracket,pagedown", "move_epoch(1)"),
        Binding("left_square_bracket,pageup", "move_epoch(-1)"),
        Binding("e", "explain"),
        Binding("escape", "leave_jump"),
        Binding("d", "switch_light"),
        Binding("q,ctrl+c,ctrl+q", "quit", priority=False),
    ]

    def __init__(self, trace: Trace, remark: str = "") -> None:
        super().__init__()
        self.trace = trace
        self.message = self.remark = remark
        self.noted = ""
        self.rows_of_rule = 0
        self.read_pass()

    def read_pass(self) -> None:
        """Look at the graph of the pass that the trace is in now."""
        self.names = self.trace.names
        edges = self.trace.edges
        self.receivers = [parent for _, parent in edges]
        # After how many backward steps those of another node begin.
        self.starts = [
            place + 1
            for place, (node, _) in enumerate(edges)
            if place == 0 or node is not edges[place - 1][0]
        ]
        # In the order in which their gradients become complete: that of the last steps about them.
        completed = list(dict.fromkeys(reversed(self.receivers)))
        self.order = [self.trace.root, *reversed(completed)]
        self.places = dict(zip(self.order, count()))
        self.users: dict[Value, list[Value]] = {}
        self.explanations: dict[Value, Explanation] = {}

    def users_of(self, node: Value) -> list[Value]:
        """Return the nodes that a node is an operand of; all are looked for at the first time."""
        if node is self.trace.root:
            return []
        if not self.users:
            for each in self.trace.order:
                for parent in each.parents:
                    users = self.users.setdefault(parent, [])
                    if not users or users[-1] is not each:
                        users.append(each)
        return self.users.get(node, [])

    def read_names(self) -> None:
        """Look at all names of the pass, for a jump to one."""
        self.by_name = {self.names[node]: node for node in self.order}
        self.unreached = {
            self.names[node]
            for node in self.trace.order
            if node not in self.places and not node.is_constant
        }
        self.suggestions = [*islice(self.by_name, MOST_SUGGESTIONS), *islice(self.unreached, 100)]

    # ---- what is on the screen ---------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Yield the parts of the screen, from the top."""
        yield Static(id="title")
        yield Static(id="note", markup=False)
        with Container(id="panels"):
            with Container(id="step"):
                yield Panel(id="node", markup=False)
                yield Panel(id="rule", markup=False)
            yield Panel(id="gradients", markup=False)
        yield Static(id="message", markup=False)
        yield JumpInput(
            id="jump",
            disabled=True,
            placeholder="a node's name, a step's number or epoch 12, then Enter; Esc leaves",
        )
        yield Static(KEYS, id="keys", markup=False)

    def on_mount(self) -> None:
        """Show the start."""
        end_loop_when_terminated(self.exit)
        self.theme = "textual-dark"
        self.say(self.remark)
        self.call_after_refresh(self.show)

    def on_resize(self, event: Resize) -> None:
        """Put the gradients beside the chain rule, or under it."""
        self.set_class(event.size.width >= WIDE, "wide")
        self.call_after_refresh(self.show)

    def on_panel_resized(self) -> None:
        """Write for the new width."""
        self.show()

    def show(self) -> None:
        """Write the trace's position into all parts of the screen."""
        if self.names is not self.trace.names:
            self.read_pass()
        self.query_one("#title", Static).update(self.title_line())
        step = self.trace.step
        self.noted = "\n".join(f"! {each}" for each in self.notes(step))
        self.query_one("#note", Static).update(self.noted)
        node = self.query_one("#node", Static)
        rule = self.query_one("#rule", Static)
        gradients = self.query_one("#gradients", Static)
        current = self.current(step)
        node.border_title = f"the node: {short(self.names[current])}"
        node.border_subtitle = line_of(step, current).short_place
        node.update(self.node_text(step, node.content_size.width))
        rule.border_title = TITLES[self.trace.phase]
        text = self.rule_text(step, rule.content_size.width)
        rule.update(text)
        self.rows_of_rule = rows(text.plain, rule.content_size.width)
        self.make_room()
        gradients.border_title = "gradients so far"
        gradients.border_subtitle = "● complete   ◐ more to come   ○ none yet"
        gradients.update(self.gradients_text(step, *gradients.content_size))

    def make_room(self) -> None:
        """Give what is said the rows that the chain rule leaves, and those of the node if needed.

        A message is said in the place of the notes.
        """
        wide = self.has_class("wide")
        self.query_one("#note", Static).display = bool(self.noted) and not self.message
        self.query_one("#message", Static).display = bool(self.message)
        width = max(1, self.size.width - 2)
        rule = max(ROWS_OF_RULE[wide], self.rows_of_rule + AROUND_RULE[wide])
        room = self.size.height - 1 - rows(KEYS, width) - rule
        has_node = rows(self.message or self.noted, width) <= room - ROWS_OF_NODE[wide]
        self.query_one("#node", Static).display = has_node
        most = max(LEAST_MESSAGE, room - (ROWS_OF_NODE[wide] if has_node else 0))
        for name in ("#note", "#message"):
            self.query_one(name, Static).styles.max_height = most

    def current(self, step: AnyStep | None) -> Value:
        """Return the node whose operation the screen shows."""
        if isinstance(step, UpdateStep) or (step is not None and self.trace.progress[0]):
            return step.node
        return self.trace.order[0] if step is None else self.trace.root

    def notes(self, step: AnyStep | None) -> list[str]:
        """Return what is to be said about the pass, and why a gradient is 0 or not finite."""
        notes = [self.trace.note] if self.trace.note else []
        if not isinstance(step, Step) or not self.trace.is_complete(step.parent):
            return notes
        gradient = self.trace.gradient(step.parent)
        if gradient is None or gradient == 0.0 or not math.isfinite(gradient):
            if len(self.trace) <= MOST_EXPLAINED or step.parent in self.explanations:
                reasons = dict.fromkeys(self.explanation(step.parent).notes)
                notes += [each for each in reasons if NO_NAME not in each]
            else:
                notes.append(f"press e to see why this gradient is {number(gradient or 0.0)}")
        return notes

    def explanation(self, node: Value) -> Explanation:
        """Return where a node's gradient comes from, once the pass is done."""
        if node not in self.explanations:
            position = self.trace.position
            self.trace.goto(0, "update")
            with self.trace.shown():
                self.explanations[node] = explain(node, of=self.trace.root)
            self.trace.goto(position)
        return self.explanations[node]

    def signed(self, value: float) -> tuple[str, str]:
        """Return a number as text, and the style in which its sign is seen on this background."""
        palette = PALETTES[self.theme]
        tones = palette.positive if value > 0.0 else palette.negative if value < 0.0 else None
        return number(value), "bold" if tones is None else f"bold {tones.strong}"

    def title_line(self) -> Text:
        """Return where in the training this is, in words and as a bar."""
        done, count = self.trace.progress
        root, width = short(self.names[self.trace.root]), self.size.width - 2
        of = f" of 0–{self.trace.epochs - 1}"
        phase, step = self.trace.phase, f"step {done} of {count}"
        nth = f"pass {self.trace.nth} of 0–{self.trace.passes - 1}"
        passes = (nth,) if self.trace.passes > 1 else ()
        for parts in (
            (root, f"epoch {self.trace.epoch}{of}", *passes, phase, step),
            (root, f"epoch {self.trace.epoch}", phase, step),
            (f"epoch {self.trace.epoch}", phase, step),
        ):
            known = [part for part in parts if self.trace.epochs > 1 or "epoch" not in part]
            words = "   ".join(known)
            if len(words) <= width:
                break
        words += "   " if width - len(words) > MARGIN_OF_BAR else ""
        bar = width - len(words) if words.endswith(" ") else 0
        filled = bar * done // count if count else bar
        return cut(Text(words).append("━" * filled).append("─" * (bar - filled)), width)

    def node_text(self, step: AnyStep | None, width: int) -> Text:
        """Return the node: its line of code, its formula, and its place in the graph."""
        node = self.current(step)
        name = self.names[node]
        text = Text()
        if code := line_of(step, node).code:
            text.append(f"{code}\n")
        if node.op is None:
            text.append(f"{name} = {self.shown(node)}, a variable\n", "bold")
        else:
            formula = self.names.formula(node).replace(" * ", " × ")
            text.append(f"{name} = {formula}\n", "bold")
        wide = self.has_class("wide")
        if node.op is not None and wide:
            text.append("\n")
        lit = step.position if isinstance(step, Step) and self.trace.progress[0] else None
        operands = [f"{short(self.names[each])} {self.shown(each)}" for each in node.parents]
        users = [short(self.names[each], 14) for each in self.users_of(node)]
        more = f" and {len(users) - 2} more" if len(users) > 2 else ""
        text.append_text(
            cut(
                neighbourhood(
                    operands,
                    f"{short(name)} = {self.shown(node)}",
                    ", ".join(users[:2]) + more,
                    lit,
                    7 if wide else 3,
                    f"bold {ON_LIT} on {LIT}",
                ),
                width,
            )
        )
        return text

    def shown(self, node: Value) -> str:
        """Return a node's number, if it is computed."""
        known = self.trace.number(node)
        return "?" if known is None else number(known)

    def rule_text(self, step: AnyStep | None, width: int) -> Text:
        """Return what the step does: fractions with a number under each, and a line or two."""
        gap = "\n\n" if self.has_class("wide") else "\n"
        if step is None:
            return Text(
                "The forward pass starts here: each operation computes its result. Press n."
            )
        if isinstance(step, UpdateStep):
            return self.update_text(step, width, gap)
        if isinstance(step, Step):
            return self.chain_rule_text(step, width, gap)
        if self.trace.phase == "backward":
            return self.start_text(width)
        return self.forward_text(step, gap)

    def start_text(self, width: int) -> Text:
        """Return where the chain rule starts."""
        start = self.trace.gradient(self.trace.root) or 0.0

        def columns(length: int) -> list[Column]:
            root = f"d {short(self.names[self.trace.root], length)}"
            return [((root, root), *self.signed(start))]

        text = stacked(columns, width).append("\n\nThe chain rule starts here: ")
        root = short(self.names[self.trace.root], 12)
        return text.append(f"d {root}/d {root} is {number(start)}. Press n.")

    def forward_text(self, step: ForwardStep, gap: str) -> Text:
        """Return an operation's result in numbers."""
        name = short(self.names[step.node])
        text = Text(f"{name} = ").append(step.in_numbers.replace("-", "−").replace(" * ", " × "))
        text.append(f"{gap}{' ' * len(name)} = ").append(*self.signed(step.number))
        return text.append(f"{gap}{gap}The gradients come with the backward pass: press c.")

    def update_text(self, step: UpdateStep, width: int, gap: str) -> Text:
        """Return a variable's update: the new number, the old, and what the change is made of."""

        def columns(length: int) -> list[Column]:
            name = short(self.names[step.node], length)
            found: list[Column] = [
                ((name, "new"), number(step.after), "bold"),
                (("=", ""), "=", ""),
                ((name, "old"), number(step.before), "bold"),
                (("+", ""), "+", ""),
            ]
            if step.rate is None:
                return [*found, (("change", ""), number(step.change), "")]
            grad = (f"{name}.grad", ""), *self.signed(step.gradient)
            return [*found, (("rate", ""), number(step.rate), ""), (("×", ""), "×", ""), grad]

        text = stacked(columns, width)
        if step.earlier:
            text.append(f"{gap}earlier passes gave {number(step.earlier)} of its gradient")
        if step.rate is None:
            return text.append(f"{gap}its gradient is {number(step.gradient)}")
        return text.append(
            f"{gap}against its gradient: so the loss falls, if the step is small enough"
            if step.rate < 0.0
            else f"{gap}along its gradient: so the loss rises"
        )

    def chain_rule_text(self, step: Step, width: int, gap: str) -> Text:
        """Return the chain rule as fractions, and the sum so far."""
        node, parent = self.names[step.node], self.names[step.parent]

        def columns(length: int) -> list[Column]:
            of, by, at = (
                f"d {short(name, length)}" for name in (self.names[self.trace.root], parent, node)
            )
            if not step.taken:
                return [((of, by), "", ""), (("+= nothing", ""), "", "")]
            return [
                ((of, by), *self.signed(step.contribution)),
                (("+=", ""), "=", ""),
                ((of, at), *self.signed(step.upstream)),
                (("×", ""), "×", ""),
                ((at, by), *self.signed(step.local)),
            ]

        text = stacked(columns, width).append(gap)
        if step.taken:
            rule = local_rule(step, self.names)
            formula = f"{rule} = " if rule and rule != number(step.local) else ""
            text.append(f"d {short(node)}/d {short(parent)} = {formula}")
            text.append(*self.signed(step.local))
            code = rule_line(step)
            last = text.plain.rpartition("\n")[2]
            if code and self.has_class("wide"):
                text.append(f"{gap}{code}")
            elif code and len(last) + 3 + len(code) <= width:
                text.append(f"   {code}")
        else:
            text.append(f"{short(node)} did not take {short(parent)}: it passes nothing on to it")
        return text.append(gap).append_text(self.sum_line(step, short(parent)))

    def sum_line(self, step: Step, parent: str) -> Text:
        """Return what the receiver's gradient is so far, and whether more will come."""
        uses = self.receivers.count(step.parent)
        use = self.receivers[: self.trace.progress[0]].count(step.parent)
        if uses == 1 and step.taken:
            return Text(f"{parent} is used once, so this is its whole gradient")
        state = "complete" if use == uses else "so far"
        nothing = self.trace.gradient(step.parent) is None
        total = ("nothing", "") if nothing else self.signed(step.total)
        return Text.assemble(f"sum {state}: ", total, f"   (use {use} of {uses} of {parent})")

    def gradients_text(self, step: AnyStep | None, width: int, height: int) -> Text:
        """Return a page of the gradients, in the order in which they become complete."""
        columns = max(1, width // ENTRY)
        a_page = max(1, columns * height)
        current = step.parent if isinstance(step, Step) else self.current(step)
        begin = self.places.get(current, 0) // a_page * a_page
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

    def go(self, position: int, phase: Phase | None = None, epoch: int | None = None) -> None:
        """Move to a position of the pass or of a phase."""
        self.say("")
        self.trace.goto(position, phase, epoch=epoch)
        self.show()

    def step_on(self, direction: int) -> bool:
        """Take a step or undo one, also into another epoch; return whether there was one."""
        try:
            self.trace.next() if direction > 0 else self.trace.back()
        except IndexError:
            return False
        return True

    def action_move(self, direction: int) -> None:
        """Move by a step."""
        self.say("")
        self.step_on(direction)
        self.show()

    def action_move_node(self, direction: int) -> None:
        """Move to where the steps of the next node, or the one before, begin."""
        done, count = self.trace.progress
        if self.trace.phase != "backward" or done == (count if direction > 0 else 0):
            self.action_move(direction)
        elif direction > 0:
            self.go(next((start for start in self.starts if start > done), count), "backward")
        else:
            self.go(max((start for start in self.starts if start < done), default=0), "backward")

    def action_move_epoch(self, direction: int) -> None:
        """Move to the next epoch, or the one before, and there to the same phase."""
        epoch = self.trace.epoch + direction
        if 0 <= epoch < self.trace.epochs:
            self.go_to_phase(self.trace.phase, epoch)

    def action_phase(self, phase: Phase) -> None:
        """Move to where a phase of this pass begins."""
        self.go_to_phase(phase)

    def go_to_phase(self, phase: Phase, epoch: int | None = None) -> None:
        """Move to where a phase begins; to the first step of an update, if there was one."""
        self.go(0, phase, epoch)
        if phase == "update" and self.trace.position == len(self.trace):
            self.trace.goto(0, phase, nth=self.trace.passes - 1)  # after which it comes
        if phase == "update" and self.trace.position == len(self.trace):
            self.show()
            self.say("no variable got another number after this pass")
        elif phase == "update":
            self.action_move(1)

    def action_first(self) -> None:
        """Move to the start of the phase."""
        self.go(0, self.trace.phase)

    def action_last(self) -> None:
        """Move to the end of the phase."""
        self.go(self.trace.progress[1], self.trace.phase)

    def action_explain(self) -> None:
        """Say where the gradient on the screen comes from."""
        step = self.trace.step
        self.say(
            str(self.explanation(step.parent if isinstance(step, Step) else self.current(step)))
        )

    def action_switch_light(self) -> None:
        """Change between a dark and a light background."""
        self.theme = "textual-light" if self.theme == "textual-dark" else "textual-dark"
        self.show()

    def action_jump(self) -> None:
        """Ask for a node or a step."""
        field = self.query_one("#jump", Input)
        field.display, field.disabled = True, False
        self.read_names()
        field.suggester = SuggestFromList(self.suggestions, case_sensitive=False)
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
        epoch = wanted.lower().removeprefix("epoch").strip()
        if epoch != wanted.lower() and epoch.isdecimal():
            if int(epoch) < self.trace.epochs:
                self.go(0, "backward", int(epoch))
            else:
                self.say(f"there are epochs from 0 to {self.trace.epochs - 1}")
            return
        name = self.name_of(wanted)
        if wanted.isdecimal() and int(wanted) <= len(self.receivers):
            self.go(int(wanted), "backward")
        elif name in self.unreached:
            self.say(f"nothing reaches {name}: all that uses it was not taken")
        elif name in self.by_name:
            self.go(self.trace.completed_at(self.by_name[name]))
        else:
            self.say(
                f"no node is called {wanted!r}, and no step has that number; "
                f"some nodes: {', '.join(self.suggestions[:6])}"
            )

    def name_of(self, wanted: str) -> str:
        """Return the name that is meant: the completion that is offered, or the only one it is in.

        Returns '' if there is none.
        """
        part = wanted.casefold()
        names = [*self.by_name, *self.unreached]
        for found in (
            [name for name in names if name == wanted],
            [name for name in self.suggestions if name.casefold().startswith(part)][:1],
            [name for name in names if part in name.casefold()],
        ):
            if len(found) == 1:
                return found[0]
        return ""

    def say(self, message: str) -> None:
        """Show a message over the keys, or take it away."""
        self.message = message
        self.query_one("#message", Static).update(message)
        self.make_room()


def line_of(step: AnyStep | None, node: Value) -> Statement | Origin:
    """Return the line of code that does a step: an update's, or else the one that made the node."""
    line = step.line if isinstance(step, UpdateStep) else None
    return line or node.origin
