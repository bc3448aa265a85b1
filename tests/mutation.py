"""Mutation testing: does some test notice when a line of the engine is changed?

    make mutation ARGS=autodiff/graph.py       # or: python -m tests.mutation autodiff/graph.py
    make mutation ARGS="nn/optim.py --every 5" # every fifth change alone
    make mutation ARGS="nn/optim.py --again"   # the survivors, after a test was written

Cosmic Ray changes one operator, number or condition of the file at a time and runs the tests that
TARGETS names for it.  A change that no test notices, a survivor, is printed: it wants a test, or
its reason in docs/mutation.md.  The changes are made in a copy of the project.  What was found is
kept in .mutation for each version of the file: an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import hashlib
import os
import re
import shlex
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

from tests.forked_pytest import Suite, measured

ROOT = Path(__file__).parents[1]
SESSIONS = ROOT / ".mutation"

# The tests that cover each file: first those that notice most for the least time, then, if they
# pass, the others.
TARGETS = {
    **{
        f"autodiff/ops/{name}.py": (
            f"autodiff/ops/{name}.py tests/test_ops.py tests/test_chain_rules.py",
            "tests/test_value.py tests/test_linear.py tests/test_gradient.py tests/test_compile.py",
            "tests/test_numerics.py -k stable_form",
            "tests/test_readers.py -k operation",
            "tests/test_refused_calls.py",
        )
        for name in (
            *("operation", "arithmetic", "powers", "trigonometry"),
            *("activations", "choices", "picking", "sums"),
        )
    },
    "autodiff/ops/symbols.py": (
        "autodiff/ops/symbols.py tests/test_chain_rules.py",
        "tests/test_compile.py -k 'not 20000'",
    ),
    "autodiff/ops/writer.py": ("autodiff/ops/writer.py tests/test_chain_rules.py",),
    "autodiff/value.py": (
        "autodiff/value.py tests/test_value.py tests/test_refused_calls.py",
        "tests/test_backward.py tests/test_pickling.py tests/test_micrograd_programs.py"
        " tests/test_hooks.py tests/test_record_source.py tests/test_gradient.py",
    ),
    "autodiff/debug/steps.py": (
        "autodiff/debug/steps.py tests/test_backward.py tests/test_refused_calls.py",
        "tests/test_hooks.py",
        "tests/test_anomaly.py tests/test_micrograd_programs.py tests/test_trace.py",
        "tests/test_epochs.py tests/test_untaken.py",
    ),
    "autodiff/graph.py": ("autodiff/graph.py tests/test_graph.py",),
    "autodiff/support/gradients.py": (
        "autodiff/support/gradients.py tests/test_value.py",
        "tests/test_backward.py tests/test_chain_rules.py tests/test_refusals.py",
    ),
    "autodiff/support/passes.py": (
        "autodiff/support/passes.py tests/test_value.py",
        "tests/test_backward.py tests/test_hooks.py tests/test_refusals.py",
    ),
    "autodiff/gradient.py": (
        "autodiff/gradient.py tests/test_gradient.py tests/test_refused_calls.py",
        "tests/test_untaken.py tests/test_called_rules.py tests/test_conditions.py",
        "tests/test_compile.py -k 'not 20000'",
    ),
    "autodiff/compiler/program.py": (
        "autodiff/compiler/program.py tests/test_compile.py -k 'not 20000'",
        "tests/test_native.py -k 'not ctrl_c and not 20000 and not random and not network'",
    ),
    "autodiff/compiler/linear.py": (
        "autodiff/compiler/linear.py tests/test_linear.py",
        "tests/test_compile.py -k 'not 20000'",
    ),
    "autodiff/compiler/build.py": (
        "autodiff/compiler/build.py tests/test_compile.py -k 'not 20000'",
        "tests/test_native.py -k 'not ctrl_c and not 20000 and not random and not network'",
    ),
    "autodiff/compiler/text.py": (
        "autodiff/compiler/text.py tests/test_compile.py -k 'not 20000'",
        "tests/test_standalone.py -k 'label_ends or header or agree or every_time or one_c'",
    ),
    "autodiff/support/changed.py": ("autodiff/support/changed.py tests/test_changed.py",),
    "autodiff/debug/check.py": ("autodiff/debug/check.py tests/test_check.py",),
    "autodiff/support/files.py": (
        "autodiff/support/files.py tests/test_files.py",
        "tests/test_io.py",
    ),
    "autodiff/debug/explain.py": (
        "autodiff/debug/explain.py tests/test_explain.py tests/test_refused_calls.py",
    ),
    "autodiff/debug/paths.py": ("autodiff/debug/paths.py tests/test_explain.py",),
    **{
        f"autodiff/debug/{name}.py": (
            f"autodiff/debug/{name}.py tests/test_explain.py tests/test_mistakes.py",
        )
        for name in ("lines", "not_finite", "reasons", "updates", "zeros")
    },
    "autodiff/debug/trace.py": (
        "autodiff/debug/trace.py tests/test_trace.py tests/test_refused_calls.py",
    ),
    "autodiff/drawing/folds/fold.py": ("autodiff/drawing/folds/fold.py tests/test_fold.py",),
    "nn/layers.py": (
        "nn/layers.py tests/test_layers.py tests/test_refused_calls.py",
        "tests/test_module.py tests/test_micrograd_programs.py",
    ),
    "nn/module.py": (
        "nn/module.py tests/test_module.py",
        "tests/test_layers.py tests/test_io.py",
        "tests/test_fold.py tests/test_notebook_display.py"
        " -k 'ones_own or whose or outputs or numbered or parameters'",
    ),
    "nn/losses.py": ("nn/losses.py tests/test_losses.py tests/test_refused_calls.py",),
    "nn/io.py": ("nn/io.py tests/test_io.py",),
    "nn/optim.py": ("nn/optim.py tests/test_optim.py tests/test_refused_calls.py",),
    "nn/fit.py": ("nn/fit.py tests/test_fit.py -k 'not ctrl_c'",),
}

# Changes that say nothing new: of `|` in annotations, to operators that floats do not have,
# and those that another change implies.
EXCLUDED_OPERATORS = [
    r"core/ReplaceBinaryOperator_BitOr_",
    r"core/ReplaceBinaryOperator_\w+_(FloorDiv|Mod|Pow|LShift|RShift|BitOr|BitAnd|BitXor)$",
    r"core/ReplaceBinaryOperator_((Add|Sub)_Div|(Mul|Div)_Sub|Div_Add)$",
    r"core/ReplaceUnaryOperator_(USub_(UAdd|Not|Invert)|Not_\w+)$",
    r"core/ReplaceComparisonOperator_(Eq|NotEq|Lt|LtE|Gt|GtE)_Is(Not)?$",
    r"core/ReplaceComparisonOperator_(Is|IsNot)_(Lt|LtE|Gt|GtE)$",
    r"core/ReplaceComparisonOperator_(Is_NotEq|IsNot_Eq|Eq_Lt|Eq_Gt|NotEq_LtE|NotEq_GtE)$",
    r"core/ReplaceComparisonOperator_(Lt_Eq|Lt_Gt|LtE_NotEq|LtE_GtE)$",
    r"core/ReplaceComparisonOperator_(Gt_Eq|Gt_Lt|GtE_NotEq|GtE_LtE)$",
]

# Types, operations, roles and kinds of registers are equal by identity: `==` is `is` for them.
IDENTICAL = ("type(", "ops.", "Kind.", "Role.")

# A change may make a loop that never ends and eats memory.  WebAssembly alone reserves 4 GB.
MEMORY_LIMIT = 8 * 2**30


def main() -> None:
    import resource

    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    files = ", ".join(TARGETS)
    parser.add_argument("target", choices=TARGETS, metavar="FILE", help=f"one of {files}")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth change alone")
    parser.add_argument("--again", action="store_true", help="try what survived once more")
    parser.add_argument("--anew", action="store_true", help="forget an earlier run")
    arguments = parser.parse_args(sys.argv[1:] or ["--help"])
    if arguments.every < 1:
        parser.error(f"--every needs 1 or more, not {arguments.every}")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    SESSIONS.mkdir(exist_ok=True)
    version = hashlib.sha256((ROOT / arguments.target).read_bytes()).hexdigest()[:8]
    session = SESSIONS / f"{arguments.target.replace('/', '.')}.{version}.sqlite"
    if arguments.anew:
        session.unlink(missing_ok=True)
    if not session.exists():
        plan(arguments.target, arguments.every, session)
    elif arguments.again:
        forget_survivors(session)
    with tempfile.TemporaryDirectory(prefix="mutation") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "out", "build", "dist"))
        try_changes(arguments.target, copy, session)
    report(session)


def plan(target: str, every: int, session: Path) -> None:
    """Write the changes of the target into a session, and which of them are to be skipped."""
    from cosmic_ray.commands.init import init
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    lines = (ROOT / target).read_text(encoding="utf-8").splitlines()
    kept = 0
    with use_db(session, WorkDB.Mode.create) as database:
        init([ROOT / target], database, {})
        for item in list(database.pending_work_items):
            (change,) = item.mutations
            excluded = any(re.match(name, change.operator_name) for name in EXCLUDED_OPERATORS)
            equal = change.operator_name.endswith(("_Is_Eq", "_IsNot_NotEq"))
            line = lines[change.start_pos[0] - 1]
            says_nothing = excluded or (equal and any(name in line for name in IDENTICAL))
            if says_nothing or kept % every:
                database.set_result(item.job_id, WorkResult(WorkerOutcome.SKIPPED))
            kept += not says_nothing


def forget_survivors(session: Path) -> None:
    """Take what no test noticed out of the results, so that it is tried again."""
    # Cosmic Ray has no command for it.
    with contextlib.closing(sqlite3.connect(session)) as database:
        database.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
        database.commit()


def try_changes(target: str, copy: Path, session: Path) -> None:
    """Run the tests on each change of the target that the session has no result of."""
    import cosmic_ray.plugins
    from cosmic_ray.mutating import use_mutation
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import TestOutcome, WorkerOutcome, WorkResult

    # From here on, the copy is the project: for this process, those it forks, and theirs.
    os.chdir(copy)
    sys.path[0] = str(copy)
    del sys.modules["tests"]
    tests = [measured(shlex.split(files), Path(target)) for files in TARGETS[target]]
    if failure := first_failure(tests, 0):
        sys.exit("the tests fail in another order\n" + failure)
    with use_db(session, WorkDB.Mode.open) as database:
        pending = list(database.pending_work_items)
        for done, item in enumerate(pending):
            (change,) = item.mutations
            operator = cosmic_ray.plugins.get_operator(change.operator_name)()
            with use_mutation(copy / target, operator, change.occurrence) as (before, after):
                failure = first_failure(tests, change.start_pos[0])
            outcome = TestOutcome.KILLED if failure else TestOutcome.SURVIVED
            changed = difflib.unified_diff(
                *(before.splitlines(), after.splitlines(), target, change.operator_name),
                lineterm="",
            )
            result = WorkResult(WorkerOutcome.NORMAL, failure, outcome, "\n".join(changed))
            database.set_result(item.job_id, result)
            print(f"{done + 1} of {len(pending)}: {outcome.value}", flush=True)


def first_failure(tests: list[Suite], line: int) -> str:
    """Return what pytest says of the first test that fails with a change in that line, or ""."""
    return next(filter(None, (group.failure(line) for group in tests)), "")


def report(session: Path) -> None:
    """Print each survivor as a diff, and the counts."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome

    with use_db(session, WorkDB.Mode.open) as database:
        results = [
            result
            for _, result in database.completed_work_items
            if result.worker_outcome is WorkerOutcome.NORMAL
        ]
    survivors = [result.diff for result in results if not result.is_killed]
    print(*survivors, sep="\n\n")
    print(f"{len(results)} changes, {len(survivors)} that no test noticed")


if __name__ == "__main__":
    main()
