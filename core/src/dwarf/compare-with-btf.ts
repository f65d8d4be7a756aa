// Debug information against BTF, which the compiler writes from the same knowledge by another road: structs and lines must agree.
// For tests; the reader itself knows no BTF.

import type { CType, Dwarf } from './index.ts';

interface ElfLike {
  section(name: string): { index: number } | undefined;
}
interface BtfLike {
  readonly typeCount: number;
  type(
    id: number,
  ): { kind: string; name: string; size?: number; members?: readonly { name: string; bitOffset: number; bitSize: number }[] } | undefined;
}
interface BtfExtLike {
  readonly sections: ReadonlyMap<string, { lines: readonly { offset: number; file: string; line: number; column: number }[] }>;
}

export interface Comparison {
  /** Structs and unions compared. */
  records: number;
  /** Line records compared. */
  lines: number;
  differences: string[];
}

/** Compares what both know; what only one of them has is not a difference. */
export function compareWithBtf(elf: ElfLike, dwarf: Dwarf, btf: BtfLike, ext: BtfExtLike | undefined): Comparison {
  const result: Comparison = { records: 0, lines: 0, differences: [] };
  const known = new Map<string, { size?: number; members?: readonly { name: string; bitOffset: number; bitSize: number }[] }>();
  for (let id = 1; id < btf.typeCount; id++) {
    const type = btf.type(id);
    if (type && (type.kind === 'struct' || type.kind === 'union') && type.name !== '') known.set(`${type.kind} ${type.name}`, type);
  }
  const seen = new Set<string>();
  const visit = (type: CType, depth: number): void => {
    if (depth > 12) return;
    if (type.kind === 'pointer') return visit(type.target(), depth + 1);
    if (type.kind === 'array') return visit(type.element, depth + 1);
    if (type.kind !== 'record' || seen.has(type.name)) return;
    if (!type.name.endsWith('{…}')) seen.add(type.name);
    const other = known.get(type.name);
    const members = type.members();
    if (other?.members && members.length > 0 && other.members.length > 0) {
      result.records++;
      const ours = `${type.size}: ${members.map((one) => `${one.name}@${one.offsetBits}/${one.bits ?? 0}`).join(' ')}`;
      const theirs = `${other.size}: ${other.members.map((one) => `${one.name}@${one.bitOffset}/${one.bitSize}`).join(' ')}`;
      if (ours !== theirs) result.differences.push(`${type.name}: ${ours} | BTF ${theirs}`);
    }
    for (const member of members) visit(member.type, depth + 1);
  };
  for (const one of dwarf.globals) visit(one.type, 0);
  for (const { ranges } of dwarf.functions) {
    for (const { section, low } of ranges)
      for (const frame of dwarf.variablesAt({ section, offset: low })) for (const one of frame.variables) visit(one.type, 0);
  }
  for (const [section, { lines: records }] of ext?.sections ?? []) {
    const index = elf.section(section)?.index;
    if (index === undefined) continue;
    for (const record of records) {
      const row = dwarf.lineAt({ section: index, offset: record.offset });
      result.lines++;
      const ours = row ? `${row.file}:${row.line}:${row.column}` : 'nothing';
      // BTF leaves line 0 records out of what it can say and cuts columns at 1023.
      if (
        row?.line === 0 ||
        ours === `${record.file}:${record.line}:${record.column}` ||
        (row && row.line === record.line && row.column === record.column && row.file.endsWith(record.file.replace(/^(\.\/)+/, '')))
      )
        continue;
      // At a function's entry BTF has the line of its name, the line table that of its opening brace.
      if (
        record.column === 0 &&
        dwarf.functions.some(
          (one) => one.declared?.line === record.line && one.ranges.some((range) => range.section === index && range.low === record.offset),
        )
      )
        continue;
      result.differences.push(`${section}+${record.offset}: ${ours} | BTF ${record.file}:${record.line}:${record.column}`);
    }
  }
  return result;
}
