// bpf(2) and what belongs to it: processes with file descriptors, pins in bpffs, links, devices' XDP programs, BTF; what each refuses, and what goes
// when its last holder goes. The loader, the scenario and the shell all come through here. Knows no text of bpftool and no verifier: that is given.

import type { Btf } from '#core/btf';
import { creationRefusal } from './objects/map-rules.ts';
import { type Problem } from '#core/problem';
import type { LoadedObject, MapDefinition, Program } from '#core/program';
import type { Device } from './devices.ts';
import { ERRNO, type ErrnoName } from './errno.ts';
import { formatCall } from './objects/call-log.ts';
import { type Holding, type ObjectKind, type ObjectRef, reached, refText } from './objects/life.ts';
import { linkTypeOf } from './objects/link-types.ts';
import { ProgArrayMap, type KernelMap } from './maps/index.ts';
import type { Task } from './subsystems/tasks.ts';
import type { SimulatedMap, SimulatedProgram } from './types.ts';

/** What the simulated kernel does for this file. */
export interface ObjectWorld {
  readonly programs: readonly SimulatedProgram[];
  readonly maps: readonly KernelMap[];
  readonly devices: { readonly all: readonly Device[]; byName(name: string): Device | undefined };
  readonly tasks: { readonly all: readonly Task[] };
  now(): bigint;
  install(object: LoadedObject, only?: string): { programs: readonly SimulatedProgram[]; problems: readonly Problem[] };
  makeMap(definition: MapDefinition): KernelMap | undefined;
  remove(programs: ReadonlySet<number>, maps: ReadonlySet<number>): void;
  attachProgram(program: SimulatedProgram, device?: string): readonly Problem[];
  detachProgram(program: SimulatedProgram, device: string | undefined): void;
  unattachable(program: SimulatedProgram): string | undefined;
}

export interface UserProcess {
  readonly pid: number;
  readonly comm: string;
  readonly fds: ReadonlyMap<number, ObjectRef>;
}

export interface KernelLink {
  readonly id: number;
  /** The kernel's word: `xdp`, `tracing`, `perf_event`, … */
  readonly type: string;
  readonly program: number;
  readonly device: string | undefined;
}

export interface KernelBtf {
  readonly id: number;
  /** Empty for a program's; `vmlinux` for the kernel's. */
  readonly name: string;
  readonly object: LoadedObject | undefined;
  readonly btf: Btf;
}

/** One bpf() call, as strace writes it. */
export interface CallRecord {
  readonly pid: number;
  readonly comm: string;
  readonly at: bigint;
  readonly text: string;
  readonly object?: ObjectRef;
}

/** A program on a device, put there over netlink: no link and no file descriptor holds it, the device does. */
interface DeviceProgram {
  readonly device: string;
  readonly hook: 'xdp';
  readonly mode: 'driver' | 'generic';
  readonly program: number;
}

/** A refusal by the kernel. */
export interface Refusal {
  errno: ErrnoName;
}
export const isRefusal = (value: unknown): value is Refusal => typeof value === 'object' && value !== null && 'errno' in value;

/** The three ways in which getting a program to run fails, and the one in which it succeeds. */
export type LoadOutcome =
  | { kind: 'loaded'; programs: readonly SimulatedProgram[]; maps: readonly SimulatedMap[]; problems: readonly Problem[] }
  /** The loader gives up before any bpf() call decides: a name, a type, a relocation. */
  | { kind: 'libbpf'; message: string; problems: readonly Problem[] }
  /** BPF_PROG_LOAD fails. */
  | { kind: 'verifier'; program: Program; errno: string; log: string };

export type VerifyProgram = (
  program: Program,
  object: LoadedObject,
) => { accepted: true } | { accepted: false; errno: string; log: string };

interface State {
  processes: ReadonlyMap<number, UserProcess>;
  pins: ReadonlyMap<string, ObjectRef>;
  directories: ReadonlySet<string>;
  links: readonly KernelLink[];
  btfs: readonly KernelBtf[];
  devicePrograms: readonly DeviceProgram[];
  frozen: ReadonlySet<number>;
  log: readonly CallRecord[];
  nextPid: number;
  nextLink: number;
  nextBtf: number;
}

export const BPFFS = '/sys/fs/bpf';
const FIRST_PID = 4000;
/** The log forgets what is older. */
const LOG_LIMIT = 10_000;
const refuse = (errno: ErrnoName): Refusal => ({ errno });
/** The kernel's names have fifteen bytes. */
export const kernelName = (name: string): string => name.slice(0, 15);

