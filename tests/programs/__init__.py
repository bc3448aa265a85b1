"""Five programs as people write them for other scalar engines, and two such engines.

``forty_lines.py``      the engines: one stores local derivatives, one stores closures
``gpt.py``              a transformer that learns names, letter by letter
``lstm.py``             a recurrent network that remembers the first letter of a word
``convolution.py``      filters and max pooling, on pictures of lines
``autoencoder.py``      a variational autoencoder of patterns of six bits
``policy_gradient.py``  an actor, a critic and clipped ratios, in a corridor
``runner.py``           runs a program's text on any engine

Every program begins with ``from engine import Value``.  There is no module of that name: what it
is, is chosen by whoever runs the program, and nothing else of its text changes.
"""
