// Loads a compiled object: maps, globals, externs, functions, and each program put together from them.
// Follows what libbpf 1.8 does with the same file; says in problems what libbpf would refuse. Nothing is run.

import { essentialLength } from '#core/btf';
import { hasOlderLoader } from './loader-age.ts';
import { findSection, nearestSection, sectionOfType } from '#core/catalog';
import { decode } from '#core/isa';
import { error, warning, type Problem } from '#core/problem';
import { assembleProgram, indexFunctions, linesOf, type Assembled } from './assemble-program.ts';
import { readBtfMaps, type PlacedMap } from './btf-maps.ts';
import { readFunctions, type FunctionCode } from './code.ts';
import { coreAnswers, relocateFunction, type RelocatedFunction } from './core-relocation/relocate-core.ts';
import { readLegacyMaps } from './legacy-maps.ts';
import { defineLazy } from './lazy-property.ts';
import { placeDeclarations } from './map-declarations.ts';
import { readExterns, type Externs } from './externs.ts';
import { readGlobalMaps } from './global-maps.ts';
import { readStructOps } from './struct-ops.ts';
import { readObjectFile, type ObjectFile } from './object-file.ts';
import type { CoreRelocation, LoadedObject, LoadOptions, Program } from './types.ts';

/** Of all programs of a file, with their subprograms: the largest programs of the kernel's tests have a twentieth of it. */
const MAX_PROGRAM_SLOTS = 1 << 21;
const BPF_F_SLEEPABLE = 1 << 4;
const BPF_F_XDP_HAS_FRAGS = 1 << 5;

/** Loads an object file's bytes. `file` is its path or name: it names global maps and stands in messages. Never throws for bad input. */
export function loadObject(bytes: Uint8Array, file: string, options: LoadOptions = {}): LoadedObject {
  const { object, problems } = readObjectFile(bytes, file);
  if (!object) return { file, programs: [], maps: [], elf: bytes, license: '', runnable: false, problems };
  const maps = readMaps(object, options, problems);
  const externs = readExterns(object, options);
  append(problems, externs.problems);
  let kconfigMap = -1;
  if (externs.kconfigMap) kconfigMap = maps.push(externs.kconfigMap) - 1;
  const structOps = readStructOps(object, options);
  append(maps, structOps.maps);
  append(problems, structOps.problems);
  placeDeclarations(object.elf, maps);
  const { functions, problems: codeProblems } = readFunctions(object, maps);
  append(problems, codeProblems);
  const programs = makePrograms(object, functions, { externs, kconfigMap, maps, options, problems });
  return {
    file,
    programs,
    maps: maps.map(({ definition }) => definition),
    ...(object.btf ? { btf: object.btf } : {}),
    elf: bytes,
    license: object.license,
    ...(object.version === undefined ? {} : { version: object.version }),
    runnable: object.elf.littleEndian,
    problems: firstOf(problems),
  };
}

/** More than anyone reads; what a damaged file repeats a thousand times is said once. */
const MAX_PROBLEMS = 1000;

function firstOf(problems: readonly Problem[]): Problem[] {
  if (problems.length <= MAX_PROBLEMS) return [...problems];
  return [
    ...problems.slice(0, MAX_PROBLEMS),
    error(`${problems.length - MAX_PROBLEMS} more problems are left out`, { code: 'more-problems' }),
  ];
}

/** Not push(...more): a damaged file may have more to say than a call takes arguments. */
function append<Item>(list: Item[], more: readonly Item[]): void {
  for (const one of more) list.push(one);
}

function readMaps(object: ObjectFile, options: LoadOptions, problems: Problem[]): PlacedMap[] {
  const maps: PlacedMap[] = [];
  const section = object.elf.section('.maps');
  if (section) {
    const read = readBtfMaps(object.elf, section, object.btf, options);
    append(maps, read.maps);
    append(problems, read.problems);
  }
  const legacy = object.elf.section('maps');
  if (legacy) {
    const read = readLegacyMaps(object, legacy);
    append(maps, read.maps);
    append(problems, read.problems);
  }
  const globals = readGlobalMaps(object, options);
  append(maps, globals.maps);
  append(problems, globals.problems);
  return maps;
}

interface ProgramContext {
  externs: Externs;
  kconfigMap: number;
  maps: readonly PlacedMap[];
  options: LoadOptions;
  problems: Problem[];
}

