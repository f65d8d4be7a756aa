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
  /** Initial bytes of .data, .rodata, .bss and .kconfig maps (the whole single value). */
  initial?: Uint8Array;
  /** A global section's map: `.data`, `.rodata.foo`, ….  Its value is addressed directly. */
  globalSection?: string;
  /** The inner definition of array_of_maps and hash_of_maps. */
  inner?: MapDefinition;
  /** Static slots: `values` of prog arrays (program names) and of maps of maps (map names). */
  slots?: readonly { index: number; target: string }[];
  /** Where the source declares it, when known. */
  declared?: { file: string; line: number };
}

/** A function of a program. Subprogram 0 is the main program. Slots `start` up to, not including, `end`. */
export interface Subprogram {
  name: string;
  start: number;
  end: number;
  /** BTF_KIND_FUNC id in the object's BTF. */
  funcTypeId?: number;
  /** A global function is verified by itself (BTF_FUNC_GLOBAL). */
  linkage?: 'static' | 'global' | 'extern';
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
   * second slot's imm); a BPF-to-BPF call the relative distance; a kfunc call src BPF_PSEUDO_KFUNC_CALL and an index into `kfuncs` in imm.
   */
  insns: readonly Insn[];
  subprograms: readonly Subprogram[];
  /** Sorted by insn. */
  lines: readonly LineRecord[];
  coreRelocations: readonly CoreRelocation[];
  /** Names of kfuncs called, by the index that the call carries in imm. */
  kfuncs: readonly string[];
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
  problems: readonly Problem[];
}
