"""Looking inside: time travel through training, explanations, and the first bad number.

==================  =========================================================================
``steps.py``        ``backward_steps``: a backward pass, one contribution at a time
``trace.py``        ``Trace``: forward pass, backward pass and update, in both directions
``traced.py``       one pass, as a trace has it
``phases.py``       the steps of a forward pass and of an update
``rates.py``        the learning rate of an update, where there is one
``epochs.py``       ``record_epochs``: a trace over the epochs of a training loop
``explain.py``      ``explain``: where a gradient comes from
``reasons.py``      what there may be to say about it, as a list of reasons
``situation.py``    what the reasons look at
``zeros.py``        why it is zero, or nearly so
``not_finite.py``   why it is infinite or nan: a table of what operations cannot do
``updates.py``      updates that go wrong
``rebound.py``      updates that change no weight, read from the program's text
``order.py``        an update before ``backward()``, a forward pass that runs once
``in_vain.py``      updates by too little, or of what is made anew
``differences.py``  why ``value.grad`` is not there, or another number
``earlier.py``      the gradient that the last pass gave, where numbers have changed since
``program.py``      the program that made the graph: its names, and the lines that are meant
``statements.py``   what the statements of a program do, read from its text
``directions.py``   which way an update goes, and how a line is mended
``uses.py``         the uses of a Value, and of all that depends on it
``paths.py``        the largest products along whole paths
``call_tree.py``    which of the user's functions called which
``routes.py``       through which calls of them a gradient comes
``source.py``       ``record_source``: the line that made each Value
``visits.py``       which run of the line it was, and by which calls
``instructions.py`` the order in which a line's instructions run
``bindings.py``     what names stood for at each visit
``globals.py``      what the data of a module was at each
``places.py``       what the program calls its Values: by variables, places and arguments
``walk.py``         a backward pass through these lines, in a debugger
``assignments.py``  the name that such a line gives it
``anomaly.py``      ``detect_anomaly``: the first number that is not finite, at the user's line
``check.py``        ``check_gradients``: the rules beside differences of the functions
==================  =========================================================================
"""
