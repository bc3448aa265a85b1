"""What a Value knows of itself, and what serves the whole library: names, numbers, files, JSON."""
