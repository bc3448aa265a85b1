"""Which nodes of a graph share a box, and what is drawn around what is open.

===============  ==========================================================================
``fold``         by module, by row and by repetition
``repeats``      what is computed alike: rows, cells, steps of a loop
``fold_calls``   by the calls of the user's own functions
``parts``        what a fold gives: the parts that are boxes, and frames
===============  ==========================================================================
"""
