"""The exercises of the notebooks: ``check(name, attempt)`` says whether an attempt is right.

A check never raises, whatever it is given: a student's code may be unfinished or wrong, and the
answer is then *not yet*, with a hint.

====================  ===========================================================
``answers.py``        an exercise, a hint, and what an answer may be expected to be
``own_value.py``      notebook 1: a student's own Value, part by part
``own_gradients.py``  its gradients, beside the engine's
``own_training.py``   a neuron and a training on it
``wrong_passes.py``   backward passes with the usual mistakes, to know them again
``asking.py``         asking a student's code
``mirror.py``         a student's graph in the engine's pictures
``slopes.py``         notebooks 1 and 2: slopes and the chain rule
``networks.py``       notebooks 3 to 5: a neuron, XOR, what can go wrong
``language.py``       notebook 6: from bigram to attention
====================  ===========================================================
"""

from __future__ import annotations

from typing import Any

from demos.exercises.answers import Exercise, NotYetError
from demos.exercises.language import LANGUAGE
from demos.exercises.mirror import as_engine
from demos.exercises.networks import NETWORKS
from demos.exercises.own_value import OWN_VALUE
from demos.exercises.slopes import SLOPES

__all__ = ["EXERCISES", "Exercise", "NotYetError", "as_engine", "check", "is_right", "verdict"]

EXERCISES = {**SLOPES, **OWN_VALUE, **NETWORKS, **LANGUAGE}


def verdict(name: str, *attempt: Any) -> tuple[bool, str]:
    """Return whether the attempt is right, and what to tell the student."""
    exercise = EXERCISES[name]
    if attempt[0] is None or attempt[0] is ...:
        return False, "Not yet: replace the ... above by your answer, and run the cell again."
    try:
        exercise.test(*attempt)
    except NotYetError as hint:
        return False, f"Not yet: {hint}"
    except Exception as error:
        return False, f"Not yet: your answer raised {type(error).__name__}: {error}"
    return True, f"Right! {exercise.praise}"


def check(name: str, *attempt: Any) -> None:
    """Print whether the attempt is right; of a function that needs it, the class comes with it.

    >>> check("slope by hand", ...)
    Not yet: replace the ... above by your answer, and run the cell again.
    >>> check("slope by hand", 11)
    Right! The slope of 3x² − x is 6x − 1, and 6 · 2 − 1 = 11.
    """
    print(verdict(name, *attempt)[1])


def is_right(name: str, *attempt: Any) -> bool:
    """Return whether the attempt is right, for a cell that builds on it.

    >>> is_right("slope by hand", 12)
    False
    """
    return verdict(name, *attempt)[0]
