"""Where everything lies, as Graphviz found it, and then in the order in which it is read.

=================  ========================================================================
``dot``            a picture as DOT, which Graphviz reads
``render``         Graphviz, as a program or as WebAssembly; an SVG as PNG and PDF
``in_browser``     Graphviz in a browser's Python
``places``         places of boxes, wires and text
``layout``         these of a whole picture
``reading_order``  operands, neurons, rows and inputs in their order
``labels``         text beside its own wire, and what lies on what
=================  ========================================================================
"""
