// From a Python script with BCC's C in a string to a loaded object whose places are the script's: finds and rewrites the C, compiles it,
// and leads messages, line records and declarations back. The script is read, never run.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Btf, type BtfComposite, findMember } from '#core/btf';
import { findSection } from '#core/catalog';
import { attachments, type BpfObject, type KernelFacts, type LocatedText, readPython, rewrite, type Rewritten } from '#core/bcc';
import { type Problem, error, note, type SourceSpan, warning } from '#core/problem';
import { type LoadedObject, type LoadOptions, loadObject, type MapDefinition, type Program } from '#core/program';
import { bccParsers } from './bcc-parsers.ts';
import { compile } from './compile.ts';
import type { Compiler } from './find-compiler.ts';
import { readTargetKernel } from './kernel-btf.ts';
import type { ToolchainSettings } from './settings.ts';
import { tracepointRecord } from './tracepoint-records.ts';

export interface BccSource {
  /** Absolute path of the script. */
  file: string;
  text: string;
}

export interface BccUnit {
  object: BpfObject;
  /** Where `source`'s characters stand: the script, or the file that `src_file=` names. */
  place: BccSource;
  source: LocatedText;
  rewritten: Rewritten;
  /** What clang gets. Lines are named by `#line`. */
  text: string;
  problems: readonly Problem[];
}

/** Definitions a script may add by `cflags=`; what names files is left out, since a file of the workspace says it. */
const SAFE_FLAG = /^-[DU]\w+(?:=[^\n]*)?$/;

/** The C of a script; undefined with the reason where there is none. */
export async function readBcc(script: BccSource, settings: ToolchainSettings = {}): Promise<BccUnit | { problems: readonly Problem[] }> {
  const parsers = await bccParsers();
  const { btf } = readTargetKernel(settings);
  const objects = readPython(script.text, parsers.python, btf ? kernelFacts(btf) : {});
  const at = (message: string, object: BpfObject | undefined): { problems: readonly Problem[] } => ({
    problems: [
      error(message, { code: 'bcc-text', ...(object ? { span: spanOf(script, object.node.startIndex, object.node.endIndex) } : {}) }),
    ],
  });
  const object = objects.findLast(({ text, srcFile }) => (text?.text.trim() ?? '') !== '' || srcFile !== undefined) ?? objects.at(-1);
  if (!object) return at('no BPF(text=…) is made in this script', undefined);
  let place = script;
  let source = object.text;
  if (!source && object.srcFile !== undefined) {
    const file = path.resolve(path.dirname(script.file), object.srcFile);
    // Only what lies beside or below the script: a script is no reason to read elsewhere.
    if (path.relative(path.dirname(script.file), file).startsWith('..'))
      return at(`${object.srcFile} lies outside the script's folder and is not read`, object);
    try {
      const text = await readFile(file, 'utf8');
      place = { file, text };
      source = { text, origin: Array.from({ length: text.length }, (_, index) => index) };
    } catch (reason) {
      return at(`${object.srcFile} cannot be read: ${(reason as Error).message}`, object);
    }
  }
  if (!source) return at('the C text of this BPF object depends on what only a run of the script can tell', object);
  return unitOf(object, place, source, parsers.c, script, settings);
}

function kernelFacts(btf: Btf): KernelFacts {
  return {
    hasFunction: (name) => btf.find(name, 'func') !== undefined,
    hasField: (struct, field) => {
      const id = btf.find(struct, 'struct');
      return id !== undefined && findMember(btf, btf.type(id) as BtfComposite, field) !== undefined;
    },
  };
}

