// The real kernel as the tests' oracle: builds kernel-bridge.c once with the machine's C compiler and talks to it.
// It loads and test-runs, and can neither attach nor pin. Where bpf() cannot be used, openKernel says why and returns undefined.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fromHex, toHex } from '#core/bytes';
import { PROGRAM_TYPE_NAMES } from '#core/catalog';
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, decode, encode, type Insn, isLdImm64 } from '#core/isa';
import { buildC } from './build-c.ts';
import { missing } from './requirements.ts';

/** enum bpf_prog_type, by the names this project uses. */
export const PROGRAM_TYPES: readonly string[] = ['unspec', ...PROGRAM_TYPE_NAMES];

/** enum bpf_map_type, by the names this project uses. */
export const MAP_TYPES = [
  'unspec',
  'hash',
  'array',
  'prog_array',
  'perf_event_array',
  'percpu_hash',
  'percpu_array',
  'stack_trace',
  'cgroup_array',
  'lru_hash',
  'lru_percpu_hash',
  'lpm_trie',
  'array_of_maps',
  'hash_of_maps',
  'devmap',
  'sockmap',
  'cpumap',
  'xskmap',
  'sockhash',
  'cgroup_storage',
  'reuseport_sockarray',
  'percpu_cgroup_storage',
  'queue',
  'stack',
  'sk_storage',
  'devmap_hash',
  'struct_ops',
  'ringbuf',
  'inode_storage',
  'task_storage',
  'bloom_filter',
  'user_ringbuf',
  'cgrp_storage',
  'arena',
] as const;

export interface KernelMap {
  /** A name of MAP_TYPES. */
  type: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags?: number;
  name?: string;
  innerFd?: number;
  btfFd?: number;
  keyTypeId?: number;
  valueTypeId?: number;
  mapExtra?: bigint;
}

export interface LoadRequest {
  /** A name of PROGRAM_TYPES. */
  type: string;
  /** enum bpf_attach_type. */
  attachType?: number;
  progFlags?: number;
  /** As bpf_attr.log_level; default 1. */
  logLevel?: number;
  license?: string;
  name?: string;
  attachBtfId?: number;
  btfFd?: number;
  funcInfo?: { bytes: Uint8Array; recordSize: number };
  lineInfo?: { bytes: Uint8Array; recordSize: number };
  /** Slots, or their bytes. An ld_imm64 with src 1 or 2 carries the index into `maps` in imm. */
  insns: readonly Insn[] | Uint8Array;
  /** File descriptors that createMap returned. */
  maps?: readonly number[];
  logSize?: number;
}

export interface LoadAnswer {
  verdict: 'loaded' | 'rejected';
  /** Positive; 0 when loaded. */
  errno: number;
  log: string;
  /** To test-run; close it. -1 when rejected. */
  fd: number;
}

export interface RunAnswer {
  errno: number;
  returnValue: number;
  dataOut: Uint8Array;
  ctxOut: Uint8Array;
  nanoseconds: number;
}

export interface KernelBridge {
  createMap(map: KernelMap): Promise<number>;
  load(request: LoadRequest): Promise<LoadAnswer>;
  run(fd: number, input?: { data?: Uint8Array; ctx?: Uint8Array; repeat?: number }): Promise<RunAnswer>;
  loadBtf(bytes: Uint8Array): Promise<number>;
  lookup(fd: number, key: Uint8Array, valueSize: number): Promise<Uint8Array | undefined>;
  /** 0 or a positive errno. */
  update(fd: number, key: Uint8Array, value: Uint8Array, flags?: number): Promise<number>;
  delete(fd: number, key: Uint8Array): Promise<number>;
  keys(fd: number, keySize: number): Promise<Uint8Array[]>;
  freeze(fd: number): Promise<number>;
  xlated(fd: number): Promise<{ verifiedInsns: number; insns: Uint8Array }>;
  closeFd(fd: number): Promise<void>;
  /** Ends the process, and with it everything it holds in the kernel. */
  close(): void;
}

const hex = (bytes: Uint8Array | undefined): string => (bytes && bytes.length > 0 ? toHex(bytes) : '-');
const unhex = (word: string | undefined): Uint8Array => (!word || word === '-' ? new Uint8Array() : fromHex(word)!);

/**
 * The kernel at hand, or undefined with one clear line on standard error. Where it is required (see requirements.ts) the reason is thrown.
 */
export async function openKernel(): Promise<KernelBridge | undefined> {
  const unusable = (reason: string): undefined => missing('kernel', reason);
  if (process.platform !== 'linux') return unusable(`this is ${process.platform}, not Linux`);
  const executable = buildC('kernel-bridge');
  if (!executable) return unusable('no C compiler (cc, gcc or clang) to build test/support/kernel-bridge.c');
  const bridge = talk(spawn(executable, { stdio: ['pipe', 'pipe', 'pipe'] }));
  const probe = await bridge.load({ type: 'socket_filter', insns: decode(fromHex('b700000000000000 9500000000000000')!) });
  if (probe.verdict === 'rejected') {
    bridge.close();
    return unusable(`loading "r0 = 0; exit" fails with errno ${probe.errno}`);
  }
  await bridge.closeFd(probe.fd);
  return bridge;
}

