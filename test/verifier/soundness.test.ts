// The verifier and the machine as each other's oracle: in every run, at every instruction, some path that was walked contains what is there.
// A small part; soundness.oracle.test.ts runs thousands.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAssembly } from '#core/program';
import { createKernel, parseScenario } from '#core/sim';
import { interpreter } from '#core/vm';
import { repository } from '#test/requirements';
import { generate } from '../support/fuzz/generator.ts';
import { followFuzz, walkOfFuzz } from '../support/fuzz/run.ts';
import { follow, walkOf } from '../support/soundness.ts';

describe('generated programs that are accepted', () => {
  it('stay inside what the verifier foresaw, and never fault', { timeout: 120_000 }, () => {
    let runs = 0;
    const violations: unknown[] = [];
    for (let seed = 1; seed <= 40; seed++) {
      const program = generate(seed);
      const walk = walkOfFuzz(program);
      if (!walk) continue;
      for (const { violation } of followFuzz(program, walk, interpreter, 2)) {
        runs++;
        if (violation) violations.push({ seed, ...violation });
      }
    }
    expect(violations).toEqual([]);
    expect(runs).toBeGreaterThan(20);
  });

  it('submit ring-buffer records of no bytes', () => {
    // Seed 73 calls bpf_ringbuf_output with a length that may be 0.
    const program = generate(73);
    const walk = walkOfFuzz(program)!;
    expect(followFuzz(program, walk, interpreter, 4).flatMap(({ violation }) => violation ?? [])).toEqual([]);
  });
});

describe('a state that is not foreseen', () => {
  it('is found: the checker can fail', () => {
    const object = loadAssembly(
      '.license "GPL"\n.section "socket"\n.globl main\nmain: call bpf_get_prandom_u32\n r0 &= 7\n r1 = r0\n r0 = 0\n exit\n',
      'x.bpf.s',
    );
    const program = object.programs[0]!;
    const walk = walkOf(program, object, { kernel: '6.18' })!;
    // The same program with a larger mask runs: r0 leaves [0, 7].
    const wider = {
      ...object,
      programs: [
        { ...program, insns: program.insns.map((insn) => (insn.imm === 7 && insn.opcode === 0x57 ? { ...insn, imm: 0xff8 } : insn)) },
      ],
    };
    const kernel = createKernel({ engine: interpreter });
    const loaded = kernel.load(wider).programs[0]!;
    kernel.attach(loaded);
    const problems: string[] = [];
    for (const invocation of kernel.fire(kernel.defaultEvents(loaded)[0]!))
      problems.push(follow(walk, kernel, invocation).violation?.problem ?? 'none');
    expect(problems[0]).toMatch(/R0: .* is not in/);
  });
});

describe.each(
  readdirSync(path.join(repository, 'examples'), { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.bpf.s')),
)('examples/%s', (file) => {
  it('stays inside what the verifier foresaw on its events', () => {
    const at = path.join(repository, 'examples', file);
    const object = loadAssembly(readFileSync(at, 'utf8'), file);
    for (const program of object.programs) {
      const walk = walkOf(program, object, { kernel: '6.18' });
      expect(walk).toBeDefined();
      const kernel = createKernel({ engine: interpreter });
      const loaded = kernel.load(object, program.name).programs.find((one) => one.program.name === program.name)!;
      kernel.attach(loaded);
      let runs = 0;
      const events = at.replace('.bpf.s', '.events.json');
      const scenario = readdirSync(path.dirname(at)).includes(path.basename(events))
        ? parseScenario(readFileSync(events, 'utf8'), events).scenario
        : undefined;
      if (scenario) kernel.prepare(scenario);
      for (const event of scenario?.events ?? kernel.defaultEvents(loaded)) {
        for (const invocation of kernel.fire(event)) {
          if (invocation.program !== loaded) continue;
          runs++;
          expect(follow(walk!, kernel, invocation).violation).toBeUndefined();
        }
      }
      expect(runs).toBeGreaterThan(0);
    }
  });
});
