"""A graph as a program, and the languages it can be written in.

A graph becomes registers, these become packs of operations that are alike, the packs loops over
numbers in memory, and the loops code.  Python alone is written register by register, to be read.

=======================  ====================================================================
``program.py``           ``compile`` and ``Program``: what a user sees
``decisions.py``         warnings of what Python code decided by a number
``build.py``             registers of a graph: forward, gradient and updates, with names
``reverse.py``           the reverse pass, and gradients that updates calculate with
``linear.py``            a register: what is known is computed, what is equal shared
``by_place.py``           a pick, and the addition at its place in the reverse pass
``guard.py``             which of the rows' choices can be left out, and until when
``packs.py``             packs: operations that are alike, level by level
``pack_names.py``        what a person calls them
``layout.py``            where the numbers of packs are, and the loops that compute them
``fusion.py``            packs that share their lanes as one loop
``row_sums.py``          sums over rows, several at once
``kernels.py``           how one operation computes, read from its own Python function
``languages.py``         what differs between Python, C and JavaScript
``text.py``              the writer of statements, one a register
``python.py``            Python, to read and to run
``loops.py``             loops in C and JavaScript
``idle_rows.py``         rows whose gradients are zeros, which they leave out
``standalone.py``        these as one file each
``llvm.py``              LLVM assembly of a program
``llvm_functions.py``    its functions, which call loops or have them written out
``llvm_loops.py``        a loop
``llvm_written_out.py``  short loops, one block after the other
``llvm_operations.py``   one operation, of numbers or of vectors
``vector_exp.py``        ``exp`` of several numbers at once
``native.py``            that assembly as machine code
``shapes.py``            rows of different lengths: programs that share their variables
``native_shapes.py``     these as machine code, on one memory
``identity.py``          what a program is, as a key to machine code on disk
``object_cache.py``      machine code kept on disk
``batches.py``           passes over rows, and the order of these
``recording.py``         what code does, as graphs, and whether a program can repeat it
``repeats.py``           whether code does the same whenever it is called
``slices.py``            long runs in slices, so that Ctrl-C is heard
=======================  ====================================================================
"""

from autodiff.compiler.batches import batches_of, row_order
from autodiff.compiler.build import record_program
from autodiff.compiler.decisions import DecisionWarning
from autodiff.compiler.program import Program, compile, epoch_means
from autodiff.compiler.shapes import ShapedProgram, program_of_shapes
from autodiff.compiler.slices import slices

__all__ = [
    "DecisionWarning",
    "Program",
    "ShapedProgram",
    "batches_of",
    "compile",
    "epoch_means",
    "program_of_shapes",
    "record_program",
    "row_order",
    "slices",
]
