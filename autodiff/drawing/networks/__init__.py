"""Networks as people draw them, and their numbers as heat maps; laid out here.

================  =========================================================================
``modules``       what a module computes from inputs that stand for any
``neurons``       the neurons in a graph
``network``       their picture: circles, and lines for weights
``columns``       its layout
``on_lines``      where the numbers on its lines stand
``matrices``      parameters and activations in rows and columns
``heatmap``       their picture
``plans``         both of these in a frame
================  =========================================================================
"""
