// Plays a conversation with the debug adapter from a text file: lines that start with `> ` are what a person does,
// the lines under them what the adapter answers. `vitest -u` writes the answers anew; review the diff.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { repository } from '#test/requirements';
import type { ToolchainSettings } from '#toolchain';
import { EbpfDebugSession } from '../../debug-adapter/src/session.ts';
import { DapClient } from './dap-client.ts';
import type { DapMessage } from './dap-client.ts';

interface Variable {
  name: string;
  value: string;
  type?: string;
  variablesReference: number;
  indexedVariables?: number;
}

interface Frame {
  id: number;
  name: string;
  line: number;
  source?: { path: string };
  instructionPointerReference: string;
}

/** An adapter in this process, behind the same bytes that VS Code would send. */
export function connect(): DapClient {
  const input = new PassThrough();
  const output = new PassThrough();
  // As in the adapter's own process: EBPF_TOOLCHAIN='{"compiler": "…"}' plays the conversations with another compiler.
  const session = new EbpfDebugSession(JSON.parse(process.env['EBPF_TOOLCHAIN'] ?? '{}') as ToolchainSettings);
  // A session that runs as a server does not end the process when it ends.
  session.setRunAsServer(true);
  session.start(input, output);
  return new DapClient(output, input);
}

/** Answers of the file's commands, in the file's own format: equal to the file when nothing has changed. */
export async function play(file: string): Promise<string> {
  let player = new Player(connect());
  const lines: string[] = [];
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line.startsWith('#') || (line === '' && lines.at(-1) !== '')) lines.push(line);
    if (!line.startsWith('> ')) continue;
    if (/^> launch/.test(line)) {
      await player.leave();
      player = new Player(connect());
    }
    const answer = await player
      .command(line.slice(2))
      .catch((cause: unknown) => [`! ${cause instanceof Error ? cause.message : String(cause)}`]);
    lines.push(line, ...stable(answer).map((text) => `  ${text}`));
  }
  await player.leave();
  while (lines.at(-1) === '') lines.pop();
  return `${lines.join('\n')}\n`;
}

/** Addresses move when anything else does; what they mean stands beside them. */
const stable = (lines: readonly string[]): string[] =>
  lines.flatMap((line) =>
    line
      .replaceAll(repository + path.sep, '')
      .replace(/0x[0-9a-f]{7,16}\b/g, '0x…')
      .split('\n'),
  );

/** `12`, `"text of the line"` or `#marker`. */
function lineOf(file: string, where: string): number {
  if (/^\d+$/.test(where)) return Number(where);
  const wanted = where.startsWith('#') ? new RegExp(`#BP ${where.slice(1)}(?![\\w-])`) : undefined;
  const text = where.replace(/^"|"$/g, '');
  const index = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((line) => (wanted ? wanted.test(line) : line.includes(text)));
  if (index < 0) throw new Error(`${file} has no line with ${where}`);
  return index + 1;
}

class Player {
  private program = '';
  private frame = 0;
  private readonly breakpoints = new Map<string, object[]>();

  constructor(private readonly client: DapClient) {}

  /** `verb rest` → the lines to show. */
  async command(text: string): Promise<string[]> {
    const [verb, ...words] = text.split(' ');
    const rest = words.join(' ');
    switch (verb) {
      case 'launch':
        return this.launch(rest);
      case 'break':
        return this.setBreakpoint(rest);
      case 'break-function':
        return this.shownBreakpoints(
          await this.client.ask('setFunctionBreakpoints', { breakpoints: rest === '' ? [] : rest.split(' ').map((name) => ({ name })) }),
        );
      case 'break-here':
        return this.shownBreakpoints(
          await this.client.ask('setInstructionBreakpoints', {
            breakpoints: [{ instructionReference: (await this.frames())[0]!.instructionPointerReference, offset: Number(rest || 0) }],
          }),
        );
      case 'clear':
        return this.clear(rest);
      case 'start':
        return this.andStop(this.client.ask('configurationDone'));
      case 'start-quietly':
        // Where it stops depends on the clock.
        await this.andStop(this.client.ask('configurationDone'));
        return [];
      case 'continue':
      case 'next':
      case 'stepIn':
      case 'stepOut':
      case 'stepBack':
      case 'reverseContinue':
        return this.andStop(this.client.ask(verb, { threadId: 1, ...(rest === 'instruction' ? { granularity: 'instruction' } : {}) }));
      case 'nextEvent':
        return this.andStop(this.client.ask('ebpf/nextEvent'));
      case 'pause-soon':
        setTimeout(() => void this.client.ask('pause', { threadId: 1 }), 100);
        return [];
      case 'restart':
        return this.andStop(this.client.ask('restart', {}));
      case 'stack':
        return (await this.frames()).map((frame) => showFrame(frame));
      case 'frame':
        this.frame = Number(rest);
        return [];
      case 'scope':
        return this.scope(rest);
      case 'eval':
      case 'hover':
        return [await this.evaluate(rest, verb === 'eval' ? 'repl' : 'hover')];
      case 'set':
        return this.set(rest);
      case 'exception':
        return this.exception();
      case 'registers':
        return (
          await this.client.request<{ registers: { name: string; meaning: string; changed: boolean }[] }>('ebpf/registers')
        ).registers.map(({ name, meaning, changed }) => `${changed ? '*' : ' '} ${name} ${meaning}`);
      case 'maps':
        return (
          await this.client.request<{
            maps: { name: string; summary: string; changed: boolean; entries: { key: string; value: string; changed: boolean }[] }[];
          }>('ebpf/maps')
        ).maps.flatMap((map) => [
          `${map.changed ? '*' : ' '} ${map.name}: ${map.summary}`,
          ...map.entries.map((entry) => `${entry.changed ? '*' : ' '}   [${entry.key}] ${entry.value}`),
        ]);
      case 'disassemble':
        return this.disassemble(rest);
      case 'memory':
        return this.memory(rest);
      case 'lines':
        return [
          (
            await this.client.request<{ breakpoints: { line: number }[] }>('breakpointLocations', {
              source: { path: this.program },
              line: 1,
              endLine: 10_000,
            })
          ).breakpoints
            .map(({ line }) => line)
            .join(' '),
        ];
      case 'sources':
        return (await this.client.request<{ sources: { path: string }[] }>('loadedSources')).sources.map(({ path: file }) => file);
      case 'ask': {
        const [command, ...args] = words;
        const answer = await this.client.ask(command!, JSON.parse(args.join(' ') || '{}') as object);
        return answer.success === true ? [JSON.stringify(answer.body ?? null)] : [`refused: ${answer.message}`];
      }
      default:
        throw new Error(`no such command in a conversation: ${text}`);
    }
  }

