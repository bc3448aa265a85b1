"""The parts of the live page: what :mod:`demos.page` puts together into one file.

==================  =========================================================================
``record.py``       the graph of one row: what the page shows and compiles
``programs.py``     its arithmetic, compiled to JavaScript
``expression.py``   formulas that can be shown with names and with numbers
``content.py``      what the page is told of model, graph and data, as JSON
``python_code.py``  the Python that builds the network
``drawing.py``      the picture of the graph
``assemble.py``     all of it, with style sheets and scripts (``*.js``), as one file
==================  =========================================================================

Other pages share ``base.css``, ``parts.js``, ``numbers.js``, ``random.js``, ``scales.js`` and
``keys.js``.
"""
