"""The parts of the live page: what :mod:`demos.page` puts together into one file.

====================  =======================================================================
``record.py``         the graph of one row: what the page shows and compiles
``programs.py``       what trains: the state, and the optimizer's rule
``kernels.py``        each operation for many rows at once, as JavaScript
``circuits.py``       small graphs for the page's script: an optimizer's rule, a penalty
``pieces.py``         what other networks are built of, in the page
``data_sets.py``      the data sets that they can have
``content.py``        what the page is told of model, graph and data, as JSON
``python_code.py``    the Python that builds the network
``assemble.py``       the style sheets and scripts (``*.js``) that it is made of
====================  =======================================================================

What steps through the graph is :mod:`autodiff.stepper`, as in any page of a graph.  Other pages
share ``random.js`` and ``scales.js``.
"""
