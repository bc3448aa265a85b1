"""Machine code for a program, made by LLVM through llvmlite (the extra ``native``).

The bits are those of the Python engines: LLVM is given no licence to reorder or fuse arithmetic,
and ``exp`` and its kin are the functions of C's library that Python's ``math`` calls, under
names that LLVM does not know, since it rewrites some that it knows.
"""

from __future__ import annotations

import ctypes
import itertools
import marshal
import math
import os
import sys
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from autodiff.compiler.batches import Passes, row_order
from autodiff.compiler.build import Parts, Recording
from autodiff.compiler.identity import identity_of
from autodiff.compiler.kernels import C_LIBRARY, uses_exp
from autodiff.compiler.llvm import assembly_of
from autodiff.compiler.llvm_operations import FEWEST_TOGETHER
from autodiff.compiler.object_cache import CACHE_SETTING, load_object, store_object
from autodiff.compiler.vector_exp import agrees, exp_assembly
from autodiff.support.extras import install
from autodiff.support.memory import collector_paused

__all__ = [
    "Code",
    "NativeRunner",
    "engine_of",
    "exp_width_for",
    "floats",
    "is_installed",
    "key_of",
    "lanes",
    "load_code",
    "memory_of",
    "orders",
    "store_code",
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
    """Return the address of each function of C's library, under the name that the code calls.

    It is looked for where Python's ``math`` finds it: in what that module, or Python, is linked to.
    """
    if sys.platform == "win32":
        library = ctypes.CDLL("ucrtbase")
    else:
        library = ctypes.CDLL(getattr(math, "__file__", None))
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
    store_exp = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    if not agrees(store_exp(engine.get_function_address("store_exp")), width):
        return 0
    _kept.append(engine)
    name = f"autodiff_exp_{width}"
    binding.add_symbol(name, engine.get_function_address(name))
    return width


# What holds machine code that must stay in memory.
_kept: list[Any] = []


@dataclass(frozen=True, slots=True)
class Code:
    """A program's machine code, and what must be known to run it.

    ``order`` has the place in memory of each of the program's variables; ``size`` and ``numbers``
    are those of its memory, and ``table`` what its loops read.  ``exp_width`` is the width of
    vectors whose ``exp`` it calls, and ``waits`` whether it does without guards as long as it can.
    """

    order: list[int]
    size: int
    numbers: dict[int, float]
    table: bytes
    exp_width: int
    binary: bytes
    waits: bool = False


def code_of(parts: Parts, networks: int, keep: bool) -> Code:
    """Return a program's code; ``keep`` it under its assembly, unless it has a key."""
    with collector_paused():
        width = exp_width_for(parts)
        assembly = assembly_of(parts, lanes(), width, networks)
    binary = binary_of(assembly.text) if keep else compiled(assembly.text)
    places = {variable: place for place, variable in enumerate(assembly.order)}
    order = [places[variable] for variable in parts.variables]
    return Code(order, assembly.size, assembly.numbers, bytes(assembly.table), width, binary)


def key_of(recording: Recording) -> str:
    """Return what the machine code of a program is kept under; "" if none is kept."""
    if not os.environ.get(CACHE_SETTING) or not is_installed():
        return ""
    identity = identity_of(recording)
    return identity and f"{_versions()}\n{_processor()}\n{marshal.version} {identity}"


def load_code(key: str) -> Code | None:
    """Return the code that is kept under a key; None if there is none that can be called."""
    stored = load_object(key) if key else None
    code = None if stored is None else Code(*marshal.loads(stored))
    if code is not None and code.exp_width and code.exp_width != exp_width():
        return None  # C's library has another exp since
    return code


def store_code(key: str, code: Code) -> None:
    """Keep code under a key."""
    store_object(key, marshal.dumps(astuple(code)))


class NativeRunner:
    """A program's ``run`` as machine code: the same interface as the Python engine's runner.

    With ``many``, it runs as many networks at once as there are lanes.  Their numbers are given and
    returned one network after the other, an iteration's outputs side by side.
    """

    engine = "native"

    def __init__(
        self, parts: Parts, code: Code | None = None, keep: bool = True, many: bool = False
    ) -> None:
        self.parts = parts
        self.networks = lanes() if many else 1
        self.code = code = code_of(parts, self.networks, keep) if code is None else code
        self._engine = loaded(code.binary)
        self.function = _function(self._engine, bool(parts.inputs))
        places = [
            place * self.networks + network
            for network in range(self.networks)
            for place in code.order
        ]
        self.to_memory = _taking(sorted(range(len(places)), key=places.__getitem__))
        self.from_memory = _taking(places)
        self.count = len(places)
        self.left: Sequence[float] = ()
        self.memory = memory_of(code.size, code.numbers)
        self.table = table_of(code.table)
        self.lock = threading.Lock()  # machine code lets other threads run, and has one memory

    def run(self, n: int, numbers: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
        """Return n outputs and the variables' last numbers."""
        outputs = array("d", [0.0]) * (n * self.networks)
        with self.lock:
            self._read(numbers)
            self.function(n, self.memory, self.table, outputs.buffer_info()[0])
            return outputs, self._numbers()

    def run_rows(
        self, passes: Passes, numbers: Sequence[float]
    ) -> tuple[Sequence[float], Sequence[float]]:
        """Return the batches' outputs and the variables' last numbers."""
        rows, count, width = passes.rows, len(passes.rows), len(self.parts.inputs)
        # The last lanes of the last vector read beyond the rows: there must be something.
        stride = count + lanes()
        flat = (ctypes.c_double * (count * width))(*itertools.chain.from_iterable(rows))
        columns = (ctypes.c_double * (stride * width))()
        for k in range(width):
            column = slice(k * stride, k * stride + count)
            columns[column] = flat[k::width]  # type: ignore[assignment]
        outputs = array("d", [0.0]) * (passes.batches * self.networks)
        order = orders(passes)
        with self.lock:
            self._read(numbers)
            self.function(
                *(passes.n, count, passes.batch_size, stride, flat, order, columns),
                *(self.memory, self.table, outputs.buffer_info()[0]),
            )
            return outputs, self._numbers()

    def _read(self, numbers: Sequence[float]) -> None:
        """Put the variables' numbers into memory, in the order of the machine code."""
        if numbers is self.left:
            return  # they are there
        self.memory[: self.count] = list(self.to_memory(numbers))

    def _numbers(self) -> Sequence[float]:
        self.left = self.from_memory(floats(self.memory, self.count))
        return self.left


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


def floats(numbers: ctypes.Array[ctypes.c_double], count: int | None = None) -> list[float]:
    """Return the first numbers of an array, or all, in a third of the time of a slice."""
    view: Any = memoryview(numbers).cast("B").cast("d")
    found: list[float] = view[:count].tolist()
    return found


def table_of(table: bytes) -> ctypes.Array[ctypes.c_int32]:
    """Return the numbers that a program's loops read."""
    return (ctypes.c_int32 * max(len(table) // 4, 1)).from_buffer_copy(table or bytes(4))


def _taking(places: Sequence[int]) -> Callable[[Sequence[float]], tuple[float, ...]]:
    """Return the function that returns the numbers at these places, in this order."""
    return itemgetter(*places) if len(places) > 1 else tuple


def _needs_vector_exp(parts: Parts) -> bool:
    """Return whether several ``exp`` can be done at once: of many rows, or in one iteration."""
    uses = [op for register in parts.linear.registers if (op := register.op) and uses_exp(op)]
    return len(uses) >= (1 if parts.inputs else FEWEST_TOGETHER)


def orders(passes: Passes) -> ctypes.Array[ctypes.c_int64] | None:
    """Return the rows' order in each pass, drawn as the other engines draw it, if it is drawn."""
    if passes.shuffle is None:
        return None
    count = len(passes.rows)
    orders = [place for _ in range(passes.n) for place in row_order(count, passes.shuffle)]
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
    return loaded(binary_of(text))


def binary_of(text: str) -> bytes:
    """Return the machine code of an assembly, which is kept if there is a folder for it."""
    key = f"{_versions()}\n{_processor()}\n{text}"
    binary = load_object(key)
    if binary is None:
        binary = compiled(text)
        store_object(key, binary)
    return binary


def compiled(text: str) -> bytes:
    """Return the machine code of an assembly."""
    module = _binding().parse_assembly(text)
    module.verify()
    binary: bytes = _machine().emit_object(module)
    return binary


def loaded(binary: bytes) -> Any:
    """Return the object that holds machine code in memory."""
    binding = _binding()
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(binary))
    engine.finalize_object()
    return engine


def _function(engine: Any, over_rows: bool) -> Any:
    """Return a program's function."""
    pointers = [ctypes.c_void_p]
    kinds = [ctypes.c_int64] * 4 + pointers * 6 if over_rows else [ctypes.c_int64] + pointers * 3
    return ctypes.CFUNCTYPE(None, *kinds)(engine.get_function_address("run"))


def _processor() -> str:
    binding = _binding()
    return f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"


def _versions() -> str:
    import llvmlite

    return f"{llvmlite.__version__} {_binding().llvm_version_info}"
