// The simulated kernel: loads objects, makes maps, attaches programs, turns events into runs, and keeps everything that a run may change
// in one place, so that it can be saved and brought back. Knows no debugger and starts no thread.

import { describeKey, encodeValue } from './typed-values.ts';
import { resolve, type Btf } from '#core/btf';
import { error, note, type Problem } from '#core/problem';
import type { LoadedObject, MapDefinition } from '#core/program';
import { createMemory, type Execution, type Memory, type MemorySnapshot, type Region } from '#core/vm';
import { DEFAULT_DEVICE, DeviceTable } from './devices.ts';
import { errnoName } from './errno.ts';
import { makeExecutable } from './executable.ts';
import { attachmentOf, type Attachment } from './hooks/attachment.ts';
import { planEvent } from './hooks/index.ts';
import type { Attached, EventState, Plan, PlannedRun } from './hooks/plan.ts';
import { USER_MEMORY } from './hooks/registers.ts';
import { returnMeaning } from './hooks/return-meaning.ts';
import { RunHost } from './host.ts';
import { littleEndian } from './integers.ts';
import { ArrayMap, makeMap, MapOfMaps, ProgArrayMap, RingBufferMap, type KernelMap } from './maps/index.ts';
import { Random } from './random.ts';
import { recordType } from './record-type.ts';
import { checkEvents, describeObjects } from './scenario/check-events.ts';
import { defaultEventsFor } from './scenario/default-events.ts';
import type { KernelState, Run } from './state.ts';
import { KernelObjects } from './subsystems/kernel-objects.ts';
import { KernelStructs } from './subsystems/kernel-structs.ts';
import { TaskTable, type Task } from './subsystems/tasks.ts';
import { BpfSyscalls, type ObjectWorld } from './syscall.ts';
import { dueTimers, timerRun, type Timer } from './timers.ts';
import type { Invocation, Kernel, KernelOptions, KernelSnapshot, Output, Scenario, ScenarioEvent, SimulatedProgram } from './types.ts';

const DEFAULT_UPTIME = 100_000_000_000n;
/** The process that runs when nobody named one. */
const DEFAULT_PROCESS: Omit<Task, 'startTime'> = {
  pid: 1000,
  tgid: 1000,
  uid: 1000,
  gid: 1000,
  comm: 'bash',
  parent: 1,
  cgroup: '/user.slice/user-1000.slice',
};

/** The event that is happening. */
interface Active {
  event: ScenarioEvent;
  state: EventState;
  plan: Plan;
}

interface Snapshot extends KernelSnapshot {
  clock: bigint;
  random: unknown;
  tasks: unknown;
  devices: unknown;
  objects: unknown;
  maps: readonly { map: KernelMap; state: unknown }[];
  programs: readonly SimulatedProgram[];
  attached: readonly Attached[];
  output: readonly Output[];
  chains: ReadonlyMap<bigint, readonly bigint[]>;
  references: ReadonlyMap<bigint, number>;
  timers: ReadonlyMap<bigint, Timer>;
  retired: readonly Region[];
  active: { active: Active; state: EventState } | undefined;
  run: { run: Run; copy: Run; execution: Execution | undefined } | undefined;
  memory: MemorySnapshot;
  bpf: unknown;
  loadedObjects: readonly LoadedObject[];
  next: { program: number; map: number };
}

export function createKernel(options: Partial<KernelOptions> & Pick<KernelOptions, 'engine'>): Kernel {
  return new SimulatedKernel({ version: '6.18', cpus: 1, seed: 1, ...options });
}

class SimulatedKernel implements Kernel, KernelState, ObjectWorld {
  readonly bpf: BpfSyscalls = new BpfSyscalls(this, () => this.options.kernelBtf);
  readonly memory: Memory;
  readonly tasks = new TaskTable();
  readonly objects: KernelObjects;
  readonly devices = new DeviceTable();
  readonly randomness: Random;
  readonly cpus: number;
  run: Run | undefined;
  execution: Execution | undefined;
  maps: readonly KernelMap[] = [];
  programs: readonly SimulatedProgram[] = [];
  chains: ReadonlyMap<bigint, readonly bigint[]> = new Map();
  references: ReadonlyMap<bigint, number> = new Map();
  timers: ReadonlyMap<bigint, Timer> = new Map();

  private attachments: readonly Attached[] = [];
  private loadedObjects: readonly LoadedObject[] = [];
  private nextProgram = 1;
  private nextMap = 1;
  private clock: bigint;
  private output: Output[] = [];
  /** Freed once the run that may still point into them has ended. */
  private retired: readonly Region[] = [];
  private active: Active | undefined;

