"""Pictures of a graph: from its nodes to boxes and arrows, and from these to each file format.

======================  ==================================================================
``fold``                which nodes share a box
``repeats``             which do because they are computed alike
``fold_calls``          which do where functions are folded
``parts``               what a fold gives: the parts that are boxes, and frames
``fit``, ``lines``      the arrangement that fits a frame; a long picture in lines
``look``                style, fold and digits that can be read in a frame
``moment``              what is known at a moment of a pass
``boxes``               the :class:`~autodiff.drawing.picture.Picture` of a graph
``difference``          that of what differs between two passes
``program_picture``     that of a compiled program, by its registers or by its loops
``modules``             what a module computes from inputs that stand for any
``neurons``             the neurons in a graph; ``network``, their picture
``columns``             the layout of that, and ``on_lines``, of the numbers on its lines
``matrices``            parameters and activations in rows and columns; ``heatmap``, their picture
``plans``               both of these in a frame
``palette``, ``style``  the colours that have a meaning; how each part of a picture looks
``dot``, ``mermaid``    a picture as text
``layout``, ``places``  where everything lies, as Graphviz found it
``reading_order``       and in which order
``labels``              where text stands, and what lies on what
``svg``, ``render``     as SVG in a layout, and that as PNG and PDF
``in_browser``          Graphviz in a browser's Python
``tikz``, ``typeset``   as TikZ in a layout, and its formulas
``drawio``              as a diagram to be edited
``draw``                all of this in one call
``animate``             a film of a forward and a backward pass
``notebook``            what a notebook shows
======================  ==================================================================
"""

import autodiff.drawing.notebook  # Values show themselves  # noqa: F401
from autodiff.drawing.animate import animate
from autodiff.drawing.draw import Drawing, draw

__all__ = ["Drawing", "animate", "draw"]
