"""The parts of the GPT's live page: what :mod:`demos.gpt.page` puts together into one file.

==================  =========================================================================
``programs.py``     its arithmetic, compiled to JavaScript
==================  =========================================================================

``page.html`` and ``gpt.css`` are what it looks like.  ``training.js``, ``sampling.js``,
``look.js``, ``attention.js``, ``lesson.js``, ``losses.js`` and ``app.js`` are its script, with
what all live pages share: :mod:`demos.live`.
"""