export class BpfSyscalls {
  private state: State = {
    processes: new Map(),
    pins: new Map(),
    directories: new Set([BPFFS]),
    links: [],
    btfs: [],
    devicePrograms: [],
    frozen: new Set(),
    log: [],
    nextPid: FIRST_PID,
    nextLink: 1,
    nextBtf: 2,
  };

  constructor(
    private readonly world: ObjectWorld,
    private readonly kernelBtf: () => Btf | undefined,
  ) {}

  // ---- what is there ----

  get processes(): readonly UserProcess[] {
    return [...this.state.processes.values()];
  }
  get tasks(): readonly Task[] {
    return this.world.tasks.all;
  }
  get devices(): readonly Device[] {
    return this.world.devices.all;
  }
  get links(): readonly KernelLink[] {
    return this.state.links;
  }
  get devicePrograms(): readonly DeviceProgram[] {
    return this.state.devicePrograms;
  }
  get pins(): ReadonlyMap<string, ObjectRef> {
    return this.state.pins;
  }
  get directories(): ReadonlySet<string> {
    return this.state.directories;
  }
  get log(): readonly CallRecord[] {
    return this.state.log;
  }
  get btfs(): readonly KernelBtf[] {
    const own = this.kernelBtf();
    return own ? [{ id: 1, name: 'vmlinux', object: undefined, btf: own }, ...this.state.btfs] : this.state.btfs;
  }
  isFrozen(map: SimulatedMap): boolean {
    return this.state.frozen.has(map.id);
  }
  btfOf(object: LoadedObject | undefined): KernelBtf | undefined {
    return object && this.state.btfs.find((known) => known.object === object);
  }
  /** The object whose BTF describes the map. */
  objectOf(map: SimulatedMap): LoadedObject | undefined {
    return this.mapObjects.get(map);
  }
  private readonly mapObjects = new WeakMap<SimulatedMap, LoadedObject>();

  /** Every reference there is, in the order in which they were taken as far as that is known. */
  get holdings(): readonly Holding[] {
    const { state, world } = this;
    const list: Holding[] = [];
    const inner = (by: ObjectRef, object: ObjectRef): void => void list.push({ object, by: { kind: 'object', object: by } });
    for (const { pid, comm, fds } of state.processes.values())
      for (const [fd, object] of fds) list.push({ object, by: { kind: 'fd', pid, comm, fd } });
    for (const [path, object] of state.pins) list.push({ object, by: { kind: 'pin', path } });
    for (const { device, hook, program } of state.devicePrograms)
      list.push({ object: { kind: 'prog', id: program }, by: { kind: 'device', name: device, hook } });
    for (const link of state.links) inner({ kind: 'link', id: link.id }, { kind: 'prog', id: link.program });
    for (const program of world.programs) {
      const by: ObjectRef = { kind: 'prog', id: program.id };
      for (const map of usedMaps(program)) inner(by, { kind: 'map', id: map.id });
      const btf = this.btfOf(program.object);
      if (btf) inner(by, { kind: 'btf', id: btf.id });
    }
    for (const map of world.maps) {
      const by: ObjectRef = { kind: 'map', id: map.id };
      const btf = hasTypes(map.definition) ? this.btfOf(this.objectOf(map)) : undefined;
      if (btf) inner(by, { kind: 'btf', id: btf.id });
      const holds: ObjectKind | undefined =
        map.definition.type === 'prog_array' ? 'prog' : map.definition.type.endsWith('_of_maps') ? 'map' : undefined;
      if (holds)
        for (const { values } of map.entries())
          if (values[0]) inner(by, { kind: holds, id: new DataView(values[0].buffer, values[0].byteOffset).getUint32(0, true) });
    }
    return list;
  }

  holdersOf(object: ObjectRef): readonly Holding[] {
    return this.holdings.filter((one) => one.object.kind === object.kind && one.object.id === object.id);
  }

  // ---- processes and file descriptors ----

  /** A user-space process that will make bpf() calls. */
  start(comm: string): UserProcess {
    const process: UserProcess = { pid: this.state.nextPid, comm: kernelName(comm), fds: new Map() };
    this.state = { ...this.state, nextPid: process.pid + 1, processes: new Map(this.state.processes).set(process.pid, process) };
    return process;
  }

  /** The lowest free number from 3. */
  private open(pid: number, object: ObjectRef): number {
    const process = this.state.processes.get(pid);
    if (!process) return -1;
    let fd = 3;
    while (process.fds.has(fd)) fd++;
    this.setProcess({ ...process, fds: new Map(process.fds).set(fd, object) });
    return fd;
  }