  constructor(readonly options: KernelOptions) {
    this.memory = options.memory ?? createMemory();
    this.cpus = Math.max(1, options.cpus);
    this.randomness = new Random(options.seed);
    this.clock = options.uptime ?? DEFAULT_UPTIME;
    this.objects = new KernelObjects(new KernelStructs(this.memory, () => this.layouts()), this.memory, this.tasks, this.devices, options);
    this.tasks.images = this.objects;
  }

  // ---- what maps and helpers ask ----

  currentCpu(): number {
    return this.run?.cpu ?? 0;
  }
  random(): number {
    return this.randomness.next();
  }
  /** Within a run an instruction takes a nanosecond: time passes, and passes the same way each time. */
  now(): bigint {
    return this.run ? this.run.startedAt + BigInt(this.execution?.executed ?? 0) : this.clock;
  }
  freeLater(region: Region): void {
    if (this.run) this.retired = [...this.retired, region];
    else this.memory.free(region);
  }
  layouts(): Btf | undefined {
    return this.options.kernelBtf ?? this.loadedObjects.find(({ btf }) => btf?.find('task_struct', 'struct') !== undefined)?.btf;
  }
  describeKey(definition: MapDefinition, key: Uint8Array): string {
    return describeKey(this.objectOf(definition)?.btf, definition.keyTypeId, key);
  }
  hasSpinLock(definition: MapDefinition): boolean {
    const btf = this.objectOf(definition)?.btf;
    const type = btf && definition.valueTypeId !== undefined ? resolve(btf, definition.valueTypeId) : undefined;
    return type?.kind === 'struct' && type.members.some((member) => btf?.type(member.type)?.name === 'bpf_spin_lock');
  }
  mapById(id: number): KernelMap | undefined {
    return this.maps.find((map) => map.id === id);
  }
  mapByAddress(address: bigint): KernelMap | undefined {
    const region = this.memory.find(address);
    const owner = region?.owner;
    return region && this.maps.find((map) => map === owner && map.handle.base === address);
  }
  ownerOf(address: bigint): { identity: string; label: string } | undefined {
    const task = this.tasks.at(address);
    if (task) return { identity: `task ${task.pid}`, label: `${task.comm}-${task.pid}` };
    const region = this.memory.find(address);
    return region && (region.kind === 'kernel' || region.kind === 'ctx')
      ? { identity: `region ${region.id}`, label: region.name }
      : undefined;
  }
  get programsById(): ReadonlyMap<number, SimulatedProgram> {
    return new Map(this.programs.map((program) => [program.id, program]));
  }
  emit(output: Output): void {
    this.output.push(output);
  }
  emitRecord(map: KernelMap, bytes: Uint8Array): void {
    const program = this.run?.current;
    const type = program && recordType(program.object, program.program, map.definition, bytes.length);
    this.output.push({ kind: 'record', map: map.definition.name, cpu: this.currentCpu(), bytes, ...type });
  }
  takeOutput(): readonly Output[] {
    const taken = this.output;
    this.output = [];
    return taken;
  }

  mapStructs(): readonly bigint[] {
    return this.maps.map((map) => this.objects.map(map.id, map.definition));
  }

  mapNames(): readonly string[] {
    return this.maps.map(({ definition }) => definition.name);
  }

  private objectOf(definition: MapDefinition): LoadedObject | undefined {
    return this.loadedObjects.find((object) => object.maps.some((known) => known === definition || known.name === definition.name));
  }

  // ---- loading ----

  /** As libbpf does it for a process that is named after the object and lives as long as the scenario. */
  load(object: LoadedObject, only?: string): { programs: readonly SimulatedProgram[]; problems: readonly Problem[] } {
    const name = object.file.replace(/^.*[/\\]/, '').replace(/(\.bpf)?\.[^.]+$/, '');
    const process = this.bpf.start(name);
    return this.bpf.loadForRun(process, object, only);
  }

