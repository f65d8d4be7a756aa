// The running kernel's types: how quickly they are read, whether vmlinux.h compiles and keeps every size and offset, and whether
// the kernel types that we bring are whole and those of the kernels they name.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { printVmlinuxHeader, readBtf, sizeOf, type Btf, type BtfComposite } from '#core/btf';
import { readElf } from '#core/elf';
import { bundledKernelTypes, findCompiler } from '#toolchain';
import { missing, repository } from '#test/requirements';

const VMLINUX = '/sys/kernel/btf/vmlinux';
const kernel = existsSync(VMLINUX) ? new Uint8Array(readFileSync(VMLINUX)) : missing('kernel', `there is no ${VMLINUX}`);
const { compiler } = await findCompiler({});
if (!compiler) missing('clang', 'no clang with a BPF target was found');

function* composites(btf: Btf): Generator<BtfComposite> {
  for (let id = 1; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if (kind !== 'struct' && kind !== 'union') continue;
    const type = btf.type(id) as BtfComposite;
    if (type.name !== '') yield type;
  }
}

/** Types of one name: the header tells them apart by ___2, ___3 in order of id. */
function headerName(seen: Map<string, number>, name: string): string {
  const n = (seen.get(name) ?? 0) + 1;
  seen.set(name, n);
  return n === 1 ? name : `${name}___${n}`;
}

const layout = (btf: Btf, type: BtfComposite): string =>
  `${type.kind} ${sizeOf(btf, type.id)} ${type.members.map(({ name, bitOffset, bitSize }) => (name === '' ? '' : `${name}@${bitOffset}:${bitSize}`)).join(' ')}`;

/** BTF of a file in which a variable of each type keeps it. */
function compileTypes(folder: string, types: readonly { name: string; type: BtfComposite }[]): Btf {
  const [source, output] = [path.join(folder, 'types.c'), path.join(folder, 'types.o')];
  writeFileSync(source, `#include "vmlinux.h"\n${types.map(({ name, type }, i) => `${type.kind} ${name} *v${i};`).join('\n')}\n`);
  execFileSync(compiler!.path, ['--target=bpf', '-mcpu=v3', '-g', '-O0', '-Wno-visibility', '-Werror', '-c', source, '-o', output], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return readBtf(readElf(readFileSync(output)).elf!.section('.BTF')!.bytes).btf!;
}

describe.skipIf(!kernel)('the running kernel', () => {
  it('is read in under 100 ms, and names are found in under 1 ms after the first', () => {
    let read = Infinity;
    let find = Infinity;
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      const { btf } = readBtf(kernel!);
      btf!.find('task_struct', 'struct');
      const middle = performance.now();
      for (const name of ['bpf_prog_aux', 'sk_buff', 'no_such_type', 'vfs_read', 'bool']) btf!.find(name);
      find = Math.min(find, (performance.now() - middle) / 5);
      read = Math.min(read, middle - start);
    }
    expect(read).toBeLessThan(100);
    expect(find).toBeLessThan(1);
  });

  it.skipIf(!compiler)('gives a vmlinux.h that compiles with every size and offset as it was', { timeout: 300_000 }, () => {
    for (const bytes of [kernel!, bundledKernelTypes('6.1')!]) {
      const original = readBtf(bytes).btf!;
      const folder = mkdtempSync(path.join(os.tmpdir(), 'ebpf-vmlinux-'));
      // One variable of each type keeps it in the object's BTF.
      const wanted: { name: string; type: BtfComposite }[] = [];
      const tags = new Map<string, number>();
      for (let id = 1; id < original.typeCount; id++) {
        const kind = original.kind(id);
        const { name } = original.type(id)!;
        if (name === '' || (kind !== 'struct' && kind !== 'union' && kind !== 'enum' && kind !== 'enum64')) continue;
        const printed = headerName(tags, name);
        const type = original.type(id)!;
        if (type.kind === 'struct' || type.kind === 'union') wanted.push({ name: printed, type });
      }
      writeFileSync(path.join(folder, 'vmlinux.h'), printVmlinuxHeader(original));
      const different: string[] = [];
      // A thousand at a time: clang takes minutes for ten thousand variables, and seconds for ten files.
      for (let start = 0; start < wanted.length; start += 1000) {
        const chunk = wanted.slice(start, start + 1000);
        const compiled = compileTypes(folder, chunk);
        for (const { name, type } of chunk) {
          const id = compiled.find(name, type.kind);
          const other = id === undefined ? undefined : (compiled.type(id) as BtfComposite);
          // Padding of the header has no name, and an explicit member fills a union: neither is of the original.
          const there =
            other &&
            layout(compiled, {
              ...other,
              members: other.members.filter((member) => member.name !== '__whole_union' && (member.name !== '' || member.bitSize === 0)),
            });
          if (there?.trim().replace(/ +/g, ' ') !== layout(original, type).trim().replace(/ +/g, ' '))
            different.push(`${name}: ${layout(original, type).slice(0, 200)} / ${there?.slice(0, 200)}`);
        }
      }
      rmSync(folder, { recursive: true });
      expect(different.slice(0, 5)).toEqual([]);
      expect(wanted.length).toBeGreaterThan(1000);
    }
  });
});

describe('the kernel types that we bring', () => {
  const made = (file: string): { kernels: { version: string; source: string }[] } =>
    JSON.parse(readFileSync(path.join(repository, `toolchain/kernel/${file}.btf.br.json`), 'utf8')) as ReturnType<typeof made>;

  it.each(['6.18', '6.12', '6.1'] as const)('Linux %s: readable, and no struct that a member embeds is only declared', (version) => {
    const { btf, problems } = readBtf(bundledKernelTypes(version)!);
    expect(problems).toEqual([]);
    const holes: string[] = [];
    for (const type of composites(btf!))
      for (const member of type.members)
        if (member.bitSize === 0 && sizeOf(btf!, member.type) === undefined) holes.push(`${type.name}.${member.name}`);
    expect(holes).toEqual([]);
  });

  it('fit into the package with the rest: under 3.2 MB', () => {
    const sizes = ['6.18', '6.12-6.1'].map((name) => statSync(path.join(repository, `toolchain/kernel/linux-${name}.btf.br`)).size);
    expect(sizes[0]! + sizes[1]!).toBeLessThan(3_200_000);
  });

  it.skipIf(!kernel)('are those of the kernel that the file beside them names, where that one runs', () => {
    const { source } = made('linux-6.18').kernels[0]!;
    if (createHash('sha256').update(kernel!).digest('hex') !== source)
      return missing('kernel', 'the running kernel is not the one that the bundled types are of');
    expect(Buffer.compare(bundledKernelTypes('6.18')!, kernel!)).toBe(0);
    return undefined;
  });
});