  private setProcess(process: UserProcess): void {
    this.state = { ...this.state, processes: new Map(this.state.processes).set(process.pid, process) };
  }

  close(pid: number, fd: number): Refusal | undefined {
    const process = this.state.processes.get(pid);
    if (!process?.fds.has(fd)) return refuse('EBADF');
    const fds = new Map(process.fds);
    fds.delete(fd);
    this.setProcess({ ...process, fds });
    this.sweep();
    return undefined;
  }

  /** The process ends: all its file descriptors close. */
  exit(pid: number): void {
    const processes = new Map(this.state.processes);
    processes.delete(pid);
    this.state = { ...this.state, processes };
    this.sweep();
  }

  /** What no holder reaches goes: links detach, programs and maps are freed after the run under way (RCU's grace period). */
  private sweep(): void {
    for (;;) {
      const { world, state } = this;
      const holdings = this.holdings;
      // A prog array that only programs hold lets go of its programs (map_release_uref): it may be the one that those programs use.
      const userHeld = new Set(holdings.filter(({ by }) => by.kind === 'fd' || by.kind === 'pin').map(({ object }) => refText(object)));
      let emptied = false;
      for (const map of world.maps)
        if (map instanceof ProgArrayMap && !userHeld.has(`map ${map.id}`))
          for (const { key } of map.entries()) emptied = map.delete(key) === 0 || emptied;
      if (emptied) continue;
      const alive = reached(holdings);
      const links = state.links.filter(({ id }) => alive.has(`link ${id}`));
      for (const link of state.links) if (!links.includes(link)) this.detachLink(link);
      const programs = new Set(world.programs.filter(({ id }) => !alive.has(`prog ${id}`)).map(({ id }) => id));
      const maps = new Set(world.maps.filter(({ id }) => !alive.has(`map ${id}`)).map(({ id }) => id));
      if (programs.size > 0 || maps.size > 0) world.remove(programs, maps);
      this.state = { ...this.state, links, btfs: this.state.btfs.filter(({ id }) => alive.has(`btf ${id}`)) };
      return;
    }
  }

  // ---- bpf(2) ----

  private record(process: UserProcess, command: string, attributes: string, result: number | ErrnoName, object?: ObjectRef): void {
    const text = formatCall(command, attributes, typeof result === 'number' ? result : { name: result, number: ERRNO[result] });
    const entry: CallRecord = { pid: process.pid, comm: process.comm, at: this.world.now(), text, ...(object ? { object } : {}) };
    this.state = { ...this.state, log: [...this.state.log.slice(-LOG_LIMIT + 1), entry] };
  }

  /** What libbpf does with an object: BTF, maps, programs; the process holds a file descriptor of each. */
  loadObject(process: UserProcess, object: LoadedObject, options: { only?: string; verify?: VerifyProgram } = {}): LoadOutcome {
    const mapsBefore = new Set(this.world.maps);
    const { programs, problems } = this.world.install(object, options.only);
    const maps = this.world.maps.filter((map) => !mapsBefore.has(map));
    const errors = problems.filter(({ severity }) => severity === 'error');
    this.adopt(process, object, maps);
    if (programs.length === 0) {
      this.exit(process.pid);
      return { kind: 'libbpf', message: errors[0]?.message ?? `${object.file} has no program`, problems };
    }
    for (const simulated of programs) {
      const { program } = simulated;
      if (program.type === undefined) {
        this.exit(process.pid);
        return { kind: 'libbpf', message: `missing BPF prog type, check ELF section name '${program.section}'`, problems };
      }
      const verdict = options.verify?.(program, object) ?? { accepted: true };
      if (!verdict.accepted) {
        this.record(
          process,
          'BPF_PROG_LOAD',
          programAttributes(program, object),
          verdict.errno in ERRNO ? (verdict.errno as ErrnoName) : 'EACCES',
        );
        this.exit(process.pid);
        return { kind: 'verifier', program, errno: verdict.errno, log: verdict.log };
      }
      this.hold(process, simulated, object);
    }
    return { kind: 'loaded', programs, maps, problems };
  }

  /** The same without a verdict and without an end: for a scenario's own programs, whose problems somebody else tells. */
  loadForRun(process: UserProcess, object: LoadedObject, only?: string): ReturnType<ObjectWorld['install']> {
    const mapsBefore = new Set(this.world.maps);
    const installed = this.world.install(object, only);
    this.adopt(
      process,
      object,
      this.world.maps.filter((map) => !mapsBefore.has(map)),
    );
    for (const program of installed.programs) this.hold(process, program, object);
    return installed;
  }

