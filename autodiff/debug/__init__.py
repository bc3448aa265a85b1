"""Looking inside: time travel through a backward pass, explanations, and the first bad number."""
