"""Looking inside: time travel through a backward pass, explanations, and the first bad number.

==================  =========================================================================
``steps.py``        ``backward_steps``: a backward pass, one contribution at a time
``trace.py``        ``Trace``: a backward pass, forward and back
``explain.py``      ``explain``: where a gradient comes from
``reasons.py``      why it is zero, missing, not finite, or another than expected
``uses.py``         the uses of a Value, and of all that depends on it
``paths.py``        the largest products along whole paths
``source.py``       ``record_source``: the line that made each Value
``assignments.py``  the name that such a line gives it
``anomaly.py``      ``detect_anomaly``: the first number that is not finite
``check.py``        ``check_gradients``: the rules beside differences of the functions
``text.py``         numbers and formulas as messages show them
==================  =========================================================================
"""
