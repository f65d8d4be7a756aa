// The debug adapter's protocol side: one line per request, and the conversion between DAP's shapes and ours. The only file with DAP types.
// What a request does is in world.ts and the files under it; what it may answer when refused is in errors.ts.

import path from 'node:path';
import {
  BreakpointEvent,
  ContinuedEvent,
  DebugSession,
  Event,
  InitializedEvent,
  InvalidatedEvent,
  OutputEvent,
  Response,
  StoppedEvent,
  TerminatedEvent,
} from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Program } from '#core/program';
import type { ToolchainSettings } from '#toolchain';
import { Breakpoints } from './breakpoints.ts';
import type { Breakpoint } from './breakpoints.ts';
import { codeReference, formatCodeAddress, parseAddress } from './code-address.ts';
import { VOID } from './c-type.ts';
import type { Goal, Stop } from './debuggee.ts';
import type { LocatedVariable } from './engine-condition.ts';
import { disassembleAround } from './disassembly.ts';
import * as errors from './errors.ts';
import { assign, evaluate, execute } from './expression.ts';
import type { Evaluated } from './expression.ts';
import type { StackFrame } from './frames.ts';
import { launch } from './launch.ts';
import type { Rejected } from './launch.ts';
import { shownKernel } from './kernel-terminal.ts';
import { SourcePaths } from './source-paths.ts';
import type { SourcePlace } from './source-map.ts';
import { variableOf } from './variable.ts';
import type { Variable } from './variable.ts';
import { missingField } from './required-fields.ts';
import { rejectionLines, World } from './world.ts';
import type { ConsoleLine } from './world.ts';

/** launch.json's attributes; package.json describes them to people. */
export interface LaunchArguments extends DebugProtocol.LaunchRequestArguments {
  program?: string;
  prog?: string;
  events?: string;
  event?: number;
  stopOnEntry?: boolean;
  engine?: string;
  verify?: string;
  kernel?: string;
}

const THREAD = 1;
const VERIFY = ['ask', 'always', 'never'] as const;
const ENGINES = ['interpreter', 'wasm'] as const;
type Category = NonNullable<DebugProtocol.OutputEvent['body']['category']>;

export class EbpfDebugSession extends DebugSession {
  private readonly paths = new SourcePaths();
  private readonly breakpoints = new Breakpoints(
    () => this.world?.launched.programs ?? [],
    ({ map }, slot, name) => this.locate(map.program, slot, name),
  );
  private world: World | undefined;
  private arguments: LaunchArguments | undefined;
  private launching = false;
  /** Programs that the verifier rejects and nobody has yet decided to run. */
  private gate: readonly Rejected[] = [];
  private lastStop: Stop | undefined;
  private running = false;
  private ended = false;
  private frames: readonly StackFrame[] = [];
  private references: ((from: number, count: number) => readonly Variable[])[] = [];
  private missingSources: string[] = [];
  private linesStartAt1 = true;
  private columnsStartAt1 = true;

