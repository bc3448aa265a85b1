"""Machine code for a program, made by LLVM through llvmlite (the extra ``native``).

The bits are those of the Python engines: LLVM is given no licence to reorder or fuse arithmetic,
and ``exp`` and its kin are the functions of C's library that Python's ``math`` calls, under
names that LLVM does not know, since it rewrites some that it knows.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from autodiff.compiler.batches import row_order
from autodiff.compiler.build import Parts
from autodiff.compiler.kernels import C_LIBRARY, uses_exp
from autodiff.compiler.llvm import Assembly, assembly_of
from autodiff.compiler.llvm_operations import FEWEST_TOGETHER
from autodiff.compiler.object_cache import CACHE_SETTING, load_object, store_object
from autodiff.compiler.vector_exp import agrees, exp_assembly
from autodiff.support.extras import install
from autodiff.support.memory import collector_paused

__all__ = [
    "NativeRunner",
    "NetworksRunner",
    "engine_of",
    "exp_width_for",
    "is_installed",
    "lanes",
    "memory_of",
    "orders",
    "table_of",
]

# A longer program is refused: compiling takes about 10 µs for each operation.
MOST_OPERATIONS = 10_000_000


def is_installed() -> bool:
    """Return whether llvmlite can be imported."""
    try:
        import llvmlite.binding  # noqa: F401
    except ImportError:
        return False
    return True


@cache
def _binding() -> Any:
    """Return llvmlite's binding, ready for this machine. Raises ImportError if it is missing."""
    try:
        from llvmlite import binding
    except ImportError as error:
        raise ImportError(
            f"the native engine needs llvmlite: {install('native')}; "
            "or use engine='python', which gives the same numbers"
        ) from error
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    for name, address in library_functions().items():
        binding.add_symbol(name, address)
    return binding


@cache
def library_functions() -> dict[str, int]:
    """Return the address of each function of C's library, under the name that the code calls."""
    if sys.platform == "win32":
        library = ctypes.CDLL("ucrtbase")
    else:
        library = ctypes.CDLL(ctypes.util.find_library("m"))
    # ctypes has None for the null pointer, which no function is at.
    return {
        f"autodiff_{name}": ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
        for name in C_LIBRARY
    }


@cache
def lanes() -> int:
    """Return how many doubles this processor computes at once: 8, 4 or 2."""
    features = _binding().get_host_cpu_features()
    if features.get("avx512f"):
        return 8
    return 4 if features.get("avx") else 2


@cache
def exp_width() -> int:
    """Return the width of vectors whose ``exp`` has the bits of C's library; make it callable.

    It is 0 where the processor or the library computes ``exp`` in another way.
    """
    binding, width = _binding(), lanes()
    features = binding.get_host_cpu_features()
    if not (features.get("fma") and features.get("avx2")):
        return 0
    engine = engine_of(exp_assembly(width))
    fill = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)
    if not agrees(fill(engine.get_function_address("fill"))):
        return 0
    _kept.append(engine)
    name = f"autodiff_exp_{width}"
    binding.add_symbol(name, engine.get_function_address(name))
    return width


# What holds machine code that must stay in memory.
_kept: list[Any] = []


