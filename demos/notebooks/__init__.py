"""Copy the course's notebooks into a folder, and open them: ``python -m demos.notebooks``.

A notebook that is there already stays as it is, and is named if it is not the course's own any
more: it has a student's work. ``--fresh`` writes the course's own again, and keeps that work beside
it under another name.
"""