function makePrograms(object: ObjectFile, functions: readonly FunctionCode[], context: ProgramContext): Program[] {
  const code = indexFunctions(functions);
  const text = object.elf.section('.text')?.index;
  const answers = object.btf && coreAnswers(object.btf, context.options.kernelBtf);
  const relocated = new Map<FunctionCode, RelocatedFunction>();
  const afterCore = (one: FunctionCode): RelocatedFunction => {
    let result = relocated.get(one);
    if (!result) {
      result = answers ? relocateFunction(one, answers) : { insns: one.insns, relocations: [], problems: [] };
      relocated.set(one, result);
    }
    return result;
  };
  // In .text are the functions that programs call; only an object with nothing else has its program there.
  const mains = functions.filter((one) => one.section.index !== text || functions.length === 1);
  let slots = 0;
  return mains.flatMap((main) => {
    if (slots > MAX_PROGRAM_SLOTS) return [];
    if (main.local && main.section.index !== text) {
      context.problems.push(
        error(`${main.name} in section ${main.section.name} is static: a program must be visible outside its file; remove static`, {
          code: 'program-static',
          section: main.section.name,
        }),
      );
      return [];
    }
    const assembled = assembleProgram(main, {
      code,
      slotsOf: (one) => afterCore(one).insns,
      externs: context.externs,
      kconfigMap: context.kconfigMap,
      btf: object.btf,
      leavesMissingCalls: hasOlderLoader(context.options.kernelVersion),
    });
    slots += assembled.code.length;
    if (slots > MAX_PROGRAM_SLOTS)
      context.problems.push(
        error(`the object's programs have together more than ${MAX_PROGRAM_SLOTS} instructions: those after ${main.name} are left out`, {
          code: 'object-too-large',
          section: main.section.name,
        }),
      );
    return [makeProgram(object, main, assembled, afterCore, context)];
  });
}

function makeProgram(
  object: ObjectFile,
  main: FunctionCode,
  assembled: Assembled,
  afterCore: (one: FunctionCode) => RelocatedFunction,
  context: ProgramContext,
): Program {
  const problems = [...assembled.problems];
  const coreRelocations: CoreRelocation[] = [];
  assembled.functions.forEach((one, i) => {
    const { relocations, problems: found } = afterCore(one);
    const { start } = assembled.subprograms[i]!;
    append(
      coreRelocations,
      relocations.map((relocation) => ({ ...relocation, insn: relocation.insn + start })),
    );
    append(problems, found);
  });
  const { code: relocated, subprograms, kfuncs, ksyms } = assembled;
  const program = {
    name: main.name,
    ...structOpsFacts(main.name, sectionFacts(main.section.name, problems, context.options.programType), context.maps),
    license: object.license,
    subprograms,
    coreRelocations,
    kfuncs,
    ksyms,
    problems,
  };
  // Many readers want a few programs of an object, and fewer want their lines.
  return defineLazy(
    defineLazy(program, 'insns', () => decode(relocated.bytes)),
    'lines',
    () => linesOf(assembled),
  );
}

/** A program that fills a member of a struct_ops variable is for that member, and is loaded where one such variable is. */
function structOpsFacts(name: string, facts: SectionFacts, maps: readonly PlacedMap[]): SectionFacts & Pick<Program, 'structOps'> {
  if (facts.type !== 'struct_ops') return facts;
  const users = maps.flatMap(({ definition }) => {
    const slot = definition.structOps?.programs.find((one) => one.program === name);
    return definition.structOps && slot
      ? [{ type: definition.structOps.type, member: slot.member, autocreate: definition.autocreate !== false }]
      : [];
  });
  const first = users[0];
  if (!first) return facts;
  return {
    ...facts,
    structOps: { type: first.type.slice(0, essentialLength(first.type)), member: first.member },
    autoload: users.some(({ autocreate }) => autocreate),
  };
}

type SectionFacts = Pick<Program, 'section' | 'type' | 'attachType' | 'attachTarget' | 'sleepable' | 'autoload' | 'flags'>;

/** Section names of libbpf before 1.0, and what they are called now. */
const OLD_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^tp\.(.+)/, 'tp/<category>/<name>'],
  [/^(classifier|action)\/.+/, 'tc'],
  [/^cgroup\/(ingress|egress)/, 'cgroup_skb/ingress or cgroup_skb/egress'],
  [/^xdp[_-].*/, 'xdp'],
  [/^xdp\/.+/, 'xdp'],
  [/^xdp_devmap\/?/, 'xdp/devmap'],
  [/^xdp_cpumap\/?/, 'xdp/cpumap'],
  [/^socket\d+$/, 'socket'],
  [/^socket\/.+/, 'socket'],
  [/^tc[_/].+/, 'tc'],
  [/^perf_event\/.+/, 'perf_event'],
  [/^sk_msg\/.+/, 'sk_msg'],
  [/^sockops\/.+/, 'sockops'],
  [/^prog\/?$/, 'a name that says the program type, as xdp or tc'],
];

function sectionFacts(name: string, problems: Problem[], otherwise: string | undefined): SectionFacts {
  const section = findSection(name) ?? (otherwise === undefined ? undefined : sectionOfType(otherwise));
  if (!section) {
    const bare = name.replace(/^\?/, '');
    const now = OLD_NAMES.find(([old]) => old.test(bare))?.[1] ?? nearestSection(bare);
    problems.push(
      warning(`section ${bare} says nothing about the program's type${now === undefined ? '' : `; it is called ${now} now`}`, {
        code: 'section-unknown',
        section: name,
      }),
    );
    return { section: name, type: undefined, sleepable: false, autoload: !name.startsWith('?'), flags: 0 };
  }
  return {
    section: name,
    type: section.programType,
    ...(section.attachType === undefined ? {} : { attachType: section.attachType }),
    ...(section.target === undefined ? {} : { attachTarget: section.target }),
    sleepable: section.sleepable,
    autoload: section.autoload,
    flags: (section.sleepable ? BPF_F_SLEEPABLE : 0) | (section.row.frags ? BPF_F_XDP_HAS_FRAGS : 0),
  };
}