  private readonly requests: Readonly<Record<string, (args: never) => unknown>> = {
    initialize: (args: DebugProtocol.InitializeRequestArguments) => this.initialize(args),
    launch: (args: LaunchArguments) => this.launch(args),
    restart: (args: { arguments?: LaunchArguments }) => this.restart(args.arguments ?? this.arguments),
    configurationDone: () => this.configurationDone(),
    disconnect: () => this.end(),
    terminate: () => this.end(),
    cancel: () => undefined,

    setBreakpoints: (args: DebugProtocol.SetBreakpointsArguments) => ({
      breakpoints: this.breakpoints
        .setSource(
          this.paths.seen(args.source.path ?? ''),
          (args.breakpoints ?? []).map((wish) => ({ ...wish, line: this.lineIn(wish.line) })),
        )
        .map((breakpoint) => this.breakpointOut(breakpoint)),
    }),
    setFunctionBreakpoints: (args: DebugProtocol.SetFunctionBreakpointsArguments) => ({
      breakpoints: this.breakpoints.setFunctions(args.breakpoints).map((breakpoint) => this.breakpointOut(breakpoint)),
    }),
    setInstructionBreakpoints: (args: DebugProtocol.SetInstructionBreakpointsArguments) => ({
      breakpoints: this.breakpoints
        .setInstructions(args.breakpoints.map((wish) => ({ ...wish, at: this.slotIn(wish.instructionReference, wish.offset) })))
        .map((breakpoint) => this.breakpointOut(breakpoint)),
    }),
    setExceptionBreakpoints: () => ({ breakpoints: [] }),
    breakpointLocations: (args: DebugProtocol.BreakpointLocationsArguments) => ({
      breakpoints: this.linesBetween(args).map((line) => ({ line: this.lineOut(line) })),
    }),

    threads: () => ({ threads: [{ id: THREAD, name: this.threadName() }] }),
    stackTrace: (args: DebugProtocol.StackTraceArguments) => this.stackTrace(args),
    scopes: (args: DebugProtocol.ScopesArguments) => ({ scopes: this.scopes(args.frameId) }),
    variables: (args: DebugProtocol.VariablesArguments) => ({
      variables: this.children(args).map((variable) => this.variableOut(variable)),
    }),
    setVariable: (args: DebugProtocol.SetVariableArguments) => this.setVariable(args),
    evaluate: (args: DebugProtocol.EvaluateArguments) => this.evaluate(args),
    setExpression: (args: DebugProtocol.SetExpressionArguments) => this.setExpression(args),
    completions: (args: DebugProtocol.CompletionsArguments) => ({ targets: this.completions(args) }),
    exceptionInfo: () => this.exceptionInfo(),

    continue: () => this.go({ kind: 'continue' }, { allThreadsContinued: true }),
    next: (args: DebugProtocol.NextArguments) => this.go({ kind: 'step', how: 'over', granularity: granularityOf(args) }),
    stepIn: (args: DebugProtocol.StepInArguments) => this.go({ kind: 'step', how: 'in', granularity: granularityOf(args) }),
    stepOut: (args: DebugProtocol.StepOutArguments) => this.go({ kind: 'step', how: 'out', granularity: granularityOf(args) }),
    stepBack: (args: DebugProtocol.StepBackArguments) => this.goBack(granularityOf(args)),
    reverseContinue: () => this.goBack('continue'),
    pause: () => this.launchedWorld().debuggee.pause(),

    disassemble: (args: DebugProtocol.DisassembleArguments) => ({ instructions: this.disassemble(args) }),
    readMemory: (args: DebugProtocol.ReadMemoryArguments) => this.readMemory(args),
    writeMemory: (args: DebugProtocol.WriteMemoryArguments) => this.writeMemory(args),
    loadedSources: () => ({
      sources: [...new Set(this.launchedWorld().launched.programs.flatMap(({ map }) => [...map.files]))].map((file) =>
        this.sourceOut(file),
      ),
    }),
    source: (args: DebugProtocol.SourceArguments) => this.sourceText(args),

    'ebpf/registers': (args: { frameId?: number } | undefined) => ({
      registers: this.stoppedWorld().views.registers(this.frame(args?.frameId)),
    }),
    'ebpf/maps': () => ({ maps: this.stoppedWorld().views.maps() }),
    'ebpf/events': () => ({
      events: this.launchedWorld().launched.events.map(({ index, title, at }) => ({ index, title, at: `${at}` })),
      current: this.world?.debuggee.invocation?.event.index,
    }),
    'ebpf/nextEvent': () => this.go({ kind: 'next-event' }),
    'ebpf/kernel': () => shownKernel(this.stoppedWorld().launched.kernel),
    'ebpf/kernelCommand': ({ line }: { line: string }) => this.kernelCommand(line),
    'ebpf/openTerminal': ({ id }: { id: number }) => this.openTerminal(id),
    'ebpf/terminalInput': ({ id, text }: { id: number; text: string }) => this.terminalInput(id, text),
    'ebpf/runAnyway': () => this.go({ kind: 'continue' }),
  };

  constructor(private readonly settings: ToolchainSettings = {}) {
    super();
  }

