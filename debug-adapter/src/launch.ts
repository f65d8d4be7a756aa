// From a file's path to programs that stand loaded and attached in a simulated kernel, with the events that drive them.
// Builds and reads files through the toolchain; starts nothing running.

import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { TARGET_KERNELS } from '#core/catalog';
import type { KernelVersion } from '#core/catalog';
import { formatProblem } from '#core/problem';
import type { Problem } from '#core/problem';
import type { LoadedObject, Program } from '#core/program';
import { createKernel, loadedInto, parseScenario } from '#core/sim';
import type { Kernel, Scenario, ScenarioEvent, SimulatedProgram } from '#core/sim';
import { openProgram, readTargetKernel, verifierFacts } from '#toolchain';
import type { ToolchainSettings } from '#toolchain';
import { verify } from '#core/verifier';
import type { Finding, Verdict } from '#core/verifier';
import { createWasmEngine, interpreter } from '#core/vm';
import { DebugInformation } from './debug-information.ts';
import { SourceMap } from './source-map.ts';
import type { SourcePlace } from './source-map.ts';

export interface LaunchWish {
  program: string;
  prog?: string | undefined;
  events?: string | undefined;
  event?: number | undefined;
  engine: 'interpreter' | 'wasm';
  verify: 'ask' | 'always' | 'never';
  kernel?: string | undefined;
  settings: ToolchainSettings;
  /** Makes paths of one file equal, however they were written. */
  canonical: (file: string) => string;
}

/** A program that the kernel would refuse. */
export interface Rejected {
  program: Program;
  verdict: Verdict;
  finding: Finding | undefined;
  /** Where the finding's instruction stands in the source. */
  place: SourcePlace;
}

export interface LoadedProgram {
  id: number;
  simulated: SimulatedProgram;
  executable: SimulatedProgram['executable'];
  program: { program: Program; object: LoadedObject };
  map: SourceMap;
}

export interface Launched {
  kernel: Kernel;
  object: LoadedObject;
  programs: readonly LoadedProgram[];
  debugInformation: DebugInformation | undefined;
  events: readonly ScenarioEvent[];
  rejected: readonly Rejected[];
  /** What the person should know: warnings of the compiler, programs that nothing drives. */
  notes: readonly string[];
}

