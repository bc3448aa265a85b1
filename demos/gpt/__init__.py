"""A GPT that learns first names, in plain scalars: ``python -m demos.gpt``.

- ``model.py``: the GPT, in functions on lists of numbers.
- ``documents.py``: words as lists of tokens.
- ``training.py``: the loop to read, and the same by a compiled program.
- ``sampling.py``: new words, letter by letter.
- ``pictures.py``: the loss, and who attends to whom.
- ``page.py`` and ``live``: a page that trains it in the browser, and looks inside.
- ``command.py``: the command line.
- ``names.txt``: 5,163 first names of the US census of 1990, public domain.
"""