  install(object: LoadedObject, only?: string): { programs: readonly SimulatedProgram[]; problems: readonly Problem[] } {
    const problems: Problem[] = [];
    if (!object.runnable)
      return {
        programs: [],
        problems: [error(`${object.file} is for a big-endian machine: it cannot run here`, { code: 'sim-big-endian' })],
      };
    if (only !== undefined && !object.programs.some(({ name }) => name === only)) {
      return {
        programs: [],
        problems: [
          error(`${object.file} has no program ${only}; it has ${object.programs.map(({ name }) => name).join(', ') || 'none'}`, {
            code: 'sim-no-such-program',
          }),
        ],
      };
    }
    this.loadedObjects = [...this.loadedObjects, object];
    const maps = object.maps.map((definition) => this.createMap(definition, problems));
    const wanted = this.wantedPrograms(object, only);
    const loaded: SimulatedProgram[] = [];
    for (const program of object.programs) {
      if (!wanted.has(program.name)) continue;
      const executable = makeExecutable(program, {
        map: (index) => maps[index]?.handle.base,
        mapValue: (index) => {
          const map = maps[index];
          return map instanceof ArrayMap ? map.directValue() : undefined;
        },
        symbol: (name, weak) => this.symbol(name, weak),
      });
      if ('problem' in executable) {
        problems.push(error(executable.problem, { code: 'sim-not-executable' }));
        continue;
      }
      loaded.push({
        id: this.nextProgram++,
        program,
        object,
        executable,
        maps: maps.filter((map) => map !== undefined),
        loadedAt: this.clock,
      });
    }
    this.programs = [...this.programs, ...loaded];
    this.fillSlots(object, maps, loaded, problems);
    return { programs: loaded, problems };
  }

  private createMap(definition: MapDefinition, problems: Problem[]): KernelMap | undefined {
    const map = this.makeMap(definition);
    if (map) return map;
    problems.push(
      error(`map ${definition.name} is of type ${definition.type}, which is not simulated yet`, {
        code: 'sim-map-type',
        ...(definition.declared ? { span: { ...definition.declared, column: 0 } } : {}),
      }),
    );
    return undefined;
  }

  makeMap(definition: MapDefinition): KernelMap | undefined {
    const map = makeMap(this.nextMap, definition, this);
    if (!map) return undefined;
    this.nextMap++;
    this.maps = [...this.maps, map];
    return map;
  }

  /** Programs and maps that nobody holds any more. A run under way keeps its memory until it ends. */
  remove(programs: ReadonlySet<number>, maps: ReadonlySet<number>): void {
    this.attachments = this.attachments.filter(({ program }) => !programs.has(program.id));
    this.programs = this.programs.filter(({ id }) => !programs.has(id));
    for (const map of this.maps) if (maps.has(map.id)) this.freeLater(map.handle);
    this.maps = this.maps.filter(({ id }) => !maps.has(id));
    this.loadedObjects = this.loadedObjects.filter(
      (object) =>
        this.programs.some((program) => program.object === object) || this.maps.some((map) => object.maps.includes(map.definition)),
    );
  }

  /** The named program and those that its object's prog arrays name, or all that load by themselves. */
  private wantedPrograms(object: LoadedObject, only: string | undefined): Set<string> {
    const wanted = new Set(only === undefined ? object.programs.filter(({ autoload }) => autoload).map(({ name }) => name) : [only]);
    for (const map of object.maps) if (map.type === 'prog_array') for (const { target } of map.slots ?? []) wanted.add(target);
    return wanted;
  }

  private fillSlots(
    object: LoadedObject,
    maps: readonly (KernelMap | undefined)[],
    loaded: readonly SimulatedProgram[],
    problems: Problem[],
  ): void {
    for (const map of maps) {
      for (const { index, target } of map?.definition.slots ?? []) {
        if (map instanceof ProgArrayMap) {
          const program = loaded.find((candidate) => candidate.program.name === target);
          if (program) map.setSlot(index, program.id);
          else
            problems.push(
              error(`slot ${index} of ${map.definition.name} names the program ${target}, which is not loaded`, { code: 'sim-slot' }),
            );
        } else if (map instanceof MapOfMaps) {
          const inner = maps.find((candidate) => candidate?.definition.name === target);
          const result = inner ? map.setMap(littleEndian(index, map.definition.keySize), inner) : 0;
          if (!inner || result !== 0)
            problems.push(
              error(
                `slot ${index} of ${map.definition.name} cannot hold the map ${target}${result === 0 ? '' : `: ${errnoName(result)}`}`,
                { code: 'sim-slot' },
              ),
            );
        }
      }
    }
    void object;
  }

  private symbols = new Map<string, Region>();

  /** Kernel variables have made-up addresses; a zeroed word stands there, so that reading one is no fault. */
  private symbol(name: string, weak: boolean): bigint {
    void weak;
    let region = this.symbols.get(name);
    if (!region) {
      region = this.memory.allocate({ kind: 'kernel', name, size: 4096, writable: false });
      this.symbols.set(name, region);
    }
    return region.base;
  }