  private hold(process: UserProcess, { id, program }: SimulatedProgram, object: LoadedObject): void {
    const ref: ObjectRef = { kind: 'prog', id };
    this.record(process, 'BPF_PROG_LOAD', programAttributes(program, object), this.open(process.pid, ref), ref);
  }

  /** Maps and BTF of an object become the process's. */
  private adopt(process: UserProcess, object: LoadedObject, maps: readonly KernelMap[]): void {
    if (object.btf) {
      const id = this.state.nextBtf;
      this.state = { ...this.state, nextBtf: id + 1, btfs: [...this.state.btfs, { id, name: '', object, btf: object.btf }] };
      const ref: ObjectRef = { kind: 'btf', id };
      this.record(process, 'BPF_BTF_LOAD', 'btf=…', this.open(process.pid, ref), ref);
    }
    for (const map of maps) {
      this.mapObjects.set(map, object);
      const ref: ObjectRef = { kind: 'map', id: map.id };
      this.record(process, 'BPF_MAP_CREATE', mapAttributes(map.definition), this.open(process.pid, ref), ref);
      if (map.definition.globalSection !== undefined && /^\.(rodata|kconfig)/.test(map.definition.globalSection)) {
        this.state = { ...this.state, frozen: new Set(this.state.frozen).add(map.id) };
        this.record(process, 'BPF_MAP_FREEZE', `map_fd=${this.fdOf(process.pid, ref)}`, 0, ref);
      }
    }
  }

  private fdOf(pid: number, { kind, id }: ObjectRef): number {
    for (const [fd, object] of this.state.processes.get(pid)?.fds ?? []) if (object.kind === kind && object.id === id) return fd;
    return -1;
  }

  createMap(process: UserProcess, definition: MapDefinition): KernelMap | Refusal {
    const refused = creationRefusal(definition);
    const map = refused ? undefined : this.world.makeMap(definition);
    if (!map) {
      this.record(process, 'BPF_MAP_CREATE', mapAttributes(definition), refused ?? 'EINVAL');
      return refuse(refused ?? 'EINVAL');
    }
    const ref: ObjectRef = { kind: 'map', id: map.id };
    this.record(process, 'BPF_MAP_CREATE', mapAttributes(definition), this.open(process.pid, ref), ref);
    return map;
  }

  /** BPF_…_GET_FD_BY_ID: the process holds it from now on. */
  byId(process: UserProcess, ref: ObjectRef): number | Refusal {
    const known =
      ref.kind === 'prog'
        ? this.world.programs.some(({ id }) => id === ref.id)
        : ref.kind === 'map'
          ? this.world.maps.some(({ id }) => id === ref.id)
          : ref.kind === 'link'
            ? this.state.links.some(({ id }) => id === ref.id)
            : this.btfs.some(({ id }) => id === ref.id);
    const command = `BPF_${ref.kind.toUpperCase()}_GET_FD_BY_ID`;
    if (!known) {
      this.record(process, command, `${ref.kind}_id=${ref.id}`, 'ENOENT');
      return refuse('ENOENT');
    }
    const fd = this.open(process.pid, ref);
    this.record(process, command, `${ref.kind}_id=${ref.id}`, fd, ref);
    return fd;
  }

  updateElement(process: UserProcess, map: SimulatedMap, key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const result = this.isFrozen(map) ? -ERRNO.EPERM : map.update(key, value, flags);
    this.recordElement(process, 'BPF_MAP_UPDATE_ELEM', map, `key=…, value=…, flags=${FLAG_NAMES[Number(flags)] ?? flags}`, result);
    // What stood in the slot may have had no other holder.
    if (result === 0 && /^prog_array$|_of_maps$/.test(map.definition.type)) this.sweep();
    return result;
  }

  deleteElement(process: UserProcess, map: SimulatedMap, key: Uint8Array): number {
    const result = this.isFrozen(map) ? -ERRNO.EPERM : map.delete(key);
    this.recordElement(process, 'BPF_MAP_DELETE_ELEM', map, 'key=…', result);
    if (result === 0) this.sweep();
    return result;
  }

