// Quick fixes of the verifier's findings. Each proposal is applied to the text, compiled and verified before anybody sees it:
// offered is only what makes the finding go away and brings no new error.

import { type CodeAction, CodeActionKind, type Diagnostic, type TextEdit } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Program } from '#core/program';
import type { Finding } from '#core/verifier';
import { type Checked, lineOf } from '../check.ts';
import type { Document } from '../documents.ts';
import type { Host } from '../host.ts';
import { Knowledge } from '../knowledge.ts';
import type { ServerSettings } from '../settings.ts';
import type { DiagnosticData } from './diagnostics.ts';
import { proposedFixes, type ProposedFix } from './fix-edits.ts';

export interface QuickFixOptions {
  host: Host;
  settings: ServerSettings;
  unsaved: ReadonlyMap<string, string>;
}

interface TrialOptions extends QuickFixOptions {
  signal: AbortSignal;
}

/** What was tried for one result of a document: an editor asks several times, for the light bulb and for the menu. */
interface Trials {
  checked: Checked;
  controller: AbortController;
  actions: Map<string, Promise<CodeAction[]>>;
}

export class QuickFixes {
  private readonly trials = new Map<string, Trials>();

  /** The text has changed: nobody waits for the trials any more. */
  forget(uri: string): void {
    this.trials.get(uri)?.controller.abort();
    this.trials.delete(uri);
  }

  async of(
    document: Document,
    checked: Checked | undefined,
    diagnostics: readonly Diagnostic[],
    options: QuickFixOptions,
  ): Promise<CodeAction[]> {
    if (!checked || checked.version !== document.version) return [];
    let trials = this.trials.get(document.uri);
    if (trials?.checked !== checked) {
      this.forget(document.uri);
      this.trials.set(document.uri, (trials = { checked, controller: new AbortController(), actions: new Map() }));
    }
    const found: CodeAction[] = [];
    for (const diagnostic of diagnostics) {
      const { program, insn } = (diagnostic.data ?? {}) as DiagnosticData;
      const key = JSON.stringify([diagnostic.code, program, insn]);
      let actions = trials.actions.get(key);
      if (!actions)
        trials.actions.set(key, (actions = quickFixes(document, checked, diagnostic, { ...options, signal: trials.controller.signal })));
      found.push(...(await actions));
    }
    return found;
  }
}

/** A fix must be judged while a person waits for the menu; counted, so that every machine offers the same. */
const TRIAL_STEPS = 200_000;

async function quickFixes(document: Document, checked: Checked, diagnostic: Diagnostic, options: TrialOptions): Promise<CodeAction[]> {
  const found = findingOf(checked, diagnostic);
  if (!found) return [];
  const knowledge = new Knowledge(checked, (file) => document.isFile(file));
  const isUnsigned = (variable: string, line: number): boolean => {
    const around = document.syntax?.functionAt(document.lines.offset({ line: line - 1, character: document.lines.line(line - 1).length }));
    if (!around) return false;
    const type = knowledge.variable(
      variable,
      { firstLine: document.lines.position(around.start).line + 1, lastLine: document.lines.position(around.end).line + 1 },
      knowledge.insnsOf(line),
    )?.type;
    return type?.kind === 'integer' && !type.signed;
  };
  const actions: CodeAction[] = [];
  for (const proposed of proposedFixes(document, found.program, found.finding, (variable, insn) =>
    isUnsigned(variable, lineOf(found.program, insn)?.line ?? 1),
  )) {
    const outcome = await tried(document, checked, found, proposed, options);
    if (options.signal.aborted) return [];
    if (outcome === 'no') continue;
    actions.push({
      title: proposed.title,
      kind: CodeActionKind.QuickFix,
      diagnostics: [diagnostic],
      isPreferred: outcome === 'accepted' && actions.length === 0 && found.finding.fix?.kind !== 'return-range',
      edit: { documentChanges: [{ textDocument: { uri: document.uri, version: document.version }, edits: [...proposed.edits] }] },
    });
  }
  return actions;
}

interface Found {
  program: Program;
  finding: Finding;
}

function findingOf(checked: Checked, { code, data }: Diagnostic): Found | undefined {
  const { program: name, insn } = (data ?? {}) as DiagnosticData;
  for (const { program, verdict } of checked.programs) {
    const finding = program.name === name ? verdict.findings.find((one) => one.insn === insn && one.code === code) : undefined;
    if (finding) return { program, finding };
  }
  return undefined;
}

export const applied = (document: Document, edits: readonly TextEdit[]): string =>
  TextDocument.applyEdits(TextDocument.create(document.uri, document.language, document.version, document.text), [...edits]);

/** `accepted`: the whole program is; `mended`: this finding is gone, and what is left was there before. */
async function tried(
  document: Document,
  checked: Checked,
  { program, finding }: Found,
  { edits }: ProposedFix,
  { host, settings, unsaved, signal }: TrialOptions,
): Promise<'accepted' | 'mended' | 'no'> {
  const text = applied(document, edits);
  const { file, language } = document;
  const { object, problems, cancelled } = await host.open({ file, text, language, unsaved, settings, signal });
  if (cancelled || !object || problems.some(({ severity }) => severity === 'error')) return 'no';
  const verdicts = await host.verify({
    object,
    file,
    text,
    language,
    settings,
    logLevel: 0,
    keepStates: false,
    steps: TRIAL_STEPS,
    only: program.name,
    signal,
  });
  const verdict = verdicts?.[0]?.verdict;
  if (!verdict || verdict.verdict === 'cancelled') return 'no';
  const same = (a: Finding, b: Finding): boolean =>
    a.code === b.code && a.explanation === b.explanation && a.message.replace(/\d+/g, '') === b.message.replace(/\d+/g, '');
  if (verdict.findings.some((one) => one.severity === finding.severity && same(one, finding))) return 'no';
  if (verdict.verdict === 'accepted') return 'accepted';
  const before = checked.programs.find((one) => one.program === program)?.verdict.findings ?? [];
  return verdict.findings.every((one) => one.severity === 'warning' || before.some((known) => known.code === one.code)) ? 'mended' : 'no';
}
