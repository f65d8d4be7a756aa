// Hover in assembly: registers, helpers, labels, directives' maps, and otherwise the instruction of the line with its encoding.

import type { Hover, Position } from 'vscode-languageserver';
import { findSection, helperByName, programType } from '#core/catalog';
import { encode, formatClassicInsn, formatLlvmInsn, isLdImm64, lookup } from '#core/isa';
import { toHex } from '#core/bytes';
import type { KnownValue } from '#core/verifier';
import type { Checked } from '../check.ts';
import { helperMarkdown, sectionMarkdown, surroundingsOf } from '../describe.ts';
import type { Document } from '../documents.ts';
import { Knowledge } from '../knowledge.ts';
import { knownWords } from '../known-words.ts';
import type { ServerSettings } from '../settings.ts';
import { wordAt } from './hover.ts';
import { placeOf } from './inlay-hints.ts';

const ROLES: Readonly<Record<number, string>> = {
  0: 'the return value: of calls, and of the program at its exit.',
  1: 'first argument of calls; at the start of a program its context. A call destroys it.',
  2: 'second argument of calls. A call destroys it.',
  3: 'third argument of calls. A call destroys it.',
  4: 'fourth argument of calls. A call destroys it.',
  5: 'fifth argument of calls. A call destroys it.',
  6: 'kept over calls.',
  7: 'kept over calls.',
  8: 'kept over calls.',
  9: 'kept over calls.',
  10: 'the frame pointer: the stack lies below it, `r10 - 512` up to `r10 - 1`. It cannot be written.',
};

export function hoverAsm(
  document: Document,
  position: Position,
  settings: ServerSettings,
  checked: Checked | undefined,
): Hover | undefined {
  const { asm, lines, text } = document;
  if (!asm) return undefined;
  const offset = lines.offset(position);
  const line = position.line + 1;
  const column = position.character + 1;
  const answer = (value: string, start: number, end: number): Hover => ({
    contents: { kind: 'markdown', value },
    range: lines.range(start, end),
  });
  const section = asm.sectionAt(line);
  const statement = asm.insnAt(line, column);
  const word = wordAt(text, offset);

  const quoted = /\.section\s+"?([^",\s]+)/.exec(lines.line(position.line));
  if (quoted) {
    const known = findSection(quoted[1]!);
    const start = lines.offset({ line: position.line, character: quoted.index + quoted[0].lastIndexOf(quoted[1]!) });
    return known && answer(sectionMarkdown(quoted[1]!, known, settings.targetKernel), start, start + quoted[1]!.length);
  }
  if (word && statement) {
    const register = /^([rw])(10|\d)$/.exec(word.name);
    if (register) {
      const number = Number(register[2]);
      const half = register[1] === 'w' ? ` \`w${number}\` is its low half; writing it clears the high one.` : '';
      const context = number === 1 && section ? programType(findSection(section)?.programType ?? '')?.context : undefined;
      const known = stateOf(document, checked, line, number);
      return answer(
        [
          `**r${number}**: ${ROLES[number]!}${half}`,
          ...(context ? [`Here the context is a \`${context} *\`.`] : []),
          ...(known ? [known] : []),
        ].join('\n\n'),
        word.start,
        word.end,
      );
    }
    const helper = helperByName(word.name);
    if (helper) return answer(helperMarkdown(helper, surroundingsOf(section, settings.targetKernel)), word.start, word.end);
    const reference = asm.referenceAt(line, column);
    if (reference?.definition) {
      return answer(
        `\`${reference.name}\`, line ${reference.definition.line}: \`${lines.line(reference.definition.line - 1).trim()}\``,
        word.start,
        word.end,
      );
    }
  }
  if (!statement) return undefined;
  const { insn, record } = statement;
  const next = statement.section.insns[record.insn + 1];
  const form = lookup(insn);
  const slots = isLdImm64(insn) && next ? [insn, next] : [insn];
  const start = lines.offset({ line: position.line, character: record.column - 1 });
  return answer(
    [
      form?.summary ?? 'No known instruction.',
      `\`\`\`ebpf-asm\n${formatLlvmInsn(statement.section.insns, record.insn)}\n${formatClassicInsn(statement.section.insns, record.insn)}\n\`\`\``,
      `Slot ${record.insn}: \`${toHex(encode(slots), ' ')}\`${form?.since ? `, since Linux ${form.since}` : ''}.`,
    ].join('\n\n'),
    start,
    start + record.text.length,
  );
}

/** What the verifier knew of a register before and after the instruction, where it kept its states for this version of the text. */
function stateOf(document: Document, checked: Checked | undefined, line: number, register: number): string | undefined {
  if (checked?.version !== document.version) return undefined;
  const said = new Knowledge(checked, (file) => document.isFile(file)).insnsOf(line).flatMap(({ program, insn, state }) => {
    const before = state.registers[register];
    const after = state.after.flatMap(({ to, registers }) => (registers[register] ? [{ to, value: registers[register] }] : []));
    if (!before && after.length === 0) return [];
    const branches = state.after.length > 1;
    return [
      before ? `**Before:** ${valueText(before)}` : '**Before:** never written',
      ...(after.length === 0
        ? ['**After:** the same']
        : after.map(
            ({ to, value }) =>
              `**After**${branches ? ` (${to === insn + 1 ? 'not taken' : `taken, to ${placeOf(program, to)}`})` : ''}**:** ${valueText(value)}`,
          )),
    ];
  });
  return said.length === 0 ? undefined : `The verifier knows of r${register}\n\n${[...new Set(said)].map((one) => `- ${one}`).join('\n')}`;
}

const valueText = (value: KnownValue): string =>
  `${knownWords(value, undefined)}${value.texts.length > 0 ? ` (${value.texts.map((text) => `\`${text}\``).join(', ')})` : ''}`;