  // ---- attaching ----

  get attached(): readonly SimulatedProgram[] {
    return this.attachments.map(({ program }) => program);
  }

  attach(program: SimulatedProgram): readonly Problem[] {
    if (this.attachments.some((known) => known.program === program)) return [];
    const loader = this.bpf.processes.find(({ fds }) => [...fds.values()].some(({ kind, id }) => kind === 'prog' && id === program.id));
    return loader ? this.bpf.attachBySection(loader, program) : this.attachProgram(program);
  }

  detachProgram(program: SimulatedProgram, device: string | undefined): void {
    this.attachments = this.attachments.filter((known) => known.program !== program || known.device !== device);
  }

  attachProgram(program: SimulatedProgram, device?: string): readonly Problem[] {
    const attachment = attachmentOf(program.program);
    this.attachments = [...this.attachments, { program, attachment, ...(device === undefined ? {} : { device }) }];
    const called = this.maps.some(
      (map) => map instanceof ProgArrayMap && map.definition.slots?.some(({ target }) => target === program.program.name),
    );
    if (attachment.hook !== 'context' || called) return [];
    return [
      note(`${program.program.name} ${attachment.why}: drive it with an event of type "context" that gives its context`, {
        code: 'sim-no-event',
        section: program.program.section,
      }),
    ];
  }

  defaultEvents(program: SimulatedProgram): readonly ScenarioEvent[] {
    return defaultEventsFor(attachmentOf(program.program), program.program.name);
  }

  reaches(event: ScenarioEvent, program: SimulatedProgram): boolean {
    const attachment: Attachment = attachmentOf(program.program);
    const { body } = event;
    if (body.type === 'map' || body.type === 'wait') return false;
    if (body.type === 'context') return body.program === program.program.name;
    // Asked of a plan that is thrown away: what it allocates is freed at once.
    const saved = this.memory.snapshot();
    const { plan } = this.begin(event, [{ program, attachment }]);
    const reached = plan.runs.length > 0;
    this.memory.restore(saved);
    return reached;
  }

  // ---- scenario ----

  prepare(scenario: Scenario): readonly Problem[] {
    const problems: Problem[] = [];
    for (const process of scenario.processes) this.tasks.set({ ...process, startTime: this.clock - 1_000_000_000n });
    for (const device of scenario.devices) this.devices.set({ ...DEFAULT_DEVICE, ...device });
    if (
      scenario.processes.length > 0 &&
      this.tasks.get(DEFAULT_PROCESS.pid) &&
      !scenario.processes.some(({ pid }) => pid === DEFAULT_PROCESS.pid)
    )
      this.tasks.remove(DEFAULT_PROCESS.pid);
    problems.push(...describeObjects(this, scenario), ...checkEvents(this, scenario));
    for (const entry of scenario.maps) {
      const problem = this.setEntry(entry.map, entry.key, entry.value);
      if (problem !== undefined)
        problems.push(error(problem, { code: 'sim-map-entry', ...(entry.span ? { span: { file: scenario.file, ...entry.span } } : {}) }));
    }
    return problems;
  }

  private ensureProcess(): void {
    if (!this.tasks.populated) this.tasks.set({ ...DEFAULT_PROCESS, startTime: this.clock - 1_000_000_000n });
  }

  /** User space writes (or with an undefined value deletes) an entry, given as JSON has it. One sentence if it cannot. */
  private setEntry(name: string, key: unknown, value: unknown): string | undefined {
    const map = this.maps.find((candidate) => candidate.definition.name === name || candidate.definition.globalSection === name);
    if (!map) return `there is no map ${name}; the object has ${this.maps.map((known) => known.definition.name).join(', ') || 'none'}`;
    const { definition } = map;
    const btf = this.objectOf(definition)?.btf;
    const keyBytes = definition.keySize === 0 ? new Uint8Array(0) : encodeValue(btf, definition.keyTypeId, definition.keySize, key);
    if (!(keyBytes instanceof Uint8Array)) return `the key does not fit ${name}: ${keyBytes.problem}`;
    if (value === undefined) return refusal(map.delete(keyBytes), name);
    const target = this.slotValue(map, value);
    if (typeof target === 'string') return target;
    const valueBytes = target ?? encodeValue(btf, definition.valueTypeId, definition.valueSize, value);
    if (!(valueBytes instanceof Uint8Array)) return `the value does not fit ${name}: ${valueBytes.problem}`;
    return refusal(map.update(keyBytes, valueBytes), name);
  }