class NativeRunner:
    """A program's ``run`` as machine code: the same interface as the Python engine's runner."""

    engine = "native"
    networks = 1

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        with collector_paused():
            self.assembly = assembly_of(parts, lanes(), exp_width_for(parts), self.networks)
        self.function, self._engine = _compiled(self.assembly, bool(parts.inputs))
        order = {variable: place for place, variable in enumerate(self.assembly.order)}
        places = [
            order[variable] * self.networks + network
            for network in range(self.networks)
            for variable in parts.variables
        ]
        self.to_memory = _taking(sorted(range(len(places)), key=places.__getitem__))
        self.from_memory = _taking(places)
        self.count = len(places)
        self.left: Sequence[float] = ()
        self.memory = memory_of(self.assembly.size, self.assembly.numbers)
        self.table = table_of(self.assembly)

    def run(self, n: int, numbers: Sequence[float]) -> tuple[list[float], Sequence[float]]:
        """Return n outputs and the variables' last numbers."""
        self._read(numbers)
        outputs = (ctypes.c_double * (n * self.networks))()
        self.function(n, self.memory, self.table, outputs)
        return outputs[:], self._numbers()

    def run_rows(
        self,
        n: int,
        rows: Sequence[Sequence[float]],
        batch_size: int,
        numbers: Sequence[float],
        shuffle: random.Random | None,
    ) -> tuple[list[float], Sequence[float]]:
        """Return the outputs of n passes' batches and the variables' last numbers."""
        count, width = len(rows), len(self.parts.inputs)
        batches = -(-count // batch_size)
        # The last lanes of the last vector read beyond the rows: there must be something.
        stride = count + self.assembly.lanes
        flat = (ctypes.c_double * (count * width))(*itertools.chain.from_iterable(rows))
        columns = (ctypes.c_double * (stride * width))()
        for k in range(width):
            column = slice(k * stride, k * stride + count)
            columns[column] = flat[k::width]  # type: ignore[assignment]
        self._read(numbers)
        outputs = (ctypes.c_double * (n * batches * self.networks))()
        order = None if shuffle is None else orders(shuffle, count, n)
        self.function(
            *(n, count, batch_size, stride, flat, order, columns),
            *(self.memory, self.table, outputs),
        )
        return outputs[:], self._numbers()

    def _read(self, numbers: Sequence[float]) -> None:
        """Put the variables' numbers into memory, in the order of the machine code."""
        if numbers is self.left:
            return  # they are there
        self.memory[: self.count] = list(self.to_memory(numbers))

    def _numbers(self) -> Sequence[float]:
        self.left = self.from_memory(self.memory[: self.count])
        return self.left


class NetworksRunner(NativeRunner):
    """The same for many networks at once, as many as there are lanes.

    Their numbers are given and returned one network after the other, an iteration's outputs side by
    side.
    """

    def __init__(self, parts: Parts) -> None:
        self.networks = lanes()
        super().__init__(parts)


def exp_width_for(parts: Parts) -> int:
    """Return the width of vectors whose ``exp`` a program's assembly can call; 0 if it needs none.

    Raises ValueError if the program is too long, ImportError if llvmlite is missing.
    """
    operations = sum(register.op is not None for register in parts.linear.registers)
    if operations > MOST_OPERATIONS:
        raise ValueError(
            f"the program has {operations:,} operations; native code is made of up to "
            f"{MOST_OPERATIONS:,}. Give compile() the data as inputs and run it over rows, "
            "instead of building the graph of all rows"
        )
    _binding()
    return exp_width() if _needs_vector_exp(parts) else 0


def memory_of(size: int, numbers: Mapping[int, float]) -> ctypes.Array[ctypes.c_double]:
    """Return the memory of a program, which begins at a multiple of 64, with its numbers."""
    allocated = (ctypes.c_double * (size + 16))()
    start = -ctypes.addressof(allocated) % 64
    memory = (ctypes.c_double * (size + 8)).from_buffer(allocated, start)
    for address, number in numbers.items():
        memory[address] = number
    return memory


def table_of(assembly: Assembly) -> ctypes.Array[ctypes.c_int32]:
    """Return the numbers that a program's loops read."""
    table = assembly.table
    return (ctypes.c_int32 * max(len(table), 1)).from_buffer_copy(table or b"    ")


def _taking(places: Sequence[int]) -> Callable[[Sequence[float]], tuple[float, ...]]:
    """Return the function that returns the numbers at these places, in this order."""
    return itemgetter(*places) if len(places) > 1 else tuple


def _needs_vector_exp(parts: Parts) -> bool:
    """Return whether several ``exp`` can be done at once: of many rows, or in one iteration."""
    uses = [op for register in parts.linear.registers if (op := register.op) and uses_exp(op)]
    return len(uses) >= (1 if parts.inputs else FEWEST_TOGETHER)


def orders(shuffle: random.Random, count: int, passes: int) -> ctypes.Array[ctypes.c_int64]:
    """Return the rows' order in each pass, drawn as the other engines draw it."""
    orders = [place for _ in range(passes) for place in row_order(count, shuffle)]
    return (ctypes.c_int64 * len(orders))(*orders)


def _machine() -> Any:
    """Return LLVM's description of this machine.

    The program is optimized already: LLVM's own passes make it no faster, and take longest.
    """
    binding = _binding()
    target = binding.Target.from_default_triple()
    features = binding.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=binding.get_host_cpu_name(), features=features, opt=1)


def engine_of(text: str) -> Any:
    """Return the object that holds the machine code of an assembly in memory."""
    binding = _binding()
    machine = _machine()
    key = f"{_versions()}\n{_processor()}\n{text}"
    stored = load_object(key)
    if stored is not None:
        engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
        engine.add_object_file(binding.ObjectFileRef.from_data(stored))
    else:
        module = binding.parse_assembly(text)
        module.verify()
        if os.environ.get(CACHE_SETTING):
            store_object(key, machine.emit_object(module))
        engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


def _compiled(assembly: Assembly, over_rows: bool) -> tuple[Any, Any]:
    """Return the function, and the object that keeps its code in memory."""
    engine = engine_of(assembly.text)
    pointers = [ctypes.c_void_p]
    kinds = [ctypes.c_int64] * 4 + pointers * 6 if over_rows else [ctypes.c_int64] + pointers * 3
    return ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address("run")), engine


def _processor() -> str:
    binding = _binding()
    return f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"


def _versions() -> str:
    import llvmlite

    return f"{llvmlite.__version__} {_binding().llvm_version_info}"
