// `bpftool prog`: show, load and loadall, pin, dump xlated, run, tracelog. Words and layout are bpftool's.
// What the simulated kernel has not (jited code, exact memory accounting) is said as a kernel without it says it.

import { declarationOf, resolve } from '#core/btf';
import { helperById } from '#core/catalog';
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, bpftoolImmediate, encode, formatKernelInsn, isLdImm64, type Insn } from '#core/isa';
import { toHex } from '#core/bytes';
import { kernelName, type SimulatedProgram, usedMaps } from '#core/sim';
import { type CommandResult, done } from '../command-result.ts';
import { JsonWriter } from './json-writer.ts';
import { loadProgram } from './load.ts';
import { testRun } from './test-run.ts';
import { type BpftoolContext, fail, findPrograms, pidsOf, pin, pinsOf } from './options.ts';
import { programTag } from './program-tag.ts';

/** When the simulated machine was started: uptimes count from here. */
const BOOT = Date.UTC(2025, 0, 1) / 1000;
const GPL_COMPATIBLE = ['GPL', 'GPL v2', 'GPL and additional rights', 'Dual BSD/GPL', 'Dual MIT/GPL', 'Dual MPL/GPL'];
const PAGE = 4096;
const DUMP_FLAGS = ['opcodes', 'linum', 'visual'];

export function prog(context: BpftoolContext, command: string, args: readonly string[]): CommandResult | Promise<CommandResult> {
  switch (command) {
    case 'show':
    case 'list':
      return show(context, args);
    case 'dump':
      return dump(context, args);
    case 'load':
      return loadProgram(context, args, 'first');
    case 'loadall':
      return loadProgram(context, args, 'all');
    case 'pin': {
      const wanted = findPrograms(context, args);
      if ('failure' in wanted) return wanted.failure;
      if (wanted.found.length > 1) return fail(context, 'several programs match this handle');
      return pin(context, { kind: 'prog', id: wanted.found[0]!.id }, wanted.rest[0]);
    }
    case 'run':
      return testRun(context, args);
    case 'tracelog':
      return { ...done(context.readTrace()), follows: true };
    case 'profile':
      return fail(context, 'bpftool prog profile command is not supported: the simulated machine has no hardware counters');
    case 'help':
      return done(HELP);
    default:
      return fail(context, `cmd '${command}' not found; there are show, list, load, loadall, pin, dump, run, tracelog, help`);
  }
}

const HELP = `Usage: bpftool prog { show | list } [PROG]
       bpftool prog dump xlated PROG [{ opcodes | linum }]
       bpftool prog dump jited PROG
       bpftool prog pin   PROG FILE
       bpftool prog { load | loadall } OBJ PATH [type TYPE] [pinmaps MAP_DIR] [autoattach]
       bpftool prog run PROG data_in FILE [repeat N]
       bpftool prog run PROG ctx_in FILE
       bpftool prog tracelog
       PROG := { id PROG_ID | pinned FILE | tag PROG_TAG | name PROG_NAME }
`;

function show(context: BpftoolContext, args: readonly string[]): CommandResult {
  const { kernel, json, pretty } = context;
  if (args.length === 0) {
    if (!json) return done(kernel.programs.map((program) => programText(context, program)).join(''));
    const writer = new JsonWriter(pretty);
    writer.array(() => kernel.programs.forEach((program) => programJson(context, writer, program)));
    return done(writer.end());
  }
  const wanted = findPrograms(context, args);
  if ('failure' in wanted) return wanted.failure;
  if (!json) return done(wanted.found.map((program) => programText(context, program)).join(''));
  const writer = new JsonWriter(pretty);
  wanted.found.forEach((program) => programJson(context, writer, program));
  return done(writer.end());
}

const isGpl = (program: SimulatedProgram): boolean => GPL_COMPATIBLE.includes(program.program.license);
const mapIds = (program: SimulatedProgram): readonly number[] => usedMaps(program).map(({ id }) => id);
const loadedAt = (program: SimulatedProgram): number => BOOT + Number(program.loadedAt / 1_000_000_000n);
/** The program's pages: struct bpf_prog and its instructions. */
const memlock = (program: SimulatedProgram): number => Math.ceil((program.program.insns.length * 8 + 256) / PAGE) * PAGE;
const tagOf = ({ kernel }: BpftoolContext, { program }: SimulatedProgram): string => programTag(program.insns, kernel.options.version);

function programText(context: BpftoolContext, program: SimulatedProgram): string {
  const maps = mapIds(program);
  const btf = context.kernel.bpf.btfOf(program.object);
  const pids = pidsOf(context, 'prog', program.id);
  const time = `${new Date(loadedAt(program) * 1000).toISOString().slice(0, 19)}+0000`;
  return [
    `${program.id}: ${program.program.type ?? 'unspec'}  name ${kernelName(program.program.name)}  tag ${tagOf(context, program)}${isGpl(program) ? '  gpl' : ''}`,
    `\tloaded_at ${time}  uid 0`,
    `\txlated ${program.program.insns.length * 8}B  not jited  memlock ${memlock(program)}B${maps.length > 0 ? `  map_ids ${maps.join(',')}` : ''}`,
    ...(context.showPins ? pinsOf(context, 'prog', program.id).map((path) => `\tpinned ${path}`) : []),
    ...(btf ? [`\tbtf_id ${btf.id}`] : []),
    ...(pids.length > 0 ? [`\tpids ${pids.map(({ pid, comm }) => `${comm}(${pid})`).join(', ')}`] : []),
    '',
  ].join('\n');
}

