"""An interactive picture of any graph: step through it, nudge a number, predict the next.

==================  ==========================================================================
``show.py``         ``show``: the page of a graph, in a notebook or as a file
``content.py``      what the page is told of the graph, as JSON
``packing.py``      numbers of a whole graph as short text
``arithmetic.py``   what it computes, operation by operation, compiled to JavaScript
``folds.py``        a large graph as boxes that open
``local_names.py``  what the functions that computed it call its results
``expression.py``   formulas that can be shown with names and with numbers
``live_svg.py``     the picture of the graph, whose numbers and colours can change
``notes.py``        what a person has to know of the numbers: cuts and hooks
``document.py``     all of it and the scripts as one HTML document
``parts.py``        the scripts and style sheets
==================  ==========================================================================

The scripts and the style sheet are those of the demos' live page, too, which has more of its own.
"""

from autodiff.stepper.show import Stepper, show

__all__ = ["Stepper", "show"]
