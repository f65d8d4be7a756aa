// Which type a ring-buffer or perf record has. The kernel does not say, so the object is asked: first the local variables where the
// program calls the record helpers (debug information), then the structs of its BTF.

import type { Btf } from '#core/btf';
import { helperById } from '#core/catalog';
import { readDwarf, type CType, type Dwarf } from '#core/dwarf';
import { readElf } from '#core/elf';
import { isCall } from '#core/isa';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import { btfOfCType } from './c-type-btf.ts';

/** `btf` is absent where the id is one of the object's own BTF. */
export interface RecordType {
  typeId: number;
  btf?: Btf;
}

/** Types that programs define for the kernel's sake, never for records. */
const KERNEL_TYPE =
  /^(__sk_buff|xdp_md|pt_regs|iphdr|ipv6hdr|ethhdr|tcphdr|udphdr|icmphdr|bpf_\w+|trace_\w+|task_struct|file|sock\w*|user_pt_regs)$/;
const RECORD_HELPER = /^bpf_(ringbuf_(reserve|submit|output)|perf_event_output|skb_output|xdp_output)/;

/** The type of records of this size that `program` makes; undefined where it cannot be told, or several could be meant. */
export function recordType(object: LoadedObject, program: Program, definition: MapDefinition, size: number): RecordType | undefined {
  const { btf } = object;
  const { valueTypeId } = definition;
  if (btf && valueTypeId !== undefined && definition.type === 'ringbuf') {
    const type = btf.type(valueTypeId);
    if (type?.kind === 'struct' && type.size === size) return { typeId: valueTypeId };
  }
  const local = localType(object, program, size);
  if (local) return local;
  const candidates = btf ? (structsBySize(btf).get(size) ?? []) : [];
  return candidates.length === 1 ? { typeId: candidates[0]! } : undefined;
}

const sizes = new WeakMap<Btf, Map<number, readonly number[]>>();

/** Ids of the structs of each size. */
function structsBySize(btf: Btf): Map<number, readonly number[]> {
  const known = sizes.get(btf);
  if (known) return known;
  const found = new Map<number, number[]>();
  for (let id = 1; id < btf.typeCount; id++) {
    const type = btf.kind(id) === 'struct' ? btf.type(id) : undefined;
    if (type?.kind !== 'struct' || type.name === '' || KERNEL_TYPE.test(type.name)) continue;
    const list = found.get(type.size);
    if (list) list.push(id);
    else found.set(type.size, [id]);
  }
  sizes.set(btf, found);
  return found;
}

const debugInformation = new WeakMap<LoadedObject, { dwarf: Dwarf | undefined }>();
const localTypes = new WeakMap<Program, Map<number, RecordType | undefined>>();

/** The one struct of this size that a variable in reach of a record helper's call has, or points at. */
function localType(object: LoadedObject, program: Program, size: number): RecordType | undefined {
  let known = localTypes.get(program);
  if (!known) localTypes.set(program, (known = new Map()));
  if (known.has(size)) return known.get(size);
  const found = new Map<string, CType>();
  const dwarf = dwarfOf(object);
  for (const [slot, insn] of dwarf ? program.insns.entries() : []) {
    if (!isCall(insn) || insn.src !== 0 || !RECORD_HELPER.test(helperById(insn.imm)?.name ?? '')) continue;
    const subprogram = program.subprograms.find(({ start, end }) => slot >= start && slot < end);
    if (!subprogram?.origin) continue;
    const place = { section: subprogram.origin.sectionIndex, offset: subprogram.origin.offset + (slot - subprogram.start) * 8 };
    for (const { variables } of dwarf!.variablesAt(place)) {
      for (const { type } of variables) {
        const record = type.kind === 'pointer' ? type.target() : type;
        if (record.kind === 'record' && record.size === size && !KERNEL_TYPE.test(record.name.replace(/^struct /, '')))
          found.set(record.name, record);
      }
    }
  }
  const [only] = found.values();
  const result = found.size === 1 && only ? btfOfCType(only) : undefined;
  known.set(size, result);
  return result;
}

function dwarfOf(object: LoadedObject): Dwarf | undefined {
  let known = debugInformation.get(object);
  if (!known) {
    const elf = object.elf && readElf(object.elf).elf;
    debugInformation.set(object, (known = { dwarf: elf && readDwarf(elf).dwarf }));
  }
  return known.dwarf;
}