function programJson(context: BpftoolContext, writer: JsonWriter, program: SimulatedProgram): void {
  const maps = mapIds(program);
  const btf = context.kernel.bpf.btfOf(program.object);
  const pids = pidsOf(context, 'prog', program.id);
  writer.object(() => {
    writer.name('id').raw(String(program.id));
    writer.name('type').string(program.program.type ?? 'unspec');
    writer.name('name').string(kernelName(program.program.name));
    writer.name('tag').string(tagOf(context, program));
    writer.name('gpl_compatible').raw(String(isGpl(program)));
    writer.name('loaded_at').raw(String(loadedAt(program)));
    writer.name('uid').raw('0');
    writer.name('bytes_xlated').raw(String(program.program.insns.length * 8));
    writer.name('jited').raw('false');
    writer.name('bytes_memlock').raw(String(memlock(program)));
    if (maps.length > 0) writer.name('map_ids').array(() => maps.forEach((id) => writer.raw(String(id))));
    if (context.showPins) {
      const pins = pinsOf(context, 'prog', program.id);
      if (pins.length > 0) writer.name('pinned').array(() => pins.forEach((path) => writer.string(path)));
    }
    if (btf) writer.name('btf_id').raw(String(btf.id));
    if (pids.length > 0)
      writer.name('pids').array(() =>
        pids.forEach(({ pid, comm }) =>
          writer.object(() => {
            writer.name('pid').raw(String(pid));
            writer.name('comm').string(comm);
          }),
        ),
      );
  });
}

function dump(context: BpftoolContext, args: readonly string[]): CommandResult {
  const [form, ...rest] = args;
  if (form !== 'jited' && form !== 'xlated') return fail(context, `expected 'xlated' or 'jited', got: ${form ?? ''}`);
  const wanted = findPrograms(context, rest);
  if ('failure' in wanted) return wanted.failure;
  if (form === 'jited') return fail(context, 'no instructions returned: the simulated kernel runs programs without a JIT compiler');
  const flags = wanted.rest;
  const unknown = flags.find((flag) => !DUMP_FLAGS.includes(flag));
  if (unknown !== undefined) return fail(context, `expected no more arguments, 'opcodes', 'linum' or 'visual', got: '${unknown}'?`);
  if (flags.includes('visual')) return fail(context, "the graph ('visual') is not simulated; without it, 'opcodes' and 'linum' are");
  const several = wanted.found.length > 1;
  return done(
    wanted.found
      .map((program) => `${several ? `${programText(context, program).split('\n')[0]}\n` : ''}${xlated(program, flags)}`)
      .join(several ? '\n' : ''),
  );
}

/** Source lines with a semicolon, then instructions. The simulated kernel rewrites none, so this is what the loader made. */
function xlated(program: SimulatedProgram, flags: readonly string[]): string {
  const { insns, subprograms, lines, kfuncs } = program.program;
  const { btf } = program.object;
  const idOf = (index: number): number | undefined => {
    const definition = program.object.maps[index];
    return program.maps.find((map) => map.definition === definition)?.id;
  };
  // bpftool prints ids where the loader has indexes.
  const shown = insns.map((insn) =>
    isLdImm64(insn) && (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE)
      ? { ...insn, imm: idOf(insn.imm) ?? insn.imm }
      : insn,
  );
  const output: string[] = [];
  for (let i = 0; i < shown.length; i++) {
    const start = subprograms.find((subprogram) => subprogram.start === i);
    if (start && btf && start.funcTypeId !== undefined) {
      const type = resolve(btf, start.funcTypeId);
      if (type?.kind === 'func') output.push(`${declarationOf(btf, type.type, start.name).replace(/ \*(?=\w)/g, ' * ')}:`);
    }
    for (const line of lines)
      if (line.insn === i && line.text !== '')
        output.push(
          `; ${line.text.trimStart()}${flags.includes('linum') ? ` [file:${line.file} line_num:${line.line} line_col:${line.column}]` : ''}`,
        );
    const text = formatKernelInsn(shown, i, {
      helperName: (id) => helperById(id)?.name,
      kfuncName: (insn) => kfuncs[insn.imm],
      immediate: bpftoolImmediate,
    });
    output.push(`${String(i).padStart(4)}: ${text}`);
    const wide = isLdImm64(shown[i]!);
    if (flags.includes('opcodes')) output.push(`       ${opcodes(shown.slice(i, i + (wide ? 2 : 1)))}`);
    if (wide) i++;
  }
  return `${output.join('\n')}\n`;
}

/** The bytes as `opcodes` shows them: opcode, registers, offset and immediate apart. */
const opcodes = (insns: readonly Insn[]): string =>
  insns
    .map((insn) => {
      const bytes = encode([insn]);
      return [bytes.subarray(0, 1), bytes.subarray(1, 2), bytes.subarray(2, 4), bytes.subarray(4, 8)]
        .map((part) => toHex(part, ' '))
        .join(' ');
    })
    .join(' ');
