// A line above each program: the verifier's verdict with the instructions it processed, and Debug; and one above the line that costs a
// large program most.
// The server knows programs and verdicts; this only shows them.

import * as vscode from 'vscode';
import { PROGRAMS } from '../requests.ts';
import type { ProgramLens } from '../requests.ts';
import { ask, onProgramsChanged } from './language-server.ts';

export function activate(context: vscode.ExtensionContext): void {
  const changed = new vscode.EventEmitter<void>();
  context.subscriptions.push(
    changed,
    onProgramsChanged(() => changed.fire()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('ebpf.codeLens')) changed.fire();
    }),
    vscode.languages.registerCodeLensProvider([{ language: 'c' }, { language: 'ebpf-asm' }], {
      onDidChangeCodeLenses: changed.event,
      provideCodeLenses: async (document, token) => {
        if (!vscode.workspace.getConfiguration('ebpf').get('codeLens', true)) return [];
        if (document.languageId === 'c' && !/\bSEC\s*\(/.test(document.getText())) return [];
        const answer = await ask<{ programs: readonly ProgramLens[] }>(context, PROGRAMS, { uri: document.uri.toString() }, token);
        return (answer?.programs ?? []).flatMap((program) => lensesOf(document.uri, program));
      },
    }),
  );
}

function lensesOf(uri: vscode.Uri, program: ProgramLens): vscode.CodeLens[] {
  const { start, end } = program.range;
  const range = new vscode.Range(start.line, start.character, end.line, end.character);
  const verdict = verdictTitle(program);
  return [
    ...(verdict === undefined
      ? []
      : [
          new vscode.CodeLens(range, {
            title: verdict,
            tooltip: program.message ?? 'Show the verifier log',
            command: 'ebpf.verify',
            arguments: [uri, program.name],
          }),
        ]),
    ...(program.hottest
      ? [
          new vscode.CodeLens(new vscode.Range(program.hottest.line, 0, program.hottest.line, 0), {
            title: `$(flame)\u00a0${program.hottest.title}`,
            tooltip: 'Show or hide the instructions that the verifier processed for each line',
            command: 'ebpf.toggleInstructionCounts',
          }),
        ]
      : []),
    new vscode.CodeLens(range, {
      title: '$(debug-alt-small)\u00a0Debug',
      tooltip: `Run ${program.name} on simulated events and stop at breakpoints`,
      command: 'ebpf.debug',
      arguments: [uri, program.name],
    }),
  ];
}

/** What stands behind it on the line must stay in sight; the whole is in the tooltip and the diagnostic. */
const MAX_TITLE = 110;
const clipped = (text: string): string => (text.length <= MAX_TITLE ? text : `${text.slice(0, text.lastIndexOf(' ', MAX_TITLE))} …`);

/** Icons by verdict. The space behind them is one that the editor does not fold. */
function verdictTitle({ verdict, summary }: ProgramLens): string | undefined {
  switch (verdict) {
    case 'accepted':
      return `$(pass)\u00a0${summary}`;
    case 'rejected':
      return `$(error)\u00a0${clipped(summary)}`;
    case 'error':
    case 'cancelled':
      return `$(warning)\u00a0${summary}`;
    case 'pending':
      return undefined;
  }
}