/** Why nothing can be debugged: one sentence each, with places where there are some. */
export interface LaunchFailure {
  failure: string;
  details: readonly string[];
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
const fail = (failure: string, details: readonly string[] = []): LaunchFailure => ({ failure, details });
const isError = ({ severity }: Problem): boolean => severity === 'error';

export async function launch(wish: LaunchWish): Promise<Launched | LaunchFailure> {
  const version = kernelVersion(wish.kernel);
  if (typeof version === 'object') return version;
  const found = await readEvents(wish);
  const scenario = 'failure' in found ? undefined : found.scenario;
  const target = version ?? scenario?.kernel.version;
  const settings: ToolchainSettings = { ...wish.settings, ...(target === undefined ? {} : { target }) };
  const opened = await openProgram(wish.program, { settings, kernel: loadedInto(scenario) });
  const { object } = opened;
  const errors = opened.problems.filter(isError);
  if (!object || (errors.length > 0 && object.programs.length === 0))
    return fail(firstSentence(errors, `${wish.program} cannot be opened`), errors.map(formatProblem));
  const notes = opened.problems.map(formatProblem);
  if (object.programs.length === 0)
    return fail(`${wish.program} has no program: a function in a section such as SEC("xdp") makes one`, notes);
  if (wish.prog !== undefined && !object.programs.some(({ name }) => name === wish.prog))
    return fail(
      `${path.basename(wish.program)} has no program ${wish.prog}; there ${object.programs.length === 1 ? 'is' : 'are'} ${object.programs.map(({ name }) => name).join(', ')}`,
    );

  if ('failure' in found) return found;
  notes.push(...found.notes);
  const facts = verifierFacts(readTargetKernel(settings));
  const { kernelBtf } = facts;
  const kernel = createKernel({
    ...scenario?.kernel,
    ...(version === undefined ? {} : { version }),
    engine: wish.engine === 'wasm' ? createWasmEngine() : interpreter,
    ...(kernelBtf ? { kernelBtf } : {}),
  });
  const loaded = kernel.load(object, wish.prog);
  const loadErrors = loaded.problems.filter(isError);
  if (loaded.programs.length === 0)
    return fail(firstSentence(loadErrors, 'the simulated kernel loads none of these programs'), loadErrors.map(formatProblem));
  notes.push(...loaded.problems.map(formatProblem));
  if (scenario) notes.push(...kernel.prepare(scenario).map(formatProblem));

  const debugInformation = DebugInformation.of(object, (problem) => notes.push(formatProblem(problem)));
  const maps = loaded.programs.map((simulated) => mapped(simulated));
  const rejected: Rejected[] = [];
  if (wish.verify !== 'never')
    for (const { program, map } of maps) {
      // No limit of time: the kernel's own limit of instructions ends it, and a refused program never runs because a machine is slow.
      const verdict = verify(program.program, object, { logLevel: 1, ...facts });
      const finding = verdict.findings.find(({ severity }) => severity === 'error');
      if (verdict.verdict === 'rejected')
        rejected.push({ program: program.program, verdict, finding, place: map.placeOf(finding?.insn ?? 0) });
    }
  const tailTargets = new Set(object.maps.flatMap(({ slots }) => (slots ?? []).map(({ target }) => target)));
  const attachProblems = loaded.programs.flatMap((program) => kernel.attach(program).filter(() => !tailTargets.has(program.program.name)));
  notes.push(...attachProblems.map(formatProblem));

  const events = eventsFor(wish, scenario, kernel, loaded.programs);
  if ('failure' in events) return { ...events, details: [...events.details, ...notes] };
  return { kernel, object, programs: maps, debugInformation, events: events.events, rejected, notes };

  function mapped(simulated: SimulatedProgram): LoadedProgram {
    const base = path.dirname(path.resolve(wish.program));
    const resolved = new Map<string, string>();
    const resolve = (file: string): string => {
      let full = resolved.get(file);
      if (full === undefined) resolved.set(file, (full = wish.canonical(path.resolve(base, file))));
      return full;
    };
    return {
      id: simulated.id,
      simulated,
      executable: simulated.executable,
      program: simulated,
      map: new SourceMap(simulated.program, debugInformation, resolve),
    };
  }
}

function kernelVersion(text: string | undefined): KernelVersion | undefined | LaunchFailure {
  if (text === undefined || text === '') return undefined;
  return (
    TARGET_KERNELS.find((version) => version === text) ??
    fail(`there are no rules for kernel '${text}'; there are for ${TARGET_KERNELS.join(', ')}`)
  );
}

/** The first problem with its place; that it is an error goes without saying. */
const firstSentence = (problems: readonly Problem[], otherwise: string): string =>
  problems[0] ? formatProblem(problems[0]).replace(/(^|: )error: /, '$1') : otherwise;

/** The event file that was asked for, or the one beside the program. */
async function readEvents(wish: LaunchWish): Promise<{ scenario?: Scenario; notes: readonly string[] } | LaunchFailure> {
  const file = wish.events ?? (await eventFileBeside(wish.program));
  if (file === undefined) return { notes: [] };
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    return fail(
      (cause as NodeJS.ErrnoException).code === 'ENOENT'
        ? `there is no event file ${file}`
        : `the event file ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  const { scenario, problems } = parseScenario(text, file);
  const errors = problems.filter(isError);
  if (!scenario || errors.length > 0) return fail(firstSentence(errors, `${file} holds no events`), problems.map(formatProblem));
  return { scenario, notes: problems.map(formatProblem) };
}

/** `hello.events.json` for `hello.bpf.c`, `hello.bpf.o`, `hello.bpf.s`. */
export async function eventFileBeside(program: string): Promise<string | undefined> {
  const file = path.join(path.dirname(program), `${path.basename(program).replace(/(\.bpf)?\.[^.]+$/, '')}.events.json`);
  return (await exists(file)) ? file : undefined;
}

function eventsFor(
  wish: LaunchWish,
  scenario: Scenario | undefined,
  kernel: Kernel,
  programs: readonly SimulatedProgram[],
): { events: readonly ScenarioEvent[] } | LaunchFailure {
  if (!scenario) {
    const events = programs.flatMap((program) => kernel.defaultEvents(program)).map((event, index) => ({ ...event, index }));
    if (events.length > 0) return { events };
    return fail(
      `nothing drives ${programs.map(({ program }) => program.name).join(', ')}: write an event file beside the program (${path.basename(wish.program).replace(/(\.bpf)?\.[^.]+$/, '')}.events.json)`,
    );
  }
  if (wish.event !== undefined) {
    const event = scenario.events[wish.event];
    return event
      ? { events: [event] }
      : fail(`there is no event ${wish.event}: ${scenario.file} has ${scenario.events.length}, counted from 0`);
  }
  if (scenario.events.some((event) => programs.some((program) => kernel.reaches(event, program)))) return { events: scenario.events };
  return fail(
    `${scenario.events.length === 1 ? 'the only event' : `none of the ${scenario.events.length} events`} in ${scenario.file} ${scenario.events.length === 1 ? 'does not reach' : 'reaches'} ${programs.map(({ program }) => `${program.name} (${program.section})`).join(', ')}`,
  );
}
