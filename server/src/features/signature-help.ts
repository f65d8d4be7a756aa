// Signature help: the parameters of the helper, kernel function or function of this file whose brackets are open at the cursor.

import type { Position, SignatureHelp } from 'vscode-languageserver';
import { helperByName, kfuncByName, type Parameter } from '#core/catalog';
import { helperPermission, kfuncPermission, surroundingsOf } from '../describe.ts';
import type { Document } from '../documents.ts';
import type { ServerSettings } from '../settings.ts';
import { enclosingCall } from './completion-c.ts';

interface Callable {
  name: string;
  returns: string;
  parameters: readonly Parameter[];
  variadic?: boolean;
  words?: string | undefined;
}

export function signatureHelp(document: Document, position: Position, settings: ServerSettings): SignatureHelp | undefined {
  if (document.language !== 'c') return undefined;
  const offset = document.lines.offset(position);
  const call = enclosingCall(document.text, offset);
  const callable = call && find(document, call.name, offset, settings);
  if (!callable) return undefined;

  let label = `${callable.returns}${callable.returns.endsWith('*') ? '' : ' '}${callable.name}(`;
  const parameters: { label: [number, number] }[] = [];
  const texts = callable.parameters.map(({ type, name }) => (name ? `${type}${type.endsWith('*') ? '' : ' '}${name}` : type));
  if (callable.variadic) texts.push('...');
  texts.forEach((text, index) => {
    if (index > 0) label += ', ';
    parameters.push({ label: [label.length, label.length + text.length] });
    label += text;
  });
  label += ')';
  // The arguments behind the last named one all belong to `...`.
  const activeParameter = callable.variadic ? Math.min(call.argument, texts.length - 1) : call.argument;
  return {
    signatures: [{ label, parameters, ...(callable.words ? { documentation: { kind: 'markdown', value: callable.words } } : {}) }],
    activeSignature: 0,
    activeParameter,
  };
}

function find(document: Document, name: string, offset: number, settings: ServerSettings): Callable | undefined {
  const around = surroundingsOf(document.syntax?.programAt(offset)?.section.name, settings.targetKernel);
  const refused = ({ allowed, reason }: { allowed: boolean; reason?: string }): string => (allowed ? '' : `**Not here:** ${reason}\n\n`);
  const helper = helperByName(name);
  if (helper)
    return {
      name,
      returns: helper.returnType,
      parameters: helper.parameters,
      variadic: helper.variadic ?? false,
      words: refused(helperPermission(helper, around)) + (helper.details ?? helper.summary),
    };
  const kfunc = kfuncByName(name);
  if (kfunc) return { name, returns: kfunc.returnType, parameters: kfunc.parameters, words: refused(kfuncPermission(kfunc, around)) };
  const own = document.syntax?.functions.find((one) => one.name === name);
  return own && { name, returns: own.returns, parameters: own.parameters };
}
