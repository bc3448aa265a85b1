"""What a class sees: run them with ``python -m demos.NAME``."""