  /** BPF_MAP_LOOKUP_AND_DELETE_ELEM of a queue or stack. */
  popElement(process: UserProcess, map: SimulatedMap): Uint8Array | number {
    const value = map.pop();
    this.recordElement(process, 'BPF_MAP_LOOKUP_AND_DELETE_ELEM', map, 'key=NULL, value=…', typeof value === 'number' ? value : 0);
    return value;
  }

  private recordElement(process: UserProcess, command: string, map: SimulatedMap, rest: string, result: number): void {
    const ref: ObjectRef = { kind: 'map', id: map.id };
    const name = (Object.keys(ERRNO) as ErrnoName[]).find((known) => ERRNO[known] === -result);
    this.record(process, command, `map_fd=${this.fdOf(process.pid, ref)}, ${rest}`, result < 0 && name ? name : result, ref);
  }

  freeze(process: UserProcess, map: SimulatedMap): Refusal | undefined {
    const ref: ObjectRef = { kind: 'map', id: map.id };
    const refused = this.isFrozen(map) ? 'EBUSY' : undefined;
    this.record(process, 'BPF_MAP_FREEZE', `map_fd=${this.fdOf(process.pid, ref)}`, refused ?? 0, ref);
    if (refused) return refuse(refused);
    this.state = { ...this.state, frozen: new Set(this.state.frozen).add(map.id) };
    return undefined;
  }

  // ---- pins ----

  pin(process: UserProcess, object: ObjectRef, path: string): Refusal | undefined {
    const attributes = `pathname="${path}", bpf_fd=${this.fdOf(process.pid, object)}`;
    const parent = path.slice(0, path.lastIndexOf('/'));
    const refused: ErrnoName | undefined =
      this.state.pins.has(path) || this.state.directories.has(path)
        ? 'EEXIST'
        : !path.startsWith(`${BPFFS}/`)
          ? 'EINVAL'
          : !this.state.directories.has(parent)
            ? 'ENOENT'
            : path.slice(parent.length + 1).includes('.')
              ? 'EPERM'
              : undefined;
    this.record(process, 'BPF_OBJ_PIN', attributes, refused ?? 0, object);
    if (refused) return refuse(refused);
    this.state = { ...this.state, pins: new Map(this.state.pins).set(path, object) };
    return undefined;
  }

  /** BPF_OBJ_GET: the process holds it from now on. */
  get(process: UserProcess, path: string): ObjectRef | Refusal {
    const object = this.state.pins.get(path);
    this.record(process, 'BPF_OBJ_GET', `pathname="${path}"`, object ? this.open(process.pid, object) : 'ENOENT', object);
    return object ?? refuse(this.state.directories.has(path) ? 'EACCES' : 'ENOENT');
  }

  unlink(path: string): Refusal | undefined {
    if (this.state.directories.has(path)) return refuse('EISDIR');
    if (!this.state.pins.has(path)) return refuse('ENOENT');
    const pins = new Map(this.state.pins);
    pins.delete(path);
    this.state = { ...this.state, pins };
    this.sweep();
    return undefined;
  }

  makeDirectory(path: string): Refusal | undefined {
    if (this.state.directories.has(path) || this.state.pins.has(path)) return refuse('EEXIST');
    if (!path.startsWith(`${BPFFS}/`)) return refuse('EPERM');
    if (!this.state.directories.has(path.slice(0, path.lastIndexOf('/')))) return refuse('ENOENT');
    this.state = { ...this.state, directories: new Set(this.state.directories).add(path) };
    return undefined;
  }

  removeDirectory(path: string): Refusal | undefined {
    if (this.state.pins.has(path)) return refuse('ENOTDIR');
    if (!this.state.directories.has(path)) return refuse('ENOENT');
    if (path === BPFFS) return refuse('EBUSY');
    if ([...this.state.pins.keys(), ...this.state.directories].some((other) => other.startsWith(`${path}/`))) return refuse('ENOTEMPTY');
    const directories = new Set(this.state.directories);
    directories.delete(path);
    this.state = { ...this.state, directories };
    return undefined;
  }

  // ---- attaching ----

  /** A link of the process's, where the program's section says. */
  attachBySection(process: UserProcess, program: SimulatedProgram): readonly Problem[] {
    const problems = this.world.attachProgram(program);
    const link: KernelLink = { id: this.state.nextLink, type: linkTypeOf(program.program), program: program.id, device: undefined };
    const ref: ObjectRef = { kind: 'link', id: link.id };
    this.state = { ...this.state, nextLink: link.id + 1, links: [...this.state.links, link] };
    this.record(
      process,
      'BPF_LINK_CREATE',
      `prog_fd=${this.fdOf(process.pid, { kind: 'prog', id: program.id })}${program.program.attachType ? `, attach_type=${program.program.attachType}` : ''}`,
      this.open(process.pid, ref),
      ref,
    );
    return problems;
  }