function unitOf(
  object: BpfObject,
  place: BccSource,
  source: LocatedText,
  parseC: Parameters<typeof rewrite>[2],
  script: BccSource,
  settings: ToolchainSettings,
): BccUnit {
  const { btf } = readTargetKernel(settings);
  // vmlinux.h is the newest kernel's, whatever the target.
  const { btf: declared } = readTargetKernel(settings.kernelBtf === undefined ? {} : { kernelBtf: settings.kernelBtf });
  const rewritten = rewrite(source.text, attachments(object), parseC, (name) => declared?.find(name, 'struct') !== undefined);
  const problems: Problem[] = rewritten.problems.map((problem) => ({
    ...problem,
    ...(problem.span ? { span: cooked(problem.span) } : {}),
  }));
  // Once for each marker that is part of the text: a verdict is then one of a template.
  for (const { marker, taken, start } of place.file === script.file ? object.guesses : [])
    problems.push(
      warning(
        `only a run of the script says what replaces ${marker}; ${taken === '' ? 'it is left out' : `${taken} is read in its place`}, ` +
          'so the verdict is that of a template',
        { code: 'bcc-template', span: spanOf(place, start, start + marker.length) },
      ),
    );
  const head: string[] = [];
  for (const { category, event } of rewritten.tracepoints) {
    const definition = tracepointRecord(category, event, btf);
    if (definition !== undefined) head.push(definition);
    else problems.push(error(`the kernel has no tracepoint ${category}:${event}`, { code: 'bcc-tracepoint', ...spanOfEvent(event) }));
  }
  const flags = object.cflags
    .filter((flag) => SAFE_FLAG.test(flag))
    .map((flag) => flag.replace(/^-D(\w+)=?/, '#define $1 ').replace(/^-U/, '#undef '));
  const license = /\b_license\b|SEC\("license"\)|BPF_LICENSE/.exec(source.text) ? [] : ['char _license[] SEC("license") = "GPL";'];
  const text = ['#include "vmlinux.h"', '#include <bcc/bcc.h>', ...flags, ...head, ...license, ...numbered()].join('\n');
  return { object, place, source, rewritten, text, problems };

  function cooked(span: SourceSpan): SourceSpan {
    const lines = starts(source.text);
    const from = source.origin[lines[span.line - 1]! + span.column - 1] ?? 0;
    const to = source.origin[(lines[(span.endLine ?? span.line) - 1] ?? 0) + (span.endColumn ?? span.column) - 2] ?? from;
    return spanOf(place, from, to + 1);
  }
  function spanOfEvent(event: string): { span?: SourceSpan } {
    const found = source.text.indexOf(event);
    return found < 0 ? {} : { span: spanOf(place, source.origin[found]!, source.origin[found]! + event.length) };
  }
  /** The C with a `#line` wherever the script's lines and the C's part ways. */
  function numbered(): string[] {
    const out: string[] = [];
    const lineStarts = starts(place.text);
    let expected = -1;
    let offset = 0;
    for (const line of rewritten.text.split('\n')) {
      const origin = scriptOffset(offset, line.length, rewritten, source);
      const number = origin === undefined ? expected : lineAt(lineStarts, origin);
      if (number !== expected && number > 0) out.push(`#line ${number} ${JSON.stringify(place.file)}`);
      out.push(line);
      // A line that goes on in the next one (\) is one to the preprocessor: a directive inside it would be text.
      expected = number + 1;
      offset += line.length + 1;
    }
    return withoutInnerDirectives(out);
  }
}

/** `#line` may not stand inside a macro's definition that goes on. */
const withoutInnerDirectives = (lines: readonly string[]): string[] =>
  lines.filter((line, index) => !line.startsWith('#line ') || !lines[index - 1]?.endsWith('\\'));

function scriptOffset(start: number, length: number, rewritten: Rewritten, source: LocatedText): number | undefined {
  for (let at = start; at <= start + length; at++) {
    const cooked = rewritten.origin[at];
    const origin = cooked === undefined ? undefined : source.origin[cooked];
    if (origin !== undefined && origin >= 0) return origin;
  }
  return undefined;
}

export interface BccOpenOptions {
  settings: ToolchainSettings;
  compiler: Compiler;
  load: LoadOptions;
  signal?: AbortSignal;
}

export interface BccOpened {
  object?: LoadedObject;
  problems: readonly Problem[];
  cancelled: boolean;
  timings: { compile: number; load: number };
}

export async function openBcc(script: BccSource, options: BccOpenOptions): Promise<BccOpened> {
  const unit = await readBcc(script, options.settings);
  const timings = { compile: 0, load: 0 };
  if (!('rewritten' in unit)) return { problems: unit.problems, cancelled: false, timings };
  const built = await compile({
    // A name that clang takes for C; lines are named by the script.
    file: `${script.file}.bcc.c`,
    text: unit.text,
    compiler: options.compiler,
    settings: options.settings,
    ...(options.signal ? { signal: options.signal } : {}),
  });
  timings.compile = built.ms;
  const back = new WayBack(unit);
  // What we said of a place says more than what clang says of our rewriting of it.
  const said = new Set(unit.problems.filter(({ severity }) => severity === 'error').map(({ span }) => `${span?.line}:${span?.column}`));
  const ofClang = built.problems.map((problem) => back.problem(problem)).filter(({ span }) => !said.has(`${span?.line}:${span?.column}`));
  const problems = [...unit.problems, ...ofClang];
  if (!built.object || unit.problems.some(({ severity }) => severity === 'error')) return { problems, cancelled: built.cancelled, timings };
  const started = performance.now();
  const loaded = loadObject(built.object, script.file, options.load);
  timings.load = performance.now() - started;
  const object: LoadedObject = {
    ...loaded,
    programs: everywhere(loaded.programs, unit.object, problems).map((program) => ({
      ...program,
      lines: program.lines.map((line) => ({ ...line, ...back.place(line) })),
    })),
    maps: withSlots(loaded.maps, unit.object),
  };
  if (object.programs.length === 0) problems.push(note('the script attaches no function of its C text', { code: 'bcc-no-program' }));
  return { object, problems: [...problems, ...loaded.problems], cancelled: false, timings };
}

