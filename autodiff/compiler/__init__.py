"""A graph as a program, and the languages it can be written in."""

from autodiff.compiler.batches import batches_of, row_order
from autodiff.compiler.program import Program, compile, epoch_means
from autodiff.compiler.slices import slices

__all__ = ["Program", "batches_of", "compile", "epoch_means", "row_order", "slices"]
