// The functions of an object file as pieces of code with what patches them: the raw material of programs.
// Reads symbols and relocations of executable sections; does not put programs together.

import { BPF_CALL, BPF_DW, BPF_IMM, BPF_JMP, BPF_LD, BPF_PSEUDO_CALL, INSN_SIZE, isCall, isLdImm64, type Insn } from '#core/isa';
import {
  R_BPF_64_32,
  R_BPF_64_64,
  SHN_UNDEF,
  STB_LOCAL,
  STT_FUNC,
  STT_SECTION,
  STV_HIDDEN,
  STV_INTERNAL,
  type ElfSection,
  type ElfSymbol,
} from '#core/elf';
import type { CoreRecord, SectionRecords } from '#core/btf';
import { error, type Problem } from '#core/problem';
import { insnBytesOf, type InsnBytes } from './insn-bytes.ts';
import { ARENA_SECTION, isProgramSection, type ObjectFile } from './object-file.ts';
import type { PlacedMap } from './btf-maps.ts';
import { relocationsIn } from './relocations.ts';
import { MAP_TYPE_ARENA } from './map-facts.ts';

/** All functions of a file together: twice what Linux takes for one program. */
const MAX_OBJECT_SLOTS = 1 << 21;
/** Functions of one section may be given two names, not hundreds. */
const MAX_OVERLAP = 4;

/** Of one function, after which the rest of its relocations is not looked at: the program is lost anyway. */
const MAX_FAILED_PATCHES = 100;

/** Where a message about byte `offset` of a section points: in the file, and in the source where a line record knows. */
export function placeOf(
  section: ElfSection,
  records: SectionRecords | undefined,
  offset: number,
): Pick<Problem, 'section' | 'offset' | 'span'> {
  const line = records?.lineAt(offset);
  return {
    section: section.name,
    offset: section.offset + offset,
    ...(line && line.line > 0 ? { span: { file: line.file, line: line.line, column: line.column } } : {}),
  };
}

/** What a relocation makes of an instruction. */
export type Patch =
  | { kind: 'map'; map: number }
  /** A global variable: an address in a map's value. */
  | { kind: 'value'; map: number; offset: number }
  | { kind: 'extern'; name: string }
  | { kind: 'extern-call'; name: string }
  /** A call; the callee's slot in its section. */
  | { kind: 'call'; section: number; slot: number }
  /** The address of a function, for callbacks. */
  | { kind: 'function'; section: number; slot: number };

/** One function. Slots count from its own start. */
export interface FunctionCode {
  name: string;
  section: ElfSection;
  /** First slot in its section. */
  start: number;
  /** As in the file: nothing is patched here. */
  insns: InsnBytes;
  /** Slots of calls and of ld_imm64, ascending: all that relocations other than CO-RE's patch. */
  sites: readonly number[];
  /** By slot. */
  patches: ReadonlyMap<number, Patch>;
  /** By slot; records of .BTF.ext that lie inside. */
  core: readonly { slot: number; record: CoreRecord }[];
  records: SectionRecords | undefined;
  local: boolean;
  /** Not visible outside its object: the verifier sees it with its callers. */
  hidden: boolean;
  funcTypeId?: number;
}

export function readFunctions(object: ObjectFile, maps: readonly PlacedMap[]): { functions: FunctionCode[]; problems: Problem[] } {
  const functions: FunctionCode[] = [];
  const problems: Problem[] = [];
  const placed = indexMaps(maps);
  let slots = 0;
  for (const section of object.elf.sections) {
    if (!isProgramSection(section)) continue;
    for (const one of functionsOf(object, section, placed, problems)) {
      functions.push(one);
      slots += one.insns.length;
    }
    if (slots <= MAX_OBJECT_SLOTS) continue;
    problems.push(
      error(`the object's functions have more than ${MAX_OBJECT_SLOTS} instructions: what follows ${section.name} is not read`, {
        code: 'object-too-large',
        section: section.name,
      }),
    );
    break;
  }
  return { functions, problems };
}

