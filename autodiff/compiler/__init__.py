"""A graph as a program, and the languages it can be written in.

======================  =====================================================================
``program.py``          ``compile`` and ``Program``: what a user sees
``build.py``            from a graph to registers: forward, gradient and updates, with names
``decisions.py``        warnings of what Python code decided by a number
``linear.py``           the registers: what is known is computed, what is equal shared
``packs.py``            operations that are alike, level by level
``layout.py``           where the numbers of packs are, and the loops that compute them
``kernels.py``          how one operation computes, read from its own Python function
``languages.py``        what differs between Python, C and JavaScript
``text.py``             the writer of statements that these three share
``python.py``           Python, to read and to run
``standalone.py``       C and JavaScript, as one file each
``loops.py``            their loops, of a large program
``llvm.py``             LLVM assembly of a program
``llvm_written_out.py``  its short loops, one block after the other
``llvm_loops.py``       its loops
``llvm_operations.py``  one operation, of numbers or of vectors
``row_sums.py``         sums over rows, several at once
``vector_exp.py``       its ``exp`` of several numbers at once
``guard.py``            which of the rows' choices can be left out, and until when
``native.py``           that assembly as machine code
``shapes.py``           rows of different lengths: programs that share their variables
``native_shapes.py``    these as machine code, on one memory
``object_cache.py``     machine code kept on disk
``batches.py``          the order in which rows are visited
``slices.py``           long runs in slices, so that Ctrl-C is heard
======================  =====================================================================
"""

from autodiff.compiler.batches import batches_of, row_order
from autodiff.compiler.build import record_program
from autodiff.compiler.decisions import DecisionWarning
from autodiff.compiler.program import Program, compile, epoch_means
from autodiff.compiler.shapes import ShapedProgram
from autodiff.compiler.slices import slices

__all__ = [
    "DecisionWarning",
    "Program",
    "ShapedProgram",
    "batches_of",
    "compile",
    "epoch_means",
    "record_program",
    "row_order",
    "slices",
]