/**
 * A function that is attached in several places is one program each. BCC loads a function once, so a place of another type gets the
 * program that is there, which the kernel refuses.
 */
function everywhere(programs: readonly Program[], object: BpfObject, problems: Problem[]): readonly Program[] {
  const attached = attachments(object);
  return programs.flatMap((program) => [
    program,
    ...attached
      .filter(({ program: name, section }) => name === program.name && section !== program.section)
      .flatMap(({ section }) => {
        const found = findSection(section);
        if (found?.programType === program.type && found?.target !== undefined)
          return [{ ...program, section, attachTarget: found.target }];
        if (found?.programType !== program.type)
          problems.push(
            warning(`${program.name} is loaded for ${program.section} already; the kernel does not attach it to ${section} too`, {
              code: 'bcc-attach-type',
            }),
          );
        return [];
      }),
  ]);
}

/** What the script writes into prog arrays before its loop. */
function withSlots(maps: readonly MapDefinition[], object: BpfObject): readonly MapDefinition[] {
  return maps.map((map) => {
    if (map.type !== 'prog_array') return map;
    const slots = object.writes.flatMap(({ table, key, value }) =>
      table === map.name && key.kind === 'number' && value.kind === 'program' ? [{ index: key.value, target: value.name }] : [],
    );
    return slots.length > 0 ? { ...map, slots: [...(map.slots ?? []), ...slots] } : map;
  });
}

/** From lines and columns of the rewritten text to those of the script. */
class WayBack {
  /** Of each line of the script that has C: where the rewritten text's line starts. */
  private readonly lines = new Map<number, number>();
  private readonly scriptStarts: readonly number[];

  constructor(private readonly unit: BccUnit) {
    const { rewritten, source, place } = unit;
    this.scriptStarts = starts(place.text);
    let offset = 0;
    for (const line of rewritten.text.split('\n')) {
      const origin = scriptOffset(offset, line.length, rewritten, source);
      if (origin !== undefined) {
        const number = lineAt(this.scriptStarts, origin);
        if (!this.lines.has(number)) this.lines.set(number, offset);
      }
      offset += line.length + 1;
    }
  }

  place<T extends { file: string; line: number; column: number }>(given: T): T {
    const start = this.lines.get(given.line);
    if (path.resolve(given.file) !== this.unit.place.file || start === undefined || given.column === 0) return given;
    const { rewritten, source, place } = this.unit;
    const origin = source.origin[rewritten.origin[start + given.column - 1] ?? -1];
    if (origin === undefined || origin < 0) return given;
    const line = lineAt(this.scriptStarts, origin);
    // What came from another line by a template stays on the line that clang named.
    if (line !== given.line) return given;
    const lineStart = this.scriptStarts[line - 1]!;
    return { ...given, column: origin - lineStart + 1, ...('text' in given ? { text: lineText(place.text, lineStart) } : {}) };
  }

  problem(problem: Problem): Problem {
    return {
      ...problem,
      ...(problem.span ? { span: this.span(problem.span) } : {}),
      ...(problem.related ? { related: problem.related.map((one) => ({ ...one, span: this.span(one.span) })) } : {}),
    };
  }

  private span(span: SourceSpan): SourceSpan {
    const from = this.place(span);
    if (span.endLine === undefined || span.endColumn === undefined) return from;
    const to = this.place({ file: span.file, line: span.endLine, column: Math.max(1, span.endColumn - 1) });
    return { ...from, endLine: to.line, endColumn: Math.max(to.column + 1, to.line === from.line ? from.column + 1 : 1) };
  }
}

function starts(text: string): number[] {
  const out = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) out.push(at + 1);
  return out;
}

/** The line, from 1, that an offset lies in. */
function lineAt(lineStarts: readonly number[], offset: number): number {
  let [low, high] = [0, lineStarts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lineStarts[middle]! <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

const lineText = (text: string, start: number): string => {
  const end = text.indexOf('\n', start);
  return text.slice(start, end < 0 ? undefined : end).replace(/\r$/, '');
};

function spanOf({ file, text }: BccSource, start: number, end: number): SourceSpan {
  const lineStarts = starts(text);
  const [line, endLine] = [lineAt(lineStarts, start), lineAt(lineStarts, end)];
  return { file, line, column: start - lineStarts[line - 1]! + 1, endLine, endColumn: end - lineStarts[endLine - 1]! + 1 };
}