/** Maps by where a relocation finds them. */
interface MapIndex {
  /** By section, then by offset. */
  places: ReadonlyMap<number, ReadonlyMap<number, number>>;
  arena: number | undefined;
}

function indexMaps(maps: readonly PlacedMap[]): MapIndex {
  const places = new Map<number, Map<number, number>>();
  let arena: number | undefined;
  maps.forEach(({ section, offset, definition }, i) => {
    let inSection = places.get(section);
    if (!inSection) places.set(section, (inSection = new Map()));
    if (!inSection.has(offset)) inSection.set(offset, i);
    if (definition.typeId === MAP_TYPE_ARENA) arena ??= i;
  });
  return { places, arena };
}

function functionsOf(object: ObjectFile, section: ElfSection, maps: MapIndex, problems: Problem[]): FunctionCode[] {
  const { elf, ext } = object;
  if (section.bytes.length % INSN_SIZE !== 0)
    problems.push(
      error(`section ${section.name} has ${section.bytes.length} bytes, no multiple of an instruction's ${INSN_SIZE}`, {
        code: 'code-size',
        section: section.name,
      }),
    );
  const insns = insnBytesOf(section.bytes, elf.littleEndian);
  const records = ext?.sections.get(section.name);
  const functions: FunctionCode[] = [];
  const starts = new Set<number>();
  const funcs = new Map(records?.funcs.map(({ offset, typeId }) => [offset, typeId]));
  const core = (records?.core ?? []).toSorted((a, b) => a.offset - b.offset);
  // Functions do not overlap: where they do, that they are many times the section is a damaged file's lie.
  let slots = 0;
  for (const symbol of elf.symbolsIn(section.index)) {
    if (symbol.type !== STT_FUNC || starts.has(symbol.value)) continue;
    const place = { code: 'function-place', section: section.name, offset: section.offset + symbol.value };
    if (
      symbol.value % INSN_SIZE !== 0 ||
      symbol.size % INSN_SIZE !== 0 ||
      symbol.size === 0 ||
      symbol.value + symbol.size > insns.length * INSN_SIZE
    ) {
      problems.push(
        error(`function ${symbol.name} (${symbol.size} bytes at ${symbol.value}) does not lie in section ${section.name}`, place),
      );
      continue;
    }
    if ((slots += symbol.size / INSN_SIZE) > MAX_OVERLAP * insns.length) {
      problems.push(error(`the functions of section ${section.name} overlap: from ${symbol.name} on they are not read`, place));
      break;
    }
    starts.add(symbol.value);
    const start = symbol.value / INSN_SIZE;
    const code = insns.part(start, start + symbol.size / INSN_SIZE);
    const funcTypeId = funcs.get(symbol.value);
    functions.push({
      name: symbol.name,
      section,
      start,
      insns: code,
      sites: sitesOf(code),
      patches: patchesOf(object, section, symbol, code, maps, problems),
      core: coreOf(core, symbol, problems, place),
      records,
      local: symbol.binding === STB_LOCAL,
      hidden: symbol.visibility === STV_HIDDEN || symbol.visibility === STV_INTERNAL,
      ...(funcTypeId === undefined ? {} : { funcTypeId }),
    });
  }
  return functions;
}

function sitesOf(insns: InsnBytes): number[] {
  const sites: number[] = [];
  for (let slot = 0; slot < insns.length; slot++) {
    const opcode = insns.opcode(slot);
    if (opcode === (BPF_JMP | BPF_CALL) || opcode === (BPF_LD | BPF_IMM | BPF_DW)) sites.push(slot);
  }
  return sites;
}

function coreOf(
  records: readonly CoreRecord[],
  { name, value, size }: ElfSymbol,
  problems: Problem[],
  place: Partial<Problem>,
): { slot: number; record: CoreRecord }[] {
  const list: { slot: number; record: CoreRecord }[] = [];
  for (const record of relocationsIn(records, value, value + size)) {
    if (list.length * INSN_SIZE >= size) {
      problems.push(
        error(`function ${name} has more CO-RE relocations than instructions; the last are left out`, { ...place, code: 'core-record' }),
      );
      break;
    }
    list.push({ slot: Math.floor((record.offset - value) / INSN_SIZE), record });
  }
  return list;
}

