// The parts of an object file that loading starts from: sections by role, BTF with its relocations applied, license, version.
// Knows the file's layout; what maps and programs are is read from it elsewhere.

import {
  EM_BPF,
  ET_REL,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
  R_BPF_64_NODYLD32,
  readElf,
  SHF_EXECINSTR,
  SHT_NOBITS,
  SHT_PROGBITS,
  STV_HIDDEN,
  STV_INTERNAL,
  type Elf,
  type ElfSection,
} from '#core/elf';
import { readBtf, readBtfExt, type Btf, type BtfExt } from '#core/btf';
import { error, note, type Problem } from '#core/problem';

export interface ObjectFile {
  /** Name for map prefixes: the file's base name up to the first dot, as libbpf has it. */
  name: string;
  elf: Elf;
  btf: Btf | undefined;
  ext: BtfExt | undefined;
  license: string;
  version: number | undefined;
  /** Names of hidden symbols: to libbpf those are static. */
  hidden: ReadonlySet<string>;
}

const MACHINES: Readonly<Record<number, string>> = {
  3: 'x86 (32-bit)',
  8: 'MIPS',
  20: 'PowerPC',
  21: 'PowerPC 64',
  22: 's390',
  40: 'ARM (32-bit)',
  62: 'x86-64',
  183: 'AArch64',
  243: 'RISC-V',
  258: 'LoongArch',
};

/** Reads a file; `object` is absent where it is no BPF object, and a problem says what it is instead. */
export function readObjectFile(bytes: Uint8Array, file: string): { object?: ObjectFile; problems: Problem[] } {
  const { elf, problems: elfProblems } = readElf(bytes);
  const problems = [...elfProblems];
  if (!elf) return { problems };
  if (elf.machine !== EM_BPF && elf.machine !== 0) {
    const machine = MACHINES[elf.machine] ?? `machine ${elf.machine}`;
    return {
      problems: [
        ...problems,
        error(`this object is for ${machine}, not for BPF: compile it with clang -target bpf`, { code: 'object-machine', offset: 18 }),
      ],
    };
  }
  if (elf.type !== ET_REL)
    problems.push(
      error(`an ELF file of type ${elf.type}; BPF objects are relocatable (type 1): link with \`bpftool gen object\` or do not link`, {
        code: 'object-type',
        offset: 16,
      }),
    );
  const btfSection = elf.section('.BTF');
  let btf: Btf | undefined;
  let ext: BtfExt | undefined;
  if (btfSection) {
    const read = readBtf(relocated(elf, btfSection), undefined, (name) => elf.section(name)?.size);
    btf = read.btf;
    for (const problem of read.problems) problems.push({ ...problem, section: '.BTF' });
    const extSection = elf.section('.BTF.ext');
    if (btf && extSection) {
      const result = readBtfExt(relocated(elf, extSection), btf);
      ext = result.ext;
      for (const problem of result.problems) problems.push(problem);
    }
  }
  if (!elf.littleEndian)
    problems.push(
      note('a big-endian object: it is read and disassembled, not run or verified; compile it with clang -target bpfel for that', {
        code: 'object-big-endian',
      }),
    );
  const version = elf.section('version')?.bytes;
  const licenseSection = elf.section('license');
  if (!licenseSection)
    problems.push(
      note(
        'no license section: helpers that are GPL-only are refused; add char LICENSE[] SEC("license") = "GPL"; (in assembly: .license "GPL")',
        { code: 'license-missing' },
      ),
    );
  return {
    object: {
      name: objectName(file),
      elf,
      btf,
      ext,
      hidden: new Set(
        elf.symbols.filter(({ visibility }) => visibility === STV_HIDDEN || visibility === STV_INTERNAL).map(({ name }) => name),
      ),
      license: licenseSection ? text(licenseSection.bytes) : '',
      version:
        version && version.length >= 4 ? new DataView(version.buffer, version.byteOffset, 4).getUint32(0, elf.littleEndian) : undefined,
    },
    problems,
  };
}

function objectName(file: string): string {
  const base = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
  const dot = base.indexOf('.');
  return dot < 0 ? base : base.slice(0, dot);
}

const decoder = new TextDecoder('utf-8');

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** The section's bytes with its absolute relocations applied: symbol value plus what stands there. A copy where that changes any. */
function relocated(elf: Elf, section: ElfSection): Uint8Array {
  const { littleEndian } = elf;
  let bytes = section.bytes;
  let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const own = (): DataView => {
    if (bytes === section.bytes) {
      bytes = new Uint8Array(section.bytes);
      view = new DataView(bytes.buffer);
    }
    return view;
  };
  elf.eachRelocation(section.index, (offset, type, symbol, addend) => {
    // Nearly all are of sections, which begin at 0, and add nothing to what stands there.
    if (symbol.value === 0 && addend === undefined) return;
    if ((type === R_BPF_64_NODYLD32 || type === R_BPF_64_ABS32) && offset + 4 <= bytes.length) {
      own().setUint32(offset, symbol.value + (addend ?? view.getUint32(offset, littleEndian)), littleEndian);
    } else if (type === R_BPF_64_ABS64 && offset + 8 <= bytes.length) {
      own().setBigUint64(
        offset,
        BigInt(symbol.value) + (addend === undefined ? view.getBigUint64(offset, littleEndian) : BigInt(addend)),
        littleEndian,
      );
    }
  });
  return bytes;
}

export const isProgramSection = (section: ElfSection): boolean =>
  section.type === SHT_PROGBITS && (section.flags & SHF_EXECINSTR) !== 0 && section.size > 0;

export type GlobalKind = 'data' | 'rodata' | 'bss';

/** Which kind of global-variable map a section becomes, by its name and type as libbpf reads them. */
export function globalKind(section: ElfSection): GlobalKind | undefined {
  const is = (prefix: string): boolean => section.name === prefix || section.name.startsWith(`${prefix}.`);
  if (section.size === 0) return undefined;
  if (section.type === SHT_NOBITS) return is('.bss') ? 'bss' : undefined;
  if (section.type !== SHT_PROGBITS || (section.flags & SHF_EXECINSTR) !== 0) return undefined;
  return is('.data') ? 'data' : is('.rodata') ? 'rodata' : undefined;
}

export const isStructOpsSection = (name: string): boolean => /^\??\.struct_ops(\.link)?$/.test(name);
export const ARENA_SECTION = '.addr_space.1';
