"""The chain rule of each operation: what ``backward()`` does at a node that it made.

Written by ``python -m autodiff.ops.writer`` from ``autodiff/ops``; ``ops/sums.py`` has a sum's own.

===================  ========================================
``activations.py``   those of ``ops/activations.py``
``arithmetic.py``    those of ``ops/arithmetic.py``
``choices.py``       those of ``ops/choices.py``
``powers.py``        those of ``ops/powers.py``
``trigonometry.py``  those of ``ops/trigonometry.py``
===================  ========================================
"""

from autodiff.chain_rules.activations import *
from autodiff.chain_rules.arithmetic import *
from autodiff.chain_rules.choices import *
from autodiff.chain_rules.powers import *
from autodiff.chain_rules.trigonometry import *
from autodiff.ops import OPERATIONS

for _op in OPERATIONS.values():
    _op.apply_chain_rule_by(globals().get(f"backward_{_op.name}", _op.chain_rule))