  /** Programs, maps and devices go into slots by their names. */
  private slotValue(map: KernelMap, value: unknown): Uint8Array | string | undefined {
    if (typeof value !== 'string') return undefined;
    if (map instanceof ProgArrayMap) {
      const program = this.programs.find((candidate) => candidate.program.name === value);
      return program ? littleEndian(program.id, 4) : `there is no program ${value} for ${map.definition.name}`;
    }
    if (map instanceof MapOfMaps) {
      const inner = this.maps.find((candidate) => candidate.definition.name === value);
      return inner ? littleEndian(inner.id, 4) : `there is no map ${value} for ${map.definition.name}`;
    }
    if (map.definition.type.startsWith('devmap')) {
      const device = this.devices.byName(value);
      return device ? littleEndian(device.ifindex, 4) : `there is no device ${value} for ${map.definition.name}`;
    }
    return undefined;
  }

  // ---- events ----

  private begin(event: ScenarioEvent, attached: readonly Attached[]): { plan: Plan; state: EventState } {
    this.ensureProcess();
    const state: EventState = {
      regions: [],
      packet: undefined,
      dropped: false,
      effectsDone: 0,
      decided: undefined,
      nextUserAddress: USER_MEMORY,
    };
    return { state, plan: planEvent(this, event, onDevice(event, attached), state, (name, key, value) => this.setEntry(name, key, value)) };
  }

  *fireAt(program: SimulatedProgram, event: ScenarioEvent): Iterable<Invocation> {
    const attached = this.attachments;
    this.attachments = [{ program, attachment: attachmentOf(program.program) }];
    try {
      yield* this.fire(event);
    } finally {
      this.attachments = attached;
    }
  }

  /** Why nothing would run the program where its section attaches it; undefined if something would. */
  unattachable({ program }: SimulatedProgram): string | undefined {
    const attachment = attachmentOf(program);
    return attachment.hook === 'context' ? attachment.why : undefined;
  }

  *fire(event: ScenarioEvent, from = 0): Iterable<Invocation> {
    if (from === 0 || this.active?.event !== event) {
      const at = (this.options.uptime ?? DEFAULT_UPTIME) + event.at;
      // Timers that were due before run first, each at its own time.
      const timers = dueTimers(this, at).flatMap((timer) => timerRun(this, timer) ?? []);
      if (timers.length === 0 && at > this.clock) this.clock = at;
      const { plan, state } = this.begin(event, this.attachments);
      this.active = {
        event,
        plan: { ...plan, runs: [...timers, ...plan.runs.map((run) => ({ at: at + (run.after ?? 0n), ...run }))] },
        state,
      };
    }
    const { active } = this;
    const { runs } = active.plan;
    for (let index = from; index < runs.length; index++) {
      const planned = runs[index]!;
      if (planned.skip?.(active.state)) continue;
      const invocation = this.start(active, planned, index);
      yield invocation;
      invocation.abandon();
    }
    this.endEvent(active);
  }

  private endEvent(active: Active): void {
    if (this.active !== active) return;
    const at = (this.options.uptime ?? DEFAULT_UPTIME) + active.event.at + (active.plan.takes ?? 0n);
    if (at > this.clock) this.clock = at;
    active.plan.end?.(this);
    for (const region of active.state.regions) this.memory.free(region);
    this.active = undefined;
  }

  private start(active: Active, planned: PlannedRun, index: number): RunInvocation {
    const { program, task, at } = planned;
    if (at !== undefined && at > this.clock) this.clock = at;
    const run: Run = {
      current: program,
      tailCalls: 0,
      task: this.tasks.get(task.pid) ?? task,
      cpu: Math.min(active.event.cpu ?? 0, this.cpus - 1),
      startedAt: this.clock,
      ctx: undefined,
      packet: undefined,
      redirect: undefined,
      locks: [],
      dynptrs: new Map(),
      kernelStack: [],
      userStack: [],
      functionAddress: 0n,
      cookie: 0n,
      returnOverride: undefined,
      userRegisters: undefined,
      overridden: undefined,
      functionArgs: [],
      functionReturn: undefined,
      regions: [],
      effects: [],
      traceFlags: 'd..31',
    };
    this.execution = undefined;
    this.run = run;
    const { args, ctxType } = planned.start(this, run, active.state);
    run.task = this.tasks.get(task.pid) ?? task;
    const execution = this.options.engine.start(program.executable, this.memory, new RunHost(this, run), args);
    this.execution = execution;
    return new RunInvocation(this, active.event, planned, active.state, run, execution, ctxType, index);
  }