  /** Why the program's section cannot attach it, in words that follow its name; undefined if it can. */
  unattachable(program: SimulatedProgram): string | undefined {
    return this.world.unattachable(program);
  }

  private detachLink(link: KernelLink): void {
    const program = this.world.programs.find(({ id }) => id === link.program);
    if (program) this.world.detachProgram(program, link.device);
  }

  /** XDP over netlink, as `ip link` and `bpftool net attach` do: one program a device, unless it is to be replaced. */
  attachXdp(program: SimulatedProgram, deviceName: string, mode: 'driver' | 'generic', replace: boolean): Refusal | undefined {
    if (!this.world.devices.byName(deviceName)) return refuse('ENODEV');
    if (program.program.type !== 'xdp') return refuse('EINVAL');
    const there = this.state.devicePrograms.find(({ device }) => device === deviceName);
    const linked = this.state.links.some(({ type, device }) => type === 'xdp' && (device === undefined || device === deviceName));
    if (linked) return refuse('EBUSY');
    // The loopback device has no XDP of its own: the network stack runs the program.
    const runs = deviceName === 'lo' ? 'generic' : mode;
    if (there && there.mode !== runs) return refuse('EEXIST');
    if (there && !replace) return refuse('EBUSY');
    if (there) this.dropDeviceProgram(there);
    this.world.attachProgram(program, deviceName);
    this.state = {
      ...this.state,
      devicePrograms: [...this.state.devicePrograms, { device: deviceName, hook: 'xdp', mode: runs, program: program.id }],
    };
    this.sweep();
    return undefined;
  }

  detachXdp(deviceName: string): Refusal | undefined {
    if (!this.world.devices.byName(deviceName)) return refuse('ENODEV');
    const there = this.state.devicePrograms.find(({ device }) => device === deviceName);
    // Netlink says nothing when there is nothing to take away.
    if (!there) return undefined;
    this.dropDeviceProgram(there);
    this.sweep();
    return undefined;
  }

  private dropDeviceProgram(there: DeviceProgram): void {
    const program = this.world.programs.find(({ id }) => id === there.program);
    if (program) this.world.detachProgram(program, there.device);
    this.state = { ...this.state, devicePrograms: this.state.devicePrograms.filter((one) => one !== there) };
  }

  detachLinkById(id: number): Refusal | undefined {
    const link = this.state.links.find((known) => known.id === id);
    if (!link) return refuse('ENOENT');
    this.detachLink(link);
    return undefined;
  }

  // ---- time travel ----

  save(): unknown {
    return this.state;
  }
  load(state: unknown): void {
    this.state = state as State;
  }
}

const FLAG_NAMES: Readonly<Record<number, string>> = { 0: 'BPF_ANY', 1: 'BPF_NOEXIST', 2: 'BPF_EXIST' };

const hasTypes = ({ keyTypeId, valueTypeId }: MapDefinition): boolean => keyTypeId !== undefined || valueTypeId !== undefined;

const programAttributes = ({ type = 'unspec', insns, name }: Program, { license }: LoadedObject): string =>
  `prog_type=BPF_PROG_TYPE_${type.toUpperCase()}, insn_cnt=${insns.length}, insns=…, license="${license}", prog_name="${kernelName(name)}"`;

const mapAttributes = ({ type, keySize, valueSize, maxEntries, name }: MapDefinition): string =>
  `map_type=BPF_MAP_TYPE_${type.toUpperCase()}, key_size=${keySize}, value_size=${valueSize}, max_entries=${maxEntries}, map_name="${kernelName(name)}"`;

/** The maps that the program's instructions name: the loader wrote their addresses into the executable. */
export function usedMaps(program: SimulatedProgram): readonly SimulatedMap[] {
  const used = new Set<SimulatedMap>();
  const { insns } = program.program;
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i]!;
    // ld_imm64 with src BPF_PSEUDO_MAP_FD (1), MAP_VALUE (2), MAP_IDX (5), MAP_IDX_VALUE (6).
    if (insn.opcode !== 0x18 || ![1, 2, 5, 6].includes(insn.src)) continue;
    const definition = program.object.maps[insn.imm];
    const map = program.maps.find((candidate) => candidate.definition === definition);
    if (map) used.add(map);
  }
  return [...used];
}