  // The frame around requests

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    void this.answer(request);
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    const response: DebugProtocol.Response = new Response(request);
    try {
      const handler = Object.hasOwn(this.requests, request.command) ? this.requests[request.command] : undefined;
      if (!handler) throw errors.unknownRequest(request.command);
      const missing = missingField(request.command, request.arguments);
      if (missing !== undefined) throw errors.missingField(request.command, missing);
      const body: unknown = await handler((request.arguments ?? {}) as never);
      if (body !== undefined) response.body = body;
    } catch (cause) {
      const refused = cause instanceof errors.RequestError ? cause : errors.internal(cause);
      response.success = false;
      response.message = refused.message;
      response.body = {
        error: {
          id: refused.code,
          format: refused.message.replace(/[{}]/g, ''),
          showUser: refused.showUser,
        } satisfies DebugProtocol.Message,
      };
    }
    this.sendResponse(response);
  }

  /** Runs when the response to the current request is on its way. */
  private afterResponse(action: () => void | Promise<void>): void {
    setImmediate(
      () =>
        void Promise.resolve(action()).catch((cause: unknown) => this.print({ category: 'stderr', text: errors.internal(cause).message })),
    );
  }

  private launchedWorld(): World {
    if (!this.world) throw errors.notLaunched();
    return this.world;
  }

  private stoppedWorld(): World {
    const world = this.launchedWorld();
    if (this.running) throw errors.notStopped();
    return world;
  }

  private print({ category, text, place }: ConsoleLine): void {
    const event: DebugProtocol.OutputEvent = new OutputEvent(`${text}\n`, category satisfies Category);
    if (place && place.line > 0)
      Object.assign(event.body, {
        source: this.sourceOut(place.file),
        line: this.lineOut(place.line),
        ...(place.column > 0 ? { column: this.columnOut(place.column) } : {}),
      });
    this.sendEvent(event);
  }

  // Starting and ending

  private initialize(args: DebugProtocol.InitializeRequestArguments): DebugProtocol.Capabilities {
    this.linesStartAt1 = args.linesStartAt1 ?? true;
    this.columnsStartAt1 = args.columnsStartAt1 ?? true;
    return {
      supportsConfigurationDoneRequest: true,
      supportsFunctionBreakpoints: true,
      supportsConditionalBreakpoints: true,
      supportsHitConditionalBreakpoints: true,
      supportsLogPoints: true,
      supportsInstructionBreakpoints: true,
      supportsBreakpointLocationsRequest: true,
      supportsEvaluateForHovers: true,
      supportsSetVariable: true,
      supportsSetExpression: true,
      supportsCompletionsRequest: true,
      supportsStepBack: true,
      supportsSteppingGranularity: true,
      supportsRestartRequest: true,
      supportsTerminateRequest: true,
      supportsExceptionInfoRequest: true,
      supportsDisassembleRequest: true,
      supportsReadMemoryRequest: true,
      supportsWriteMemoryRequest: true,
      supportsLoadedSourcesRequest: true,
      supportsValueFormattingOptions: true,
      supportsDelayedStackTraceLoading: false,
    };
  }

  private async launch(args: LaunchArguments): Promise<void> {
    // A launch that failed may be tried again; one that stands is never replaced under the feet of its client.
    if (this.launching || this.world) throw errors.alreadyLaunched();
    this.launching = true;
    this.arguments = args;
    this.breakpoints.enabled = args.noDebug !== true;
    try {
      await this.build(args);
    } finally {
      this.launching = false;
    }
    this.afterResponse(() => this.sendEvent(new InitializedEvent()));
  }

  private async build(args: LaunchArguments): Promise<void> {
    if (typeof args.program !== 'string' || args.program === '') throw errors.noProgramGiven();
    const verify = VERIFY.find((value) => value === (args.verify ?? 'ask'));
    if (!verify) throw errors.wrongOption('verify', args.verify, VERIFY);
    const engine = ENGINES.find((value) => value === (args.engine ?? 'interpreter'));
    if (!engine) throw errors.wrongOption('engine', args.engine, ENGINES);
    this.paths.seen(args.program);
    const launched = await launch({
      program: args.program,
      prog: args.prog,
      events: args.events,
      event: args.event,
      kernel: args.kernel,
      engine,
      verify,
      settings: this.settings,
      canonical: (file) => this.paths.canonical(file),
    });
    if ('failure' in launched) {
      // One problem alone is the refusal itself.
      if (launched.details.length > 1) for (const detail of launched.details) this.print({ category: 'stderr', text: detail });
      throw errors.launchFailed(launched.failure);
    }
    for (const text of launched.notes) this.print({ category: 'console', text });
    for (const line of launched.rejected.flatMap(rejectionLines)) this.print(line);
    const [first] = launched.rejected;
    if (first && verify === 'always')
      throw errors.refusedByVerifier(first.program.name, first.finding?.message ?? first.verdict.errno ?? '');
    this.gate = launched.rejected;
    this.world = new World(
      launched,
      this.breakpoints,
      args.stopOnEntry === true && args.noDebug !== true,
      args.program,
      this.settings,
      (line) => this.print(line),
    );
    this.terminals.clear();
  }

  private async restart(args: LaunchArguments | undefined): Promise<void> {
    // The old world is left behind: where its run comes to rest is nobody's stop any more.
    this.world?.debuggee.pause();
    this.world = undefined;
    try {
      await this.build(args ?? {});
    } catch (cause) {
      this.afterResponse(() => this.sendEvent(new TerminatedEvent()));
      throw cause;
    }
    for (const breakpoint of this.breakpoints.resolveAgain())
      this.sendEvent(new BreakpointEvent('changed', this.breakpointOut(breakpoint)));
    this.lastStop = undefined;
    this.running = false;
    this.afterResponse(() => this.begin());
  }

  private configurationDone(): void {
    if (this.world) this.afterResponse(() => this.begin());
  }

  /** A rejected program stops before its first instruction: going on from there runs it anyway. */
  private async begin(): Promise<void> {
    const [rejected] = this.gate;
    if (!rejected) return this.resume((world) => world.debuggee.forward({ kind: 'continue' }));
    const { program, finding, place } = rejected;
    this.sendEvent(
      Object.assign(new StoppedEvent('exception', THREAD, finding?.message), {
        body: {
          reason: 'exception',
          description: 'Rejected by the verifier',
          text: finding?.message ?? '',
          threadId: THREAD,
          allThreadsStopped: true,
        },
      }),
    );
    this.sendEvent(
      new Event('ebpf/rejected', {
        program: program.name,
        message: finding?.message ?? '',
        explanation: finding?.explanation ?? '',
        advice: finding?.advice ?? '',
        ...(place.line > 0 ? { file: this.paths.shown(place.file), line: this.lineOut(place.line) } : {}),
      }),
    );
  }

  private end(): void {
    this.ended = true;
    this.world?.debuggee.pause();
    this.afterResponse(() => {
      this.sendEvent(new TerminatedEvent());
      this.shutdown();
    });
  }

  // Running

  private go<Body>(goal: Goal, body?: Body): Body | undefined {
    this.stoppedWorld();
    const passesGate = this.gate.length > 0;
    this.gate = [];
    // A step from the verifier's stop goes to the program's beginning.
    const wanted: Goal = passesGate && goal.kind !== 'continue' ? { kind: 'step', how: 'in', granularity: 'line' } : goal;
    this.running = true;
    this.afterResponse(() => {
      // Requests of our own do not tell a client that the program runs again.
      if (body === undefined) this.sendEvent(new ContinuedEvent(THREAD, true));
      return this.resume((world) => world.debuggee.forward(wanted));
    });
    return body;
  }

  private goBack(goal: 'line' | 'instruction' | 'continue'): void {
    this.stoppedWorld();
    this.gate = [];
    this.running = true;
    this.afterResponse(() => this.resume((world) => world.debuggee.backward(goal)));
  }

  private async resume(run: (world: World) => Promise<Stop>): Promise<void> {
    const { world } = this;
    if (!world) return;
    this.running = true;
    this.frames = [];
    this.references = [];
    let stop: Stop;
    try {
      stop = await run(world);
    } catch (cause) {
      // A mistake of ours must not leave a session that answers nothing: what is known is shown where it stands.
      stop = { kind: 'fault', message: errors.internal(cause).message };
    }
    if (this.ended || world !== this.world) return;
    this.running = false;
    this.lastStop = stop;
    if (stop.kind === 'done') {
      this.print({ category: 'console', text: 'All events have happened.' });
      this.sendEvent(new TerminatedEvent());
      return;
    }
    this.frames = world.stack();
    world.views.stopped(this.frames[0]);
    this.sendEvent(stoppedEvent(stop));
  }

  // The stack

  private threadName(): string {
    const { invocation } = this.world?.debuggee ?? {};
    return invocation ? `${invocation.program.program.name} on CPU ${invocation.event.cpu ?? 0}` : 'simulated kernel';
  }

  private stackTrace({ startFrame = 0, levels = 0 }: DebugProtocol.StackTraceArguments): DebugProtocol.StackTraceResponse['body'] {
    this.stoppedWorld();
    const [rejected] = this.gate;
    if (rejected)
      return {
        stackFrames: [{ id: 0, name: `${rejected.program.name} (rejected by the verifier)`, ...this.placeOut(rejected.place) }],
        totalFrames: 1,
      };
    if (this.frames.length === 0) this.frames = this.stoppedWorld().stack();
    const wanted = this.frames.slice(startFrame, levels > 0 ? startFrame + levels : undefined);
    return {
      totalFrames: this.frames.length,
      stackFrames: wanted.map((frame) => ({
        id: frame.index + 1,
        name: frame.inlined ? `${frame.name} (inlined)` : frame.name,
        ...this.placeOut(frame),
        instructionPointerReference: formatCodeAddress(frame.program.id, frame.slot),
        ...(frame.line === 0 ? { presentationHint: 'subtle' as const } : {}),
      })),
    };
  }

  private frame(id: number | undefined): StackFrame | undefined {
    if (this.frames.length === 0 && this.world && !this.running) this.frames = this.world.stack();
    if (id === undefined) return this.frames[0];
    if (id === 0) return undefined;
    const frame = this.frames[id - 1];
    if (!frame) throw errors.unknownFrame();
    return frame;
  }

  private scopes(frameId: number): readonly DebugProtocol.Scope[] {
    const { inspection } = this.stoppedWorld();
    const frame = this.frame(frameId);
    if (!frame) return [];
    const scope = (name: string, children: () => readonly Variable[], more: Partial<DebugProtocol.Scope> = {}): DebugProtocol.Scope => ({
      name,
      variablesReference: this.refer(children),
      expensive: false,
      ...more,
    });
    return [
      scope('Locals', () => inspection.locals(frame), { presentationHint: 'locals' }),
      scope('Registers', () => inspection.registers(frame), { presentationHint: 'registers' }),
      scope('Stack', () => inspection.stack(frame)),
      scope('Context', () => inspection.context(frame)),
      ...(inspection.hasPacket() ? [scope('Packet', () => inspection.packet())] : []),
      scope('Maps', () => inspection.maps(frame)),
      ...(inspection.globalVariables(frame).length > 0 ? [scope('Globals', () => inspection.globalVariables(frame))] : []),
    ];
  }

  // Variables and expressions

  private refer(children: (from: number, count: number) => readonly Variable[]): number {
    return this.references.push(children);
  }

  private children({ variablesReference, start, count, filter, format }: DebugProtocol.VariablesArguments): readonly Variable[] {
    const { inspection } = this.stoppedWorld();
    const children = this.references[variablesReference - 1];
    if (!children) throw errors.unknownReference();
    if (filter === 'named' && start === undefined) return [];
    const lines = inspection.inFormat(format, () =>
      children(start ?? 0, count === undefined || count === 0 ? Number.MAX_SAFE_INTEGER : count),
    );
    return lines;
  }

  private variableOut(variable: Variable): DebugProtocol.Variable {
    const attributes = [...(variable.assign ? [] : ['readOnly'])];
    return {
      name: variable.name,
      value: variable.value,
      variablesReference: variable.children ? this.refer(variable.children) : 0,
      ...(variable.type === undefined ? {} : { type: variable.type }),
      ...(variable.numbered === undefined ? {} : { indexedVariables: variable.numbered }),
      ...(variable.address === undefined ? {} : { memoryReference: `0x${variable.address.toString(16)}` }),
      ...(variable.expression === undefined ? {} : { evaluateName: variable.expression }),
      ...(attributes.length > 0 ? { presentationHint: { attributes } } : {}),
    };
  }

  private setVariable({ variablesReference, name, value }: DebugProtocol.SetVariableArguments): DebugProtocol.SetVariableResponse['body'] {
    const find = (): Variable =>
      this.children({ variablesReference }).find((variable) => variable.name === name) ?? refuse(errors.unknownVariable(name));
    const variable = find();
    if (!variable.assign) throw errors.notSettable(name);
    const refused = variable.assign(value);
    if (refused !== undefined) throw errors.refusedValue(refused);
    this.changed();
    return this.variableOut(find());
  }

  /** After a change everything that is shown may be another value. */
  private changed(): void {
    this.afterResponse(() => this.sendEvent(new InvalidatedEvent(['variables'])));
  }

  private evaluate(
    args: DebugProtocol.EvaluateArguments,
  ): DebugProtocol.EvaluateResponse['body'] | Promise<DebugProtocol.EvaluateResponse['body']> {
    const { expression, frameId, context, format } = args;
    if (context === 'repl' && expression.trimStart().startsWith('!')) return this.shellLine(expression.trimStart().slice(1));
    const { inspection } = this.stoppedWorld();
    return inspection.inFormat(format, () => {
      const scope = inspection.scopeOf(this.frame(frameId));
      const repl = context === 'repl';
      const value = repl ? execute(expression, scope) : evaluate(expression, scope);
      if (repl && !('failure' in value) && /(^|[^=!<>])=([^=]|$)/.test(expression)) this.changed();
      return this.evaluatedOut(value, expression, frameId);
    });
  }

  // The kernel's terminal

  private readonly terminals = new Map<number, { input(text: string): void }>();

  /** A line of the Debug Console that begins with `!`. */
  private async shellLine(line: string): Promise<DebugProtocol.EvaluateResponse['body']> {
    const { output, errors: complaints = '' } = await this.stoppedWorld().terminal.run(line);
    this.changed();
    return { result: (complaints + output).replace(/\n$/, ''), variablesReference: 0 };
  }

  /** An action of a view: its output goes to the Debug Console. */
  private async kernelCommand(line: string): Promise<void> {
    const { output, errors: complaints = '' } = await this.stoppedWorld().terminal.run(line);
    if (complaints !== '') this.print({ category: 'stderr', text: complaints.trimEnd() });
    if (output !== '') this.print({ category: 'stdout', text: output.trimEnd() });
    this.changed();
  }

  private openTerminal(id: number): void {
    const terminal = this.launchedWorld().terminal.open(
      (text) => this.sendEvent(new Event('ebpf/terminalOutput', { id, text })),
      () => this.changed(),
    );
    this.terminals.set(id, terminal);
  }

  /** A program that runs is not disturbed: its terminal waits for the next stop. */
  private terminalInput(id: number, text: string): void {
    const terminal = this.terminals.get(id);
    if (!terminal) return;
    if (this.running && !text.includes('\u0003')) {
      this.sendEvent(new Event('ebpf/terminalOutput', { id, text: '\u0007' }));
      return;
    }
    terminal.input(text);
  }

  private evaluatedOut(value: Evaluated, expression: string, frameId: number | undefined): DebugProtocol.EvaluateResponse['body'] {
    const { inspection, launched } = this.stoppedWorld();
    if ('failure' in value) throw errors.expressionFailed(value.failure);
    const scope = inspection.scopeOf(this.frame(frameId));
    const map = 'map' in value ? launched.kernel.maps.find(({ definition }) => definition.name === value.map) : undefined;
    const variable = 'map' in value ? inspection.mapVariable(map!, scope) : variableOf('', value, scope, expression);
    const { value: result, name: _name, evaluateName: _evaluateName, ...rest } = this.variableOut(variable);
    return { result, ...rest };
  }

  private setExpression({ expression, value, frameId }: DebugProtocol.SetExpressionArguments): DebugProtocol.SetExpressionResponse['body'] {
    const scope = this.stoppedWorld().inspection.scopeOf(this.frame(frameId));
    const target = evaluate(expression, scope);
    if ('failure' in target) throw errors.expressionFailed(target.failure);
    if ('map' in target) throw errors.notSettable(expression);
    const wanted = evaluate(value, scope);
    if ('failure' in wanted) throw errors.expressionFailed(wanted.failure);
    const refused = assign(target, wanted);
    if (refused !== undefined) throw errors.refusedValue(refused);
    this.changed();
    const { result, ...rest } = this.evaluatedOut(
      evaluate(expression, this.stoppedWorld().inspection.scopeOf(this.frame(frameId))),
      expression,
      frameId,
    );
    return { value: result, ...rest };
  }

  private completions({ text, column, frameId }: DebugProtocol.CompletionsArguments): readonly DebugProtocol.CompletionItem[] {
    const before = text.slice(0, column - (this.columnsStartAt1 ? 1 : 0));
    const word = /[$\w]*$/.exec(before)![0];
    const names = this.stoppedWorld().inspection.scopeOf(this.frame(frameId)).names();
    return [...new Set(names)]
      .filter((name) => name.startsWith(word))
      .map((label) => ({ label, start: before.length - word.length + (this.columnsStartAt1 ? 1 : 0), length: word.length }));
  }

  private exceptionInfo(): DebugProtocol.ExceptionInfoResponse['body'] {
    const [rejected] = this.gate;
    if (rejected) {
      const { finding, verdict, program } = rejected;
      const text = [finding?.message, finding?.explanation, finding?.advice, 'Continue runs the program anyway.']
        .filter((part) => part !== undefined && part !== '')
        .join('\n');
      return {
        exceptionId: `${program.name}: rejected by the verifier`,
        description: text,
        breakMode: 'always',
        details: { message: finding?.message ?? '', typeName: finding?.code ?? verdict.errno ?? '', stackTrace: lastLines(verdict.log) },
      };
    }
    if (this.lastStop?.kind === 'fault')
      return {
        exceptionId: 'fault',
        description: `${this.lastStop.message}\nThe run cannot go on: Continue gives it up and goes to the next one.`,
        breakMode: 'always',
        details: { message: this.lastStop.message },
      };
    return { exceptionId: 'none', description: 'the program has not faulted', breakMode: 'never' };
  }

  // Code and memory

  /** For conditions that the engine tests: a global hides a register's name, but is not in reach of the engine. */
  private locate(program: Program, slot: number, name: string): LocatedVariable | undefined {
    const { debugInformation, object } = this.world?.launched ?? {};
    return (
      debugInformation?.locate(program, slot, name) ??
      (object?.btf?.find(name, 'var') === undefined ? undefined : { type: VOID, location: undefined })
    );
  }

  private slotIn(reference: string, offset = 0): { program: number; slot: number } | undefined {
    const address = parseAddress(reference);
    const at = address === undefined ? undefined : codeReference(address + BigInt(offset));
    const program = this.world?.launched.programs.find(({ id }) => id === at?.program);
    return at && program && at.slot < program.executable.insns.length ? at : undefined;
  }

  private disassemble({
    memoryReference,
    offset = 0,
    instructionOffset = 0,
    instructionCount,
  }: DebugProtocol.DisassembleArguments): readonly DebugProtocol.DisassembledInstruction[] {
    const address = parseAddress(memoryReference);
    const at = address === undefined ? undefined : codeReference(address + BigInt(offset));
    const program = this.launchedWorld().launched.programs.find(({ id }) => id === at?.program);
    if (!at || !program) throw errors.noAddress(memoryReference);
    return disassembleAround(program, at.slot, instructionOffset, instructionCount).map(
      ({ slot, bytes, text, symbol, place, padding }) => ({
        address: formatCodeAddress(program.id, slot),
        instruction: text,
        ...(padding ? { presentationHint: 'invalid' as const } : { instructionBytes: bytes }),
        ...(symbol === undefined ? {} : { symbol }),
        ...(place
          ? {
              location: this.sourceOut(place.file),
              line: this.lineOut(place.line),
              ...(place.column > 0 ? { column: this.columnOut(place.column) } : {}),
            }
          : {}),
      }),
    );
  }

  private readMemory({ memoryReference, offset = 0, count }: DebugProtocol.ReadMemoryArguments): DebugProtocol.ReadMemoryResponse['body'] {
    const { memory } = this.stoppedWorld().launched.kernel;
    const start = parseAddress(memoryReference);
    if (start === undefined) throw errors.noAddress(memoryReference);
    const address = start + BigInt(offset);
    const region = address < 0n ? undefined : memory.find(address);
    const available = region ? Math.min(count, Number(region.base + BigInt(region.size) - address)) : 0;
    const bytes = available > 0 ? memory.read(address, available) : new Uint8Array();
    const data = bytes instanceof Uint8Array ? bytes : new Uint8Array();
    return {
      address: `0x${(address < 0n ? 0n : address).toString(16)}`,
      data: Buffer.from(data).toString('base64'),
      unreadableBytes: count - data.length,
    };
  }

  private writeMemory({
    memoryReference,
    offset = 0,
    data,
  }: DebugProtocol.WriteMemoryArguments): DebugProtocol.WriteMemoryResponse['body'] {
    const address = parseAddress(memoryReference);
    if (address === undefined) throw errors.noAddress(memoryReference);
    const bytes = new Uint8Array(Buffer.from(data, 'base64'));
    const refused = this.stoppedWorld()
      .inspection.memory(address + BigInt(offset))
      .write?.(0, bytes);
    if (refused !== undefined) throw errors.refusedValue(refused);
    this.changed();
    return { bytesWritten: bytes.length };
  }

  // Sources and breakpoints

  private sourceOut(file: string): DebugProtocol.Source {
    const shown = this.paths.shown(file);
    const source: DebugProtocol.Source = { name: path.basename(shown), path: shown };
    if (this.paths.exists(file)) return source;
    if (!this.missingSources.includes(file)) this.missingSources.push(file);
    return { ...source, sourceReference: this.missingSources.indexOf(file) + 1, origin: 'lines kept in the program' };
  }

  private sourceText({ sourceReference, source }: DebugProtocol.SourceArguments): DebugProtocol.SourceResponse['body'] {
    const file = this.missingSources[(source?.sourceReference ?? sourceReference) - 1];
    const text =
      file === undefined
        ? undefined
        : this.launchedWorld()
            .launched.programs.map(({ map }) => map.keptText(file))
            .find((kept) => kept !== undefined);
    if (text === undefined) throw errors.noSourceText();
    return { content: text, mimeType: 'text/x-c' };
  }

  private placeOut(place: SourcePlace): { line: number; column: number; source?: DebugProtocol.Source } {
    if (place.line === 0) return { line: 0, column: 0 };
    return { source: this.sourceOut(place.file), line: this.lineOut(place.line), column: this.columnOut(Math.max(place.column, 1)) };
  }

  private breakpointOut({ id, slots, path: file, line, message }: Breakpoint): DebugProtocol.Breakpoint {
    const [first] = slots;
    return {
      id,
      verified: slots.length > 0,
      ...(message === undefined ? {} : { message }),
      ...(line === undefined ? {} : { line: this.lineOut(line) }),
      ...(file === undefined ? {} : { source: this.sourceOut(file) }),
      ...(first ? { instructionReference: formatCodeAddress(first.program, first.slot) } : {}),
    };
  }

  private linesBetween({ source, line, endLine }: DebugProtocol.BreakpointLocationsArguments): readonly number[] {
    const file = this.paths.seen(source.path ?? '');
    const from = this.lineIn(line);
    const to = endLine === undefined ? from : this.lineIn(endLine);
    const lines = new Set(this.launchedWorld().launched.programs.flatMap(({ map }) => map.linesOf(file)));
    return [...lines].filter((other) => other >= from && other <= to).sort((a, b) => a - b);
  }

  private lineIn(line: number): number {
    return this.linesStartAt1 ? line : line + 1;
  }

  private lineOut(line: number): number {
    return this.linesStartAt1 ? line : line - 1;
  }

  private columnOut(column: number): number {
    return this.columnsStartAt1 ? column : column - 1;
  }
}

