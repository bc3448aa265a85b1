"""The parts of the live page: what :mod:`demos.page` puts together into one file.

==================  =========================================================================
``record.py``       the graph of one row: what the page shows and compiles
``programs.py``     its arithmetic, compiled to JavaScript
``content.py``      what the page is told of model, graph and data, as JSON
``python_code.py``  the Python that builds the network
``assemble.py``     all of it, and the page's own scripts (``*.js``), as one file
==================  =========================================================================

What steps through the graph is :mod:`autodiff.stepper`, as in any page of a graph.
"""
