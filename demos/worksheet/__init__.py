"""Worksheets: small graphs to differentiate with a pencil. ``python -m demos.worksheet``.

==================  ========================================================================
``problems.py``     makes random graphs whose numbers a person can compute
``solution.py``     says how each number comes about
``sheet.py``        writes the printable pages (``sheet.html`` is their frame)
``answers.py``      reads a file of answers
``grading.py``      compares them with the solution, and finds the first mistake
``grade_table.py``  does that for the files of a class
==================  ========================================================================
"""
