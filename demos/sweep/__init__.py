"""How often does a 2-4-1 network learn XOR? Thousands of them, trained: ``python -m demos.sweep``.

=================  =========================================================================
``settings.py``    what is varied: the grid of a sweep
``training.py``    trains networks; the only part that runs on the workers
``store.py``       the results, in an SQLite file
``executors.py``   where the work is done: local processes, or a Dask cluster
``dispatch.py``    hands out the work and stores what comes back
``statistics.py``  confidence intervals and quantiles
``report.py``      the results as tables
``picture.py``     the results as a picture
``command.py``     the command line
=================  =========================================================================
"""
