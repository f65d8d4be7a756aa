// How long compiling takes, our part and V8's together, for 1,000 instructions of real programs: the objects of the oracle where they
// are there. V8 is made to compile with its optimising compiler at once, as an edge that may set flags would.
// In processor time, all threads together.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, isLdImm64 } from '#core/isa';
import { loadObject } from '#core/program';
import { createMemory, createWasmEngine, type Executable, interpreter } from '#core/vm';
import { oracleFolder } from '#test/requirements';

/** Programs with at least this many slots: smaller ones measure the constant cost of a module. */
const LEAST = 200;
const MOST = 20_000;

function programs(): Executable[] {
  const folder = oracleFolder();
  if (folder === undefined) return [];
  const found: Executable[] = [];
  for (const name of readdirSync(path.join(folder, 'obj'))
    .filter((file) => file.endsWith('.o'))
    .sort()) {
    const object = loadObject(readFileSync(path.join(folder, 'obj', name)), name);
    for (const program of object.programs) {
      if (program.insns.length < LEAST || program.insns.length > MOST) continue;
      const insns = program.insns.map((insn) =>
        isLdImm64(insn) && (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE) ? { ...insn, src: 0, imm: 0x1000 } : insn,
      );
      found.push({ name: program.name, insns, subprograms: program.subprograms });
    }
  }
  return found.filter((_, i) => i % 4 === 0).slice(0, 60);
}

export function compileTime(): Record<string, number> {
  const sample = programs();
  if (sample.length === 0) return {};
  const measure = (): number => {
    const engine = createWasmEngine({ warmup: 0 });
    const host = { callHelper: () => undefined };
    let slots = 0;
    let ms = 0;
    for (const program of sample) {
      const memory = createMemory();
      // Decoding is done once for both engines, and before.
      interpreter.start(program, memory, host, []).release();
      const execution = engine.start(program, memory, host, []);
      const before = process.cpuUsage();
      execution.run({ budget: 1 });
      const { user, system } = process.cpuUsage(before);
      ms += (user + system) / 1000;
      slots += program.insns.length;
    }
    return Math.round((ms / slots) * 1000 * 100) / 100;
  };
  measure();
  const lazy = measure();
  v8.setFlagsFromString('--no-liftoff');
  v8.setFlagsFromString('--no-wasm-lazy-compilation');
  const optimised = measure();
  v8.setFlagsFromString('--liftoff');
  v8.setFlagsFromString('--wasm-lazy-compilation');
  return { 'compile, ms per 1,000 instructions, baseline first': lazy, 'compile, ms per 1,000 instructions, optimised at once': optimised };
}