  async leave(): Promise<void> {
    await this.client.ask('disconnect');
  }

  private async launch(rest: string): Promise<string[]> {
    const [file, options = '{}'] = rest.split(/ (?=\{)/);
    this.program = path.join(repository, file!);
    const given = JSON.parse(options) as Record<string, unknown>;
    if (typeof given['events'] === 'string') given['events'] = path.join(repository, given['events']);
    await this.client.request('initialize', { adapterID: 'ebpf', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path' });
    const answer = await this.client.ask('launch', { program: this.program, kernel: '6.18', ...given });
    if (answer.success === true) await this.client.event('initialized');
    return [...this.shownEvents(), ...refusal(answer)];
  }

  /** `"text" if CONDITION`, `#marker hits 3`, `12 log TEXT`. */
  private async setBreakpoint(rest: string): Promise<string[]> {
    const match = /^("[^"]*"|#?[\w-]+)(?: (if|hits|log) (.*))?$/.exec(rest)!;
    const option = { if: 'condition', hits: 'hitCondition', log: 'logMessage' }[match[2] as 'if'];
    const breakpoint = { line: lineOf(this.program, match[1]!), ...(option === undefined ? {} : { [option]: match[3] }) };
    const all = [...(this.breakpoints.get(this.program) ?? []), breakpoint];
    this.breakpoints.set(this.program, all);
    const answer = await this.client.ask('setBreakpoints', { source: { path: this.program }, breakpoints: all });
    return this.shownBreakpoints(answer).slice(-1);
  }

  private async clear(rest: string): Promise<string[]> {
    this.breakpoints.delete(this.program);
    const answer = await this.client.ask('setBreakpoints', { source: { path: this.program }, breakpoints: [] });
    return rest === '' ? refusal(answer) : this.setBreakpoint(rest);
  }

  private shownBreakpoints(answer: DapMessage): string[] {
    const refused = refusal(answer);
    if (refused.length > 0) return refused;
    return (answer.body as { breakpoints: { verified: boolean; line?: number; message?: string }[] }).breakpoints.map(
      ({ verified, line, message }) =>
        `${verified ? 'set' : 'not set'}${line === undefined ? '' : ` on line ${line}: ${this.sourceLine(line)}`}${message === undefined ? '' : ` (${message})`}`,
    );
  }

  private sourceLine(line: number): string {
    return readFileSync(this.program, 'utf8').split('\n')[line - 1]?.trim() ?? '';
  }

  private async andStop(asked: Promise<DapMessage>): Promise<string[]> {
    const answer = await asked;
    const refused = refusal(answer);
    if (refused.length > 0) return [...this.shownEvents(), ...refused];
    await this.client.event('stopped', 'terminated');
    this.frame = 0;
    const shown = this.shownEvents();
    if (shown.at(-1) === 'terminated') return shown;
    const [frame] = await this.frames();
    return [...shown, ...(frame ? [showFrame(frame)] : [])];
  }

  private shownEvents(): string[] {
    return this.client.takeEvents().flatMap(({ event, body }) => {
      const content = (body ?? {}) as { output?: string; category?: string; reason?: string; description?: string; text?: string };
      if (event === 'output') return [`${content.category}| ${content.output!.trimEnd()}`];
      if (event === 'stopped')
        return [
          `stopped: ${[content.reason, content.description, content.text].filter((part) => part !== undefined && part !== '').join(', ')}`,
        ];
      if (event === 'terminated') return ['terminated'];
      return [];
    });
  }

  private async frames(): Promise<Frame[]> {
    return (await this.client.request<{ stackFrames: Frame[] }>('stackTrace', { threadId: 1 })).stackFrames;
  }

  private async frameId(): Promise<number> {
    const frame = (await this.frames())[this.frame];
    if (!frame) throw new Error('no such frame');
    return frame.id;
  }

  /** `Name` or `Name depth`: the scope's variables, with their children down to a depth. */
  private async scope(rest: string): Promise<string[]> {
    const [, name, depth] = /^(\w+)(?: (\d+))?$/.exec(rest)!;
    const { scopes } = await this.client.request<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
      frameId: await this.frameId(),
    });
    const scope = scopes.find((other) => other.name === name);
    return scope
      ? this.tree(scope.variablesReference, Number(depth ?? 0))
      : [`no scope ${name}: ${scopes.map((other) => other.name).join(', ')}`];
  }

  private async tree(reference: number, depth: number): Promise<string[]> {
    const { variables } = await this.client.request<{ variables: Variable[] }>('variables', { variablesReference: reference });
    const lines: string[] = [];
    for (const variable of variables) {
      lines.push(`${variable.name}: ${variable.value}`);
      if (depth > 0 && variable.variablesReference > 0)
        lines.push(...(await this.tree(variable.variablesReference, depth - 1)).map((line) => `  ${line}`));
    }
    return lines;
  }

  private async evaluate(expression: string, context: string): Promise<string> {
    const answer = await this.client.ask('evaluate', { expression, context, frameId: await this.frameId() });
    if (answer.success !== true) return `refused: ${answer.message}`;
    const { result, type } = answer.body as { result: string; type?: string };
    return `${result}${type === undefined ? '' : `  (${type})`}`;
  }

  /** `Scope name = value`. */
  private async set(rest: string): Promise<string[]> {
    const [, scopeName, names, value] = /^(\w+) (.+?) = (.*)$/.exec(rest)!;
    const { scopes } = await this.client.request<{ scopes: { name: string; variablesReference: number }[] }>('scopes', {
      frameId: await this.frameId(),
    });
    let reference = scopes.find((other) => other.name === scopeName)!.variablesReference;
    const path = names!.split(' / ');
    for (const part of path.slice(0, -1)) {
      const { variables } = await this.client.request<{ variables: Variable[] }>('variables', { variablesReference: reference });
      const variable = variables.find(({ name }) => name === part);
      if (!variable) return [`there is no ${part}: ${variables.map(({ name }) => name).join(', ')}`];
      reference = variable.variablesReference;
    }
    const answer = await this.client.ask('setVariable', { variablesReference: reference, name: path.at(-1), value });
    return answer.success === true ? [(answer.body as { value: string }).value] : refusal(answer);
  }

  private async exception(): Promise<string[]> {
    const { exceptionId, description } = await this.client.request<{ exceptionId: string; description: string }>('exceptionInfo', {
      threadId: 1,
    });
    return [exceptionId, ...description.split('\n')];
  }

  /** `OFFSET COUNT` instructions around the current one. */
  private async disassemble(rest: string): Promise<string[]> {
    const [instructionOffset, instructionCount] = rest.split(' ').map(Number);
    const [frame] = await this.frames();
    const { instructions } = await this.client.request<{
      instructions: { address: string; instruction: string; line?: number; symbol?: string; presentationHint?: string }[];
    }>('disassemble', { memoryReference: frame!.instructionPointerReference, instructionOffset, instructionCount });
    return instructions.map(({ address, instruction, line, symbol, presentationHint }) =>
      presentationHint === 'invalid'
        ? '--'
        : `${address === frame!.instructionPointerReference ? '>' : ' '} ${symbol === undefined ? '' : `${symbol}: `}${instruction}${line === undefined ? '' : `  :${line}`}`,
    );
  }

  /** `EXPRESSION COUNT`: bytes at the address that the expression's value shows. */
  private async memory(rest: string): Promise<string[]> {
    const [, expression, count] = /^(.*) (\d+)$/.exec(rest)!;
    const { memoryReference } = await this.client.request<{ memoryReference: string }>('evaluate', {
      expression,
      frameId: await this.frameId(),
    });
    const { data, unreadableBytes } = await this.client.request<{ data: string; unreadableBytes: number }>('readMemory', {
      memoryReference,
      count: Number(count),
    });
    return [`${Buffer.from(data, 'base64').toString('hex')}${unreadableBytes > 0 ? ` (${unreadableBytes} unreadable)` : ''}`];
  }
}

const showFrame = ({ name, line, source }: Frame): string =>
  `${name}${source ? ` at ${path.basename(source.path)}:${line}: ${sourceText(source.path, line)}` : ''}`;

function sourceText(file: string, line: number): string {
  try {
    return readFileSync(file, 'utf8').split('\n')[line - 1]?.trim() ?? '';
  } catch {
    return '(file missing)';
  }
}

const refusal = (answer: DapMessage): string[] => (answer.success === true ? [] : [`refused: ${answer.message}`]);
