// Compiles small C texts of ours with plain flags: no header of any system, only what the prelude says.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findCompiler, type Compiler } from '#toolchain';
import { missing } from '#test/requirements';

/** libbpf's conventions in our own words. */
export const PRELUDE = `
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64; typedef int s32; typedef long long s64;
#define bool _Bool
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __join2(a, b) a##b
#define __join(a, b) __join2(a, b)
#define __ulong(name, value) enum { __join(__unique_value, __COUNTER__) = value } name
#define __type(name, type) typeof(type) *name
#define __array(name, type) typeof(type) *name[]
#define __noinline __attribute__((noinline))
#define __hidden __attribute__((visibility("hidden")))
#define __weak __attribute__((weak))
#define __ksym __attribute__((section(".ksyms")))
#define __kconfig __attribute__((section(".kconfig")))
#define core __attribute__((preserve_access_index))
static void *(*map_lookup)(void *map, const void *key) = (void *)1;
static long (*tail_call)(void *ctx, void *map, u32 index) = (void *)12;
static long (*loop)(u32 n, void *callback, void *ctx, u64 flags) = (void *)181;
char _license[] SEC("license") = "GPL";
`;

export interface PlainCompiler {
  compile(text: string, options?: { target?: string; cpu?: string; flags?: readonly string[] }): Uint8Array;
}

/** A clang of this machine, or undefined with one line of reason. */
export async function plainCompiler(): Promise<PlainCompiler | undefined> {
  const { compiler } = await findCompiler({});
  if (!compiler) return missing('clang', 'no clang with a BPF target was found');
  const built = new Map<string, Uint8Array>();
  const compile: PlainCompiler['compile'] = (text, options = {}) => {
    const key = JSON.stringify([text, options]);
    let bytes = built.get(key);
    if (!bytes) built.set(key, (bytes = compileWith(compiler, text, options)));
    return bytes;
  };
  return { compile };
}

function compileWith(
  compiler: Compiler,
  text: string,
  { target = 'bpfel', cpu = 'v3', flags = [] }: { target?: string; cpu?: string; flags?: readonly string[] },
): Uint8Array {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ebpf-loader-'));
  try {
    const source = path.join(folder, 'case.c');
    const output = path.join(folder, 'case.o');
    writeFileSync(source, PRELUDE + text);
    execFileSync(
      compiler.path,
      [
        ...compiler.prefix,
        ...(compiler.kind === 'zig' ? ['-target', `${target}-freestanding`] : [`--target=${target}`]),
        `-mcpu=${cpu}`,
        '-g',
        '-O2',
        '-w',
        '-nostdinc',
        ...flags,
        '-c',
        source,
        '-o',
        output,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    return new Uint8Array(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