/** The end of the verifier's log, where it says why; the whole may have megabytes. */
const lastLines = (log: string): string => log.trimEnd().split('\n').slice(-30).join('\n');

const refuse = (error: errors.RequestError): never => {
  throw error;
};

const granularityOf = (args: { granularity?: DebugProtocol.SteppingGranularity }): 'line' | 'instruction' =>
  args.granularity === 'instruction' ? 'instruction' : 'line';

function stoppedEvent(stop: Exclude<Stop, { kind: 'done' }>): DebugProtocol.StoppedEvent {
  const event: DebugProtocol.StoppedEvent = new StoppedEvent('step', THREAD);
  const body = { threadId: THREAD, allThreadsStopped: true };
  switch (stop.kind) {
    case 'breakpoint': {
      const kind = stop.breakpoints[0]?.kind;
      event.body = {
        ...body,
        reason: kind === 'function' ? 'function breakpoint' : kind === 'instruction' ? 'instruction breakpoint' : 'breakpoint',
        hitBreakpointIds: stop.breakpoints.map(({ id }) => id),
      };
      break;
    }
    case 'fault':
      event.body = { ...body, reason: 'exception', description: 'Fault', text: stop.message };
      break;
    case 'beginning':
      event.body = { ...body, reason: 'entry', description: 'Stopped at the beginning: there is nothing before the first run' };
      break;
    default:
      event.body = { ...body, reason: stop.kind };
  }
  return event;
}
