"""Looking inside: time travel through training, explanations, and the first bad number.

==================  =========================================================================
``steps.py``        ``backward_steps``: a backward pass, one contribution at a time
``trace.py``        ``Trace``: forward pass, backward pass and update, in both directions
``traced.py``       one pass, as a trace has it
``phases.py``       the steps of a forward pass and of an update
``epochs.py``       ``record_epochs``: a trace over the epochs of a training loop
``explain.py``      ``explain``: where a gradient comes from
``reasons.py``      why it is zero, missing, not finite, or another than expected
``uses.py``         the uses of a Value, and of all that depends on it
``paths.py``        the largest products along whole paths
``source.py``       ``record_source``: the line that made each Value
``assignments.py``  the name that such a line gives it
``anomaly.py``      ``detect_anomaly``: the first number that is not finite
``changed.py``      numbers that are not those of the forward pass any more
``check.py``        ``check_gradients``: the rules beside differences of the functions
``text.py``         numbers and formulas as messages show them
==================  =========================================================================
"""