function patchesOf(
  object: ObjectFile,
  section: ElfSection,
  func: ElfSymbol,
  insns: InsnBytes,
  maps: MapIndex,
  problems: Problem[],
): Map<number, Patch> {
  const { elf, ext } = object;
  const patches = new Map<number, Patch>();
  let failed = 0;
  for (const { offset, type, symbol } of relocationsIn(elf.relocations(section.index), func.value, func.value + func.size)) {
    const slot = (offset - func.value) / INSN_SIZE;
    const insn = Number.isInteger(slot) ? insns.read(slot) : undefined;
    if (failed > MAX_FAILED_PATCHES) break;
    const fail = (message: string): void =>
      void (
        failed++,
        problems.push(
          error(`function ${func.name}, instruction ${Math.floor(slot)}: ${message}`, {
            code: 'relocation',
            ...placeOf(section, ext?.sections.get(section.name), offset),
          }),
        )
      );
    if (!insn) {
      fail('a relocation that does not stand on an instruction');
      continue;
    }
    if (type !== R_BPF_64_64 && type !== R_BPF_64_32) {
      fail(`relocation type ${type} cannot be applied to code; clang 12 or newer emits types 1 and 10`);
      continue;
    }
    const patch = patchOf(object, symbol, insn, maps);
    if (typeof patch === 'string') fail(patch);
    else patches.set(slot, patch);
  }
  return patches;
}

/** What the symbol means to this instruction, or why it means nothing. */
function patchOf(object: ObjectFile, symbol: ElfSymbol, insn: Insn, maps: MapIndex): Patch | string {
  const { elf } = object;
  if (symbol.section === SHN_UNDEF) {
    if (isCall(insn)) return { kind: 'extern-call', name: symbol.name };
    return isLdImm64(insn)
      ? { kind: 'extern', name: symbol.name }
      : `the extern ${symbol.name} stands in an instruction that cannot take it`;
  }
  const target = elf.sections[symbol.section];
  if (!target) return `${symbol.name || 'the symbol'} is in no section`;
  if (isCall(insn)) {
    if (insn.src !== BPF_PSEUDO_CALL) return `a call of ${symbol.name} that is not marked as a call inside the program`;
    if (!isProgramSection(target)) return `${symbol.name || target.name} is called, but ${target.name} holds no code`;
    return { kind: 'call', section: target.index, slot: Math.floor(symbol.value / INSN_SIZE) + insn.imm + 1 };
  }
  if (!isLdImm64(insn)) return `${symbol.name || target.name} stands in an instruction that cannot take an address`;
  if (isProgramSection(target)) {
    if (symbol.type !== STT_FUNC && symbol.type !== STT_SECTION) return `${symbol.name} is no function`;
    return { kind: 'function', section: target.index, slot: Math.floor((symbol.value + insn.imm) / INSN_SIZE) };
  }
  if (target.name === '.maps' || target.name === 'maps') {
    // The compiler may name a static map by the section and its offset.
    const at = symbol.type === STT_SECTION ? symbol.value + insn.imm : symbol.value;
    const map = maps.places.get(target.index)?.get(at);
    return map === undefined ? `no map stands at offset ${at} of ${target.name}` : { kind: 'map', map };
  }
  if (target.name === ARENA_SECTION) {
    const map = maps.arena;
    return map === undefined
      ? `${symbol.name} is an arena variable, but the object has no map of type BPF_MAP_TYPE_ARENA`
      : { kind: 'value', map, offset: symbol.value + insn.imm };
  }
  const map = maps.places.get(target.index)?.values().next().value;
  if (map === undefined)
    return `${symbol.name || 'a variable'} is in section ${target.name}, which holds no globals that BPF programs can use`;
  return { kind: 'value', map, offset: symbol.value + insn.imm };
}
