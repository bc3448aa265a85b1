"""Pictures of a graph: from its nodes to boxes and arrows, and from these to each file format.

======================  ==========================================================="""

from autodiff.drawing.animate import animate
from autodiff.drawing.draw import Drawing, draw

__all__ = ["Drawing", "animate", "draw"]