  /** The run is over: its memory goes, user space reads its ring buffers, time has passed. */
  endRun(run: Run): void {
    if (this.run !== run) return;
    this.clock = this.now();
    this.execution?.release();
    this.run = undefined;
    this.execution = undefined;
    for (const region of [...run.regions, ...this.retired]) this.memory.free(region);
    this.retired = [];
    for (const map of this.maps) if (map instanceof RingBufferMap) map.consume();
  }

  // ---- time travel ----

  snapshot(): KernelSnapshot {
    const { active, run } = this;
    const snapshot: Snapshot = {
      kind: 'kernel-snapshot',
      clock: this.clock,
      random: this.randomness.save(),
      tasks: this.tasks.save(),
      devices: this.devices.save(),
      objects: this.objects.save(),
      maps: this.maps.map((map) => ({ map, state: map.save() })),
      programs: this.programs,
      attached: this.attachments,
      output: [...this.output],
      chains: this.chains,
      references: this.references,
      timers: this.timers,
      retired: this.retired,
      active: active && { active, state: { ...active.state } },
      run: run && { run, copy: copyRun(run), execution: this.execution },
      memory: this.memory.snapshot(),
      bpf: this.bpf.save(),
      loadedObjects: this.loadedObjects,
      next: { program: this.nextProgram, map: this.nextMap },
    };
    return snapshot;
  }

  restore(snapshot: KernelSnapshot): void {
    const saved = snapshot as Snapshot;
    this.memory.restore(saved.memory);
    this.clock = saved.clock;
    this.randomness.load(saved.random as number);
    this.tasks.load(saved.tasks);
    this.devices.load(saved.devices);
    this.objects.load(saved.objects);
    this.maps = saved.maps.map(({ map }) => map);
    for (const { map, state } of saved.maps) map.load(state);
    this.programs = saved.programs;
    this.loadedObjects = saved.loadedObjects;
    this.nextProgram = saved.next.program;
    this.nextMap = saved.next.map;
    this.bpf.load(saved.bpf);
    this.attachments = saved.attached;
    this.output = [...saved.output];
    this.chains = saved.chains;
    this.references = saved.references;
    this.timers = saved.timers;
    this.retired = saved.retired;
    this.active = saved.active?.active;
    if (saved.active) Object.assign(saved.active.active.state, saved.active.state);
    this.run = saved.run?.run;
    this.execution = saved.run?.execution;
    // The helpers of that run hold the object itself: it gets its old content back.
    if (saved.run) Object.assign(saved.run.run, copyRun(saved.run.copy));
  }
}

/** A packet reaches the programs on its device, and those on every device. */
const onDevice = ({ body }: ScenarioEvent, attached: readonly Attached[]): readonly Attached[] =>
  body.type === 'packet' && body.device !== undefined
    ? attached.filter(({ device }) => device === undefined || device === body.device)
    : attached;

/** Everything in a run is replaced, never changed in place, but for the packet's numbers. */
const copyRun = (run: Run): Run => ({ ...run, packet: run.packet && { ...run.packet } });

const refusal = (result: number, map: string): string | undefined =>
  result === 0 ? undefined : `the kernel refuses the entry of ${map} with ${errnoName(result) ?? result}`;

class RunInvocation implements Invocation {
  constructor(
    private readonly kernel: SimulatedKernel,
    readonly event: ScenarioEvent,
    private readonly planned: PlannedRun,
    private readonly state: EventState,
    private readonly run: Run,
    readonly execution: Execution,
    readonly ctxType: string,
    readonly index: number,
  ) {}

  get program(): SimulatedProgram {
    return this.planned.program;
  }
  get current(): SimulatedProgram {
    return this.run.current;
  }
  get ctx(): Region | undefined {
    return this.run.ctx;
  }
  get packet(): Region | undefined {
    return this.run.packet?.region;
  }

  finish(returnValue: bigint): { meaning: string } {
    const { program } = this.run.current;
    const special = this.planned.finish?.(this.kernel, this.run, returnValue, this.state);
    const meaning = special ?? returnMeaning(program.type, program.attachType, returnValue);
    const all = [meaning, ...this.run.effects].join('; ');
    this.kernel.endRun(this.run);
    return { meaning: all };
  }

  abandon(): void {
    this.kernel.endRun(this.run);
  }
}
