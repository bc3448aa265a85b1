// Graphviz, compiled to WebAssembly, run by the JavaScript engine that this Python lives in.
//
// The function takes the program's bytes, and returns render(dot, format), which returns UTF-8 bytes
// or throws what Graphviz says.  The program asks for a system (WASI): here it has a clock, no
// files, no environment, and an output that nobody reads.
(program) => {
    const DONE = 0, BAD_DESCRIPTOR = 8;
    const module = new WebAssembly.Module(program);
    let memory = null;
    const view = () => new DataView(memory.buffer);
    const system = {
        environ_get: () => DONE,
        environ_sizes_get(count, size) {
            view().setUint32(count, 0, true);
            view().setUint32(size, 0, true);
            return DONE;
        },
        clock_time_get(_clock, _precision, time) {
            view().setBigUint64(time, BigInt(Date.now()) * 1000000n, true);
            return DONE;
        },
        random_get(start, length) {
            new Uint8Array(memory.buffer, start, length).fill(0); // the same picture each time
            return DONE;
        },
        fd_write(_descriptor, pieces, count, written) {
            let length = 0;
            for (let piece = 0; piece < count; piece++) {
                length += view().getUint32(pieces + 8 * piece + 4, true);
            }
            view().setUint32(written, length, true);
            return DONE;
        },
        proc_exit(code) {
            throw new Error(`Graphviz has ended with code ${code}`);
        },
    };
    for (const { name } of WebAssembly.Module.imports(module)) {
        system[name] ??= () => BAD_DESCRIPTOR; // there is no file
    }
    const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: system });
    const { malloc, free, graphviz_render, graphviz_free, graphviz_last_error } = instance.exports;
    memory = instance.exports.memory;

    const bytes = (start, length) => new Uint8Array(memory.buffer, start, length);
    const written = (text) => {
        const encoded = new TextEncoder().encode(`${text}\0`);
        const start = malloc(encoded.length);
        bytes(start, encoded.length).set(encoded);
        return start;
    };
    const textAt = (start) => {
        const whole = new Uint8Array(memory.buffer, start);
        return new TextDecoder().decode(whole.slice(0, whole.indexOf(0)));
    };

    return (dot, format) => {
        const given = [written(dot), written(format), written("dot")];
        const lengthAt = malloc(4);
        const result = graphviz_render(...given, lengthAt);
        for (const each of given) {
            free(each);
        }
        if (result === 0) {
            free(lengthAt);
            throw new Error(textAt(graphviz_last_error()) || "Graphviz could not render this");
        }
        const text = bytes(result, view().getUint32(lengthAt, true)).slice();
        free(lengthAt);
        graphviz_free(result);
        return text;
    };
}
