"""The parts of the live page: what :mod:`demos.page` puts together into one file."""
