"""A graph as a program, and the languages it can be written in."""

from autodiff.compiler.program import Program, compile, epoch_means
from autodiff.compiler.slices import slices

__all__ = ["Program", "compile", "epoch_means", "slices"]
