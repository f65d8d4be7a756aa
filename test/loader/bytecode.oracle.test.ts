// The measure of the loader: every program of the corpus, loaded by us, against what libbpf handed to a real kernel. Instructions
// must be equal byte for byte, and the maps must be the same. What differs is listed with a reason in ratchet.json, which may only shrink.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readBtf, type Btf } from '#core/btf';
import { readElf } from '#core/elf';
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  decode,
  encode,
  isCall,
  isLdImm64,
  type Insn,
} from '#core/isa';
import { loadObject, type LoadedObject, type LoadOptions, type Program } from '#core/program';
import { missing, oracleFolder, sharedFolder } from '#test/requirements';

interface Row {
  file: string;
  prog: string;
  insns: string;
  maps: { name: string; type: number; key: number; value: number; max: number; flags: number; fd: number }[];
}

const VMLINUX = '/sys/kernel/btf/vmlinux';
const ratchet = JSON.parse(readFileSync(path.join(import.meta.dirname, 'ratchet.json'), 'utf8')) as Record<string, string>;
const objects = oracleFolder();
const shared = sharedFolder();
const kernelBytes = existsSync(VMLINUX) ? readFileSync(VMLINUX) : missing('kernel', `there is no ${VMLINUX}`);

/** The recording loader gave these sizes to maps that leave theirs open. */
const RING_TYPES = [27, 31];
const SIZED_TYPES = [1, 2, 5, 6, 9, 12, 13, 30];

/** Numbers that another build of the same kernel has otherwise (BTF ids, addresses): they must stand for one name each. */
class Names {
  private readonly byName = new Map<string, string>();
  private readonly byNumber = new Map<string, string>();

  agree(space: string, name: string, number: string): boolean {
    const a = `${space} ${name}`;
    const b = `${space} ${number}`;
    if (!this.byName.has(a) && !this.byNumber.has(b)) {
      this.byName.set(a, b);
      this.byNumber.set(b, a);
    }
    return this.byName.get(a) === b && this.byNumber.get(b) === a;
  }
}

/** Why the two differ, or undefined. */
function difference(row: Row, object: LoadedObject, program: Program, names: Names): string | undefined {
  const ours = object.maps.map((map) => ({
    name: map.name,
    type: map.typeId,
    key: map.keySize,
    value: map.valueSize,
    max: map.maxEntries || (RING_TYPES.includes(map.typeId) ? 4096 : SIZED_TYPES.includes(map.typeId) ? 16 : 0),
    flags: map.flags,
  }));
  const theirs = row.maps.map(({ name, type, key, value, max, flags }) => ({ name, type, key, value, max, flags }));
  const differing = [...Array(Math.max(ours.length, theirs.length)).keys()].find(
    (i) => JSON.stringify(ours[i]) !== JSON.stringify(theirs[i]),
  );
  if (differing !== undefined)
    return `map ${differing}: ours ${JSON.stringify(ours[differing])}, theirs ${JSON.stringify(theirs[differing])}`;
  const kernel = decode(Buffer.from(row.insns, 'hex'));
  if (kernel.length !== program.insns.length) return `${program.insns.length} instructions, theirs ${kernel.length}`;
  const fds = new Set(row.maps.map(({ fd }) => fd));
  for (let i = 0; i < kernel.length; i++) {
    const mine: Insn = { ...program.insns[i]! };
    const other = kernel[i]!;
    const second = kernel[i + 1];
    if (isLdImm64(mine) && (mine.src === BPF_PSEUDO_MAP_FD || mine.src === BPF_PSEUDO_MAP_VALUE)) {
      // -1 is ours for a number written by hand, which must then be no map of theirs.
      mine.imm = mine.imm < 0 ? (fds.has(other.imm) ? mine.imm : other.imm) : (row.maps[mine.imm]?.fd ?? -2);
    } else if (isLdImm64(mine) && mine.src === BPF_PSEUDO_BTF_ID) {
      if (names.agree('variable', program.ksyms[mine.imm]!.name, String(other.imm))) mine.imm = other.imm;
    } else if (isCall(mine) && mine.src === BPF_PSEUDO_KFUNC_CALL) {
      if (names.agree('kfunc', program.kfuncs[mine.imm]!, String(other.imm))) mine.imm = other.imm;
    } else if (isLdImm64(mine) && mine.src === 0 && second) {
      const core = program.coreRelocations.find(({ insn }) => insn === i);
      const number = `${second.imm}:${other.imm}`;
      const fakeAddress = program.insns[i + 1]!.imm === FAKE_HIGH;
      if (
        (core?.kind === 'type_id_target' && names.agree('type', core.spec, number)) ||
        (fakeAddress && names.agree('address', ADDRESSED[mine.imm]!, number))
      ) {
        mine.imm = other.imm;
        i += 1;
      }
    }
    const [a, b] = [encode([mine]), encode([other])].map((bytes) => Buffer.from(bytes!).toString('hex'));
    if (a !== b) return `instruction ${i}: ours ${a}, theirs ${b}`;
  }
  return undefined;
}

