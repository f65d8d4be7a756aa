// Selftests whose CO-RE relocations are not for the running kernel: their test loads them with a BTF file of their own (`__btf_path`
// in their source). It is compiled from the kernel's sources beside the oracle's objects, which it is kept with.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readBtf, type Btf } from '#core/btf';
import { readElf } from '#core/elf';
import { missing, oracleFolder } from './requirements.ts';

/** By object, the source whose types stand for the kernel's. */
const OWN_BTF: Readonly<Record<string, string>> = { verifier_bitfield_write: 'btf__core_reloc_bitfields' };

const CLANGS = ['clang-22', 'clang'];

/** The BTF that the object's programs are relocated for; undefined where that is the kernel's, or none can be made (said once). */
export function ownBtf(object: string): Btf | undefined {
  const source = OWN_BTF[object];
  const folder = source === undefined ? undefined : oracleFolder();
  if (source === undefined || !folder) return undefined;
  const file = join(folder, 'btf', `${source}.bpf.o`);
  if (!existsSync(file)) build(folder, source, file);
  if (!existsSync(file)) return missing('clang', `${source}.c of the selftests could not be compiled`);
  const section = readElf(readFileSync(file)).elf?.section('.BTF');
  return section && readBtf(section.bytes).btf;
}

function build(folder: string, source: string, file: string): void {
  const tests = join(folder, 'linux/tools/testing/selftests/bpf');
  mkdirSync(join(folder, 'btf'), { recursive: true });
  for (const clang of CLANGS) {
    const { status, stderr } = spawnSync(clang, ['-v', '-E', '-'], { input: '', encoding: 'utf8' });
    if (status !== 0) continue;
    const host = /search starts here:\n(?<list>[^]*?)End of search/.exec(stderr)?.groups?.['list'] ?? '';
    const includes = host
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.startsWith('/'));
    const words = [
      '-g',
      '-O2',
      '--target=bpf',
      '-mcpu=v3',
      '-Wno-everything',
      `-I${folder}/include`,
      `-I${tests}`,
      `-I${folder}/linux/tools/include/uapi`,
      ...includes.flatMap((one) => ['-idirafter', one]),
    ];
    try {
      execFileSync(clang, [...words, '-c', join(tests, 'progs', `${source}.c`), '-o', file], { stdio: 'ignore' });
      return;
    } catch {
      // The next compiler may do better; that none did is said by the caller.
    }
  }
}
