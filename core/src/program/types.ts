// What a loaded object is: the contract between the loader (or the assembler) and everything that reads programs.

import type { Insn } from '#core/isa';
import type { Btf } from '#core/btf';
import type { Problem } from '#core/problem';

/** A map as the program defines it, before any kernel made one. */
export interface MapDefinition {
  name: string;
  /** The kernel's name without BPF_MAP_TYPE_, lower case: `hash`, `percpu_array`, `ringbuf`. A row of catalog/map-types. */
  type: string;
  /** Numeric map type, as in enum bpf_map_type; also for types the catalog does not know. */
  typeId: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  mapExtra?: bigint;
  /** Type ids in the object's BTF. */
  keyTypeId?: number;
  valueTypeId?: number;
  /** LIBBPF_PIN_BY_NAME. */
  pinned?: boolean;
  /** Initial bytes of .data, .rodata, .bss and .kconfig maps (the whole single value). Absent of a very large .bss: all zero. */
  initial?: Uint8Array;
  /** A global section's map: `.data`, `.rodata.foo`, ….  Its value is addressed directly. */
  globalSection?: string;
  /** The inner definition of array_of_maps and hash_of_maps. */
  inner?: MapDefinition;
  /** Static slots: `values` of prog arrays (program names) and of maps of maps (map names). */
  slots?: readonly { index: number; target: string }[];
  /** Where the source declares it, when known. */
  declared?: { file: string; line: number };
  /** The definition leaves max_entries to user space, which must set it before load (0 where the type needs none). */
  sizedByUser?: boolean;
  /** False for maps that libbpf does not create by itself (`SEC("?.struct_ops")`). */
  autocreate?: boolean;
  /** struct_ops: which kernel struct it fills in and with which programs; `initial` has the other members' bytes. */
  structOps?: StructOps;
}

/** A variable of `SEC(".struct_ops")`. */
export interface StructOps {
  /** The variable's type as the object has it, flavour and all: `tcp_congestion_ops___v2`. */
  type: string;
  typeId: number;
  /** Member and the program it points at, in order of members. */
  programs: readonly { member: string; program: string }[];
}

/** What a BPF_PSEUDO_BTF_ID load names: a variable or function of the kernel. */
export interface KernelSymbol {
  name: string;
  /** Id of its BTF var or func in the kernel BTF that was given. */
  kernelTypeId?: number;
  /** Id of the extern's type in the object's BTF. */
  typeId: number;
  weak: boolean;
}

/** A function of a program. Subprogram 0 is the main program. Slots `start` up to, not including, `end`. */
export interface Subprogram {
  name: string;
  start: number;
  end: number;
  /** BTF_KIND_FUNC id in the object's BTF. */
  funcTypeId?: number;
  /** A global function is verified by itself (BTF_FUNC_GLOBAL). A hidden one counts as static, as libbpf makes it. */
  linkage?: 'static' | 'global' | 'extern';
  /** Where its code stands in the object file: section name, its index, and bytes from the section's start. Absent for assembly. */
  origin?: { section: string; sectionIndex: number; offset: number };
}

/** From `insn` on, until the next record, code comes from here. Lines and columns count from 1; 0 is unknown. */
export interface LineRecord {
  insn: number;
  file: string;
  line: number;
  column: number;
  /** The source line's text as the compiler kept it; may be empty. */
  text: string;
}

export interface CoreRelocation {
  /** Slot it patches. */
  insn: number;
  /** `field_byte_offset`, `type_exists`, … (enum bpf_core_relo_kind, lower case without prefix). */
  kind: string;
  /** `struct task_struct.pid` style text. */
  spec: string;
  result: string;
}

export interface Program {
  name: string;
  section: string;
  /** The kernel's name without BPF_PROG_TYPE_, lower case: `xdp`, `kprobe`. Undefined where the section says nothing. */
  type: string | undefined;
  /** The kernel's enum bpf_attach_type name, as in `BPF_XDP`; where the type needs one. */
  attachType?: string;
  /** What stands behind the slash: a function, a tracepoint, an interface. */
  attachTarget?: string;
  sleepable: boolean;
  /** False for `SEC("?…")`. */
  autoload: boolean;
  license: string;
  /**
   * All slots, main program first, then the subprograms it needs, relocated: an ld_imm64 of a map carries
   * src BPF_PSEUDO_MAP_FD or BPF_PSEUDO_MAP_VALUE and the index into `LoadedObject.maps` in imm (the offset into the value in the
   * second slot's imm); a BPF-to-BPF call the relative distance, and so does an ld_imm64 with src BPF_PSEUDO_FUNC; a kfunc call
   * src BPF_PSEUDO_KFUNC_CALL and an index into `kfuncs` in imm; an ld_imm64 of a typed kernel symbol src BPF_PSEUDO_BTF_ID and an
   * index into `ksyms` in imm.
   */
  insns: readonly Insn[];
  subprograms: readonly Subprogram[];
  /** Sorted by insn. */
  lines: readonly LineRecord[];
  coreRelocations: readonly CoreRelocation[];
  /** Names of kfuncs called, by the index that the call carries in imm. */
  kfuncs: readonly string[];
  /** Kernel symbols loaded by BTF id, by the index that the ld_imm64 carries in imm. */
  ksyms: readonly KernelSymbol[];
  /** Of a struct_ops program: the kernel struct and the member it is put into. */
  structOps?: { type: string; member: string };
  /** BPF_F_… of BPF_PROG_LOAD that the section asks for: BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS. */
  flags: number;
  problems: readonly Problem[];
}

/** One file made ready: a compiled object, or an assembled text. */
export interface LoadedObject {
  /** Path or name it came from. */
  file: string;
  programs: readonly Program[];
  maps: readonly MapDefinition[];
  btf?: Btf;
  /** The object file's own bytes, for DWARF. Absent for assembly. */
  elf?: Uint8Array;
  license: string;
  /** The kernel version that an old `version` section asks for. */
  version?: number;
  /** False for big-endian objects: they can be read and disassembled, not verified and not run. */
  runnable: boolean;
  problems: readonly Problem[];
}

/** What the loader may know about the machine that the program is for. All of it is optional. */
export interface LoadOptions {
  /** The target kernel's BTF, for CO-RE, typed kernel symbols and kfuncs. Without it CO-RE relocations take the object's own types. */
  kernelBtf?: Btf;
  /** `major.minor.patch` for LINUX_KERNEL_VERSION; 6.18.0 unless told. */
  kernelVersion?: string;
  /** What programs in sections that name no type are: a section's name (`xdp`, `cgroup/connect4`, `fentry/vfs_read`) or a program type's. */
  programType?: string;
  /** Possible CPUs: the size of per-CPU-indexed arrays that the program leaves to the loader. */
  cpus?: number;
  /** Lines of the kernel's .config by name (`CONFIG_HZ` → `250`, `y`, `"text"`); what is missing comes from a typical distribution's. */
  kconfig?: Readonly<Record<string, string>>;
  /** Addresses as /proc/kallsyms would give them, for `extern const void sym __ksym`. Without it such a symbol is 0, with a note. */
  kernelAddress?: (name: string) => bigint | undefined;
  /** New values of global variables, by name, before the program is loaded: what a skeleton's user writes into `skel->rodata`. */
  globals?: Readonly<Record<string, bigint | Uint8Array>>;
}