/** Addresses of kernel symbols differ at every boot: ours are numbers under this upper half, in order of first use. */
const FAKE_HIGH = 0x5eed;
const ADDRESSED: string[] = [];

function kernelAddress(name: string): bigint {
  let index = ADDRESSED.indexOf(name);
  if (index < 0) index = ADDRESSED.push(name) - 1;
  return (BigInt(FAKE_HIGH) << 32n) | BigInt(index);
}

/** Selftests may ask for another object's types as the kernel's. That object is not among the built ones: its source is compiled here. */
function customBtf(object: LoadedObject): Btf | undefined {
  const { btf } = object;
  for (let id = 1; btf && id < btf.typeCount; id++) {
    if (btf.kind(id) !== 'decl_tag') continue;
    const file = /^comment:test_btf_path=(.*)$/.exec(btf.type(id)!.name)?.[1];
    if (file === undefined) continue;
    const tests = path.join(objects!, 'linux/tools/testing/selftests/bpf');
    const output = path.join(mkdtempSync(path.join(os.tmpdir(), 'ebpf-loader-')), file);
    execFileSync('clang-22', [
      '-g',
      '-O2',
      '--target=bpf',
      '-mcpu=v3',
      '-w',
      `-I${objects}/include`,
      `-I${tests}`,
      '-idirafter',
      '/usr/include/x86_64-linux-gnu',
      '-idirafter',
      '/usr/include',
      '-c',
      path.join(tests, 'progs', file.replace(/\.bpf\.o$/, '.c')),
      '-o',
      output,
    ]);
    const section = readElf(readFileSync(output)).elf?.section('.BTF');
    rmSync(path.dirname(output), { recursive: true });
    return section && readBtf(section.bytes).btf;
  }
  return undefined;
}

describe.skipIf(!objects || !shared || !kernelBytes)('programs as the kernel received them', () => {
  it('are equal, but for the listed ones', () => {
    const folder = path.join(objects!, 'obj');
    const rows = gunzipSync(readFileSync(path.join(shared!, 'oracle/bytecode.jsonl.gz')))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Row);
    const kernelBtf = readBtf(kernelBytes!).btf!;
    const options: LoadOptions = { kernelBtf, cpus: 2, kernelVersion: '6.18.44', kernelAddress };
    const loaded = new Map<string, LoadedObject>();
    const names = new Names();
    const different: Record<string, string> = {};
    for (const row of rows) {
      let object = loaded.get(row.file);
      if (!object) {
        const bytes = readFileSync(path.join(folder, `${row.file}.bpf.o`));
        object = loadObject(bytes, `${row.file}.bpf.o`, options);
        const custom = customBtf(object);
        if (custom) object = loadObject(bytes, `${row.file}.bpf.o`, { ...options, kernelBtf: custom });
        loaded.set(row.file, object);
      }
      const program = object.programs.find(({ name }) => name === row.prog);
      const why = program ? difference(row, object, program, names) : 'no such program';
      if (why !== undefined) different[`${row.file} ${row.prog}`] = why;
    }
    const unlisted = Object.entries(different).filter(([key]) => !(key in ratchet));
    expect(unlisted).toEqual([]);
    // A listed program that is equal now leaves the list.
    expect(Object.keys(ratchet).filter((key) => !(key in different))).toEqual([]);
    expect(rows.length).toBeGreaterThan(1800);
  });
});
