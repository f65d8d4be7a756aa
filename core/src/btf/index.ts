// BTF: types as the compiler and the kernel describe them. Knows no ELF file and no program.

export * from './types.ts';
export { readBtf, type BtfResult } from './read-btf.ts';
export { readBtfExt, type BtfExt, type CoreRecord, type FuncRecord, type SectionRecords, type SourceRecord } from './btf-ext.ts';
export { essentialLength } from './name-index.ts';
export { alignOf, enumeratorName, findComposite, findMember, resolve, sizeOf, skipModifiers, type FoundMember } from './type-facts.ts';
export { declarationOf, definitionOf, typeName, type PrintOptions } from './print-c.ts';
export { printVmlinuxHeader } from './vmlinux-header.ts';
export { bpftoolValue, formatMember, formatValue, integerOf, type BpftoolValue, type FormatOptions } from './format-value.ts';
export { parseValue } from './parse-value.ts';
export { writeBtf } from './write-btf.ts';
