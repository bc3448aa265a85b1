"""Pictures of a graph: from its nodes to boxes and arrows, and from these to each file format.

======================  ==================================================================
``folds``               which nodes share a box
``look``, ``moment``    style, fold and digits that can be read; what is known of a pass
``boxes``               the :class:`~autodiff.drawing.picture.Picture` of a graph
``difference``          that of what differs between two passes
``program_picture``     that of a compiled program, by its registers or by its loops
``networks``            those of networks, and heat maps
``palette``, ``style``  the colours that have a meaning; how each part of a picture looks
``fit``, ``lines``      the arrangement that fits a frame; a long picture in lines
``layouts``             where everything lies
``formats``             a picture as SVG, Mermaid, TikZ and for draw.io
``draw``                all of this in one call
``animate``             a film of a forward and a backward pass
``notebook``            what a notebook shows
======================  ==================================================================
"""

import autodiff.drawing.notebook  # Values show themselves  # noqa: F401
from autodiff.drawing.animate import animate
from autodiff.drawing.draw import Drawing, draw

__all__ = ["Drawing", "animate", "draw"]
