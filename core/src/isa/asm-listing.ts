// Lines that are not written by hand: what llvm-objdump, bpftool and the verifier's log put around an instruction.
// Recognises the line's frame (slot number, raw bytes, opcode, relocation, headings); the instruction's text is read elsewhere.

export type ListingLine =
  /** `Disassembly of section xdp:` */
  | { kind: 'section'; name: string }
  /** `0000000000000000 <prog>:`, `<L0>:`, `int prog(struct xdp_md *ctx):` */
  | { kind: 'label'; name: string; column: number; isFunction: boolean }
  /** `0000000000000008:  R_BPF_64_64  counts` */
  | { kind: 'relocation'; offset: number; type: string; symbol: string; column: number }
  /** An instruction with the text from `start` to `end` of the line. */
  | { kind: 'insn'; source: 'objdump' | 'log'; slot: number; bytes?: Uint8Array; opcode?: number; start: number; end: number }
  /** bpftool's `opcodes` line below an instruction. */
  | { kind: 'bytes'; bytes: Uint8Array; column: number }
  | { kind: 'ignored' };

/** No tool prints longer ones, and some patterns below take quadratic time. */
const MAX_LISTING_LINE = 4000;
const OBJDUMP = /^\s*([0-9a-f]+):\s+((?:[0-9a-f]{2} ){7}[0-9a-f]{2}(?: (?:[0-9a-f]{2} ){7}[0-9a-f]{2})?)\s+(\S.*)$/;
/** The register marks are those of the log's "Live regs before insn". */
const LOG = /^(\s*(\d+): (?:[.0-9]{10} )?\(([0-9a-f]{2})\) )(.*)$/;
const RELOCATION = /^\s*([0-9a-f]{16}):\s+(R_BPF_\w+)\s+(\S+)\s*$/;
/** llvm-objdump -r prints CO-RE relocations too; they live in .BTF.ext, which a listing does not carry. */
const CORE_RELOCATION = /^\s*[0-9a-f]{16}:\s+CO-RE </;
const OBJDUMP_LABEL = /^[0-9a-f]{16} <(.+)>:\s*$/;
const SYMBOLIZED_LABEL = /^<(.+)>:\s*$/;
const BPFTOOL_FUNCTION = /^(?:[A-Za-z_][\w\s*]*[\s*])?([A-Za-z_]\w*)\(.*\):\s*$/;
const BPFTOOL_NAME = /^(bpf_prog_[0-9a-f]{16}_\w+):\s*$/;
const BYTES = /^\s+((?:[0-9a-f]{2} ){7}[0-9a-f]{2}(?: (?:[0-9a-f]{2} ){7}[0-9a-f]{2})?)\s*$/;
/** Lines of the verifier's log that tell states, not instructions. */
const LOG_REMARK =
  /^(?:from \d+ to \d+|processed \d+ insns|verification time|stack depth|max_states|\d+: R\d+|\d+: (?:safe|[a-z_]+ )?R\d|R\d+(?:_w|_rw|_r)?[ =]|func#\d+|Func#\d+|Live regs before insn|mark_precise|regs=|last_idx|parent |propagating|caller:|callee:|returning from|to caller at|\d+: R|arg#\d+|reg type unsupported|Validating |Global function|Caller passes|-- BEGIN PROG|-- END PROG|libbpf:|BPF program load failed|The sequence of|\d+ insns|insn \d+|subprog#\d+|btf_vmlinux|frame\d+:|hit |\(\d+\) (?:frame|live stack))/;
const OBJDUMP_REMARK = /^(?:.*:\s+file format \S+|SYMBOL TABLE:|RELOCATION RECORDS FOR|\s*\.{3}\s*)$/;

const toBytes = (text: string): Uint8Array => Uint8Array.from(text.split(' ').map((byte) => Number.parseInt(byte, 16)));

/** What a listing's line is, or undefined for a line written for an assembler. */
export function recogniseListing(line: string): ListingLine | undefined {
  if (line.length > MAX_LISTING_LINE) return undefined;
  const first = line.trimStart();
  if (first === '') return undefined;
  const log = LOG.exec(line);
  if (log) {
    const start = log[1]!.length;
    // The state that the verifier prints behind an instruction begins with a semicolon.
    const remark = line.indexOf(';', start);
    return {
      kind: 'insn',
      source: 'log',
      slot: Number(log[2]),
      opcode: Number.parseInt(log[3]!, 16),
      start,
      end: remark < 0 ? line.length : remark,
    };
  }
  const objdump = OBJDUMP.exec(line);
  if (objdump) {
    const start = line.length - objdump[3]!.length;
    return {
      kind: 'insn',
      source: 'objdump',
      slot: Number.parseInt(objdump[1]!, 10),
      bytes: toBytes(objdump[2]!),
      start,
      end: line.length,
    };
  }
  const relocation = RELOCATION.exec(line);
  if (relocation)
    return {
      kind: 'relocation',
      offset: Number.parseInt(relocation[1]!, 16),
      type: relocation[2]!,
      symbol: relocation[3]!,
      column: line.indexOf(relocation[3]!) + 1,
    };
  const section = /^Disassembly of section (.+):\s*$/.exec(line);
  if (section) return { kind: 'section', name: section[1]! };
  const label = OBJDUMP_LABEL.exec(line) ?? SYMBOLIZED_LABEL.exec(line) ?? BPFTOOL_NAME.exec(line) ?? BPFTOOL_FUNCTION.exec(line);
  if (label) return { kind: 'label', name: label[1]!, column: line.indexOf(label[1]!) + 1, isFunction: !line.startsWith('<') };
  const bytes = BYTES.exec(line);
  if (bytes) return { kind: 'bytes', bytes: toBytes(bytes[1]!), column: line.length - first.length + 1 };
  if (CORE_RELOCATION.test(line) || LOG_REMARK.test(first) || OBJDUMP_REMARK.test(line)) return { kind: 'ignored' };
  return undefined;
}
