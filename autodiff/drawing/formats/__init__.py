"""A picture in a layout, in each file format.

==============  ===========================================================================
``svg``         SVG
``mermaid``     Mermaid, which needs no layout
``tikz``        TikZ
``typeset``     its formulas, as TeX sets them
``drawio``      a diagram to be edited
==============  ===========================================================================
"""