/** The words of a `load` or `try` request behind the first. */
export function loadWords(request: LoadRequest): (string | number)[] {
  const type = PROGRAM_TYPES.indexOf(request.type as (typeof PROGRAM_TYPES)[number]);
  if (type < 0) throw new Error(`no program type ${request.type}`);
  const insns = (request.insns instanceof Uint8Array ? decode(request.insns) : request.insns).map((insn) => {
    if (!isLdImm64(insn) || (insn.src !== BPF_PSEUDO_MAP_FD && insn.src !== BPF_PSEUDO_MAP_VALUE)) return insn;
    const fd = request.maps?.[insn.imm];
    return fd === undefined ? insn : { ...insn, imm: fd };
  });
  return [
    type,
    request.attachType ?? 0,
    request.progFlags ?? 0,
    request.logLevel ?? 1,
    request.license ?? 'GPL',
    (request.name ?? '').slice(0, 15).replace(/[^\w.]/g, '_'),
    request.attachBtfId ?? 0,
    request.btfFd ?? 0,
    hex(request.funcInfo?.bytes),
    request.funcInfo?.recordSize ?? 0,
    hex(request.lineInfo?.bytes),
    request.lineInfo?.recordSize ?? 0,
    request.logSize ?? 0,
    toHex(encode(insns)),
  ];
}

export function loadAnswer(fd: string | undefined, log: string | undefined): LoadAnswer {
  const rejected = Number(fd) < 0;
  return {
    verdict: rejected ? 'rejected' : 'loaded',
    errno: Math.max(0, -Number(fd)),
    log: Buffer.from(unhex(log)).toString('utf8'),
    fd: rejected ? -1 : Number(fd),
  };
}

/** The words of a `map` request behind the first. */
export function mapWords(map: KernelMap): (string | number | bigint)[] {
  const type = MAP_TYPES.indexOf(map.type as (typeof MAP_TYPES)[number]);
  if (type < 0) throw new Error(`no map type ${map.type}`);
  return [
    type,
    map.keySize,
    map.valueSize,
    map.maxEntries,
    map.flags ?? 0,
    (map.name ?? '').slice(0, 15).replace(/[^\w.]/g, '_'),
    map.innerFd ?? 0,
    map.btfFd ?? 0,
    map.keyTypeId ?? 0,
    map.valueTypeId ?? 0,
    map.mapExtra ?? 0,
  ];
}

/** One request as the bridge reads it. */
export const requestLine = (words: readonly (string | number | bigint)[]): string =>
  `${words.map((word) => (word === '' ? '-' : String(word))).join(' ')}\n`;

function talk(child: ChildProcessWithoutNullStreams): KernelBridge {
  const waiting: { answer: (line: string) => void; fail: (error: Error) => void }[] = [];
  let pending: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    for (let rest = chunk; ;) {
      const end = rest.indexOf(10);
      if (end < 0) {
        pending.push(rest);
        return;
      }
      const line = Buffer.concat([...pending, rest.subarray(0, end)]).toString('latin1');
      pending = [];
      waiting.shift()?.answer(line);
      rest = rest.subarray(end + 1);
      if (rest.length === 0) return;
    }
  });
  const failAll = (): void => {
    for (const { fail } of waiting.splice(0)) fail(new Error('the kernel bridge has ended'));
  };
  child.on('exit', failAll);
  child.on('error', failAll);
  child.stdin.on('error', failAll);
  const ask = (words: readonly (string | number | bigint)[]): Promise<string[]> =>
    new Promise((resolve, fail) => {
      waiting.push({ answer: (line) => resolve(line.split(' ')), fail });
      child.stdin.write(requestLine(words));
    });
  const errnoOf = (word: string | undefined): number => Math.max(0, -Number(word));
  const fdOf = ([word]: string[], what: string): number => {
    if (Number(word) < 0) throw new Error(`${what}: errno ${-Number(word)}`);
    return Number(word);
  };

  return {
    createMap: async (map) => fdOf(await ask(['map', ...mapWords(map)]), `create ${map.type} map`),
    load: async (request) => {
      const [fd, log] = await ask(['load', ...loadWords(request)]);
      return loadAnswer(fd, log);
    },
    run: async (fd, input = {}) => {
      const [result, returnValue, dataOut, ctxOut, nanoseconds] = await ask([
        'run',
        fd,
        input.repeat ?? 1,
        hex(input.data),
        hex(input.ctx),
        0,
      ]);
      return {
        errno: errnoOf(result),
        returnValue: Number(returnValue),
        dataOut: unhex(dataOut),
        ctxOut: unhex(ctxOut),
        nanoseconds: Number(nanoseconds),
      };
    },
    loadBtf: async (bytes) => fdOf(await ask(['btf', hex(bytes)]), 'load BTF'),
    lookup: async (fd, key, valueSize) => {
      const [result, value] = await ask(['lookup', fd, hex(key), valueSize]);
      return Number(result) < 0 ? undefined : unhex(value);
    },
    update: async (fd, key, value, flags = 0) => errnoOf((await ask(['update', fd, hex(key), hex(value), flags]))[0]),
    delete: async (fd, key) => errnoOf((await ask(['delete', fd, hex(key)]))[0]),
    keys: async (fd, keySize) => {
      const keys: Uint8Array[] = [];
      for (;;) {
        const [result, key] = await ask(['next', fd, hex(keys.at(-1)), keySize]);
        if (Number(result) < 0) return keys;
        keys.push(unhex(key));
      }
    },
    freeze: async (fd) => errnoOf((await ask(['freeze', fd]))[0]),
    xlated: async (fd) => {
      const [, verifiedInsns, insns] = await ask(['info', fd]);
      return { verifiedInsns: Number(verifiedInsns), insns: unhex(insns) };
    },
    closeFd: async (fd) => void (await ask(['close', fd])),
    close: () => {
      child.stdin.end();
      child.kill();
    },
  };
}
