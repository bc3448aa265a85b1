"""Pictures of a graph: from its nodes to boxes and arrows, and from these to each file format.

====================  ====================================================================
``rows``, ``fold``    which nodes share a box
``fold_calls``        which do where functions are folded
``parts``             what a fold gives: the parts that are boxes, and frames
``fit``, ``lines``    the arrangement that fits a frame; a long picture in lines
``look``              style, fold and digits that can be read in a frame
``moment``            what is known at a moment of a pass
``boxes``             the :class:`~autodiff.drawing.picture.Picture` of a graph
``program_picture``   that of a compiled program, by its registers or its loops
``palette``           the colours that have a meaning
``dot``, ``mermaid``  a picture as text
``layout``            where everything lies, as Graphviz found it
``svg``, ``render``   as SVG in a layout, and that as PNG and PDF
``draw``              all of this in one call
``animate``           a film of a forward and a backward pass
``notebook``          what a notebook shows
====================  ====================================================================
"""

from autodiff.drawing.animate import animate
from autodiff.drawing.draw import Drawing, draw

__all__ = ["Drawing", "animate", "draw"]
