// Runs pytest in Pyodide, CPython compiled to WebAssembly, as a browser's page would have it.
//
// node run.mjs PYODIDE_MJS SITE PROJECT PYTEST_ARGUMENTS...
//
// SITE holds pure-Python packages (pytest, hypothesis, ...), PROJECT the tests and the packages
// under test.  The exit code is pytest's.

const [modulePath, site, project, ...args] = process.argv.slice(2);
const { loadPyodide } = await import(modulePath);
const python = await loadPyodide();

const output = { write: (bytes) => (process.stdout.write(bytes), bytes.length) };
python.setStdout(output);
python.setStderr(output);
for (const [folder, root] of [["/site", site], ["/project", project]]) {
  python.FS.mkdirTree(folder);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, folder);
}
python.globals.set("args", python.toPy(args));
let code = 1;
try {
  code = python.runPython(`
import os, sys
sys.path[:0] = ["/project", "/site"]
os.chdir("/project")
import pytest
int(pytest.main(["-p", "no:cacheprovider", *args]))
`);
} catch (error) {
  // Not the error itself: node would print a line of Pyodide's source with it, 2 MB long.
  console.log(String(error.message ?? error).slice(-2000));
}
process.exit(code);
