// The status bar's item of a BPF document: verdict, target kernel and the verifier's time. A click chooses the target kernel.
// The server knows programs and verdicts; this only shows them.

import * as vscode from 'vscode';
import { PROGRAMS } from '../requests.ts';
import type { ProgramLens } from '../requests.ts';
import { targetKernel } from '../machine-settings.ts';
import { ask, onProgramsChanged } from './language-server.ts';

/** What can be chosen, newest first, as the manifest lists them. */
const KERNELS: readonly { label: string; detail: string }[] = [
  { label: '6.18', detail: "The verifier's reference: verdict, messages and counts are compared with it" },
  { label: '6.12', detail: 'Long-term release, November 2024; Debian 13' },
  { label: '6.6', detail: 'Long-term release, October 2023' },
  { label: '6.1', detail: 'Long-term release, December 2022; Debian 12, Amazon Linux 2023' },
  { label: '5.15', detail: 'Long-term release, October 2021; Ubuntu 22.04' },
  { label: '5.10', detail: 'Long-term release, December 2020; Debian 11, Android 12' },
  { label: '5.4', detail: 'Long-term release, November 2019; Ubuntu 20.04' },
];

export function activate(context: vscode.ExtensionContext): void {
  const item = vscode.window.createStatusBarItem('ebpf.status', vscode.StatusBarAlignment.Right, 100);
  item.name = 'eBPF Verifier';
  item.command = 'ebpf.selectTargetKernel';
  const show = (): void => void update(context, item);
  context.subscriptions.push(
    item,
    vscode.window.onDidChangeActiveTextEditor(show),
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (document === vscode.window.activeTextEditor?.document) show();
    }),
    onProgramsChanged(show),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('ebpf.targetKernel')) show();
    }),
    vscode.commands.registerCommand('ebpf.selectTargetKernel', selectTargetKernel),
  );
  show();
}

async function update(context: vscode.ExtensionContext, item: vscode.StatusBarItem): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (!document || !(document.languageId === 'ebpf-asm' || (document.languageId === 'c' && /\bSEC\s*\(/.test(document.getText()))))
    return item.hide();
  const answer = await ask<{ programs: readonly ProgramLens[] }>(context, PROGRAMS, { uri: document.uri.toString() });
  // Another editor may have come to the front meanwhile.
  if (document !== vscode.window.activeTextEditor?.document) return;
  if (!answer || answer.programs.length === 0) return item.hide();
  show(item, answer.programs);
}

function show(item: vscode.StatusBarItem, programs: readonly ProgramLens[]): void {
  const kernel = targetKernel();
  const { icon, words, background } = verdictOf(programs);
  const ms = programs.reduce((sum, program) => sum + (program.ms ?? 0), 0);
  const time = programs.some((program) => program.ms !== undefined) ? ` · ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : '';
  item.text = `${icon} Linux ${kernel}: ${words}${time}`;
  item.accessibilityInformation = {
    label: `eBPF verifier: ${words} by Linux ${kernel}${time.replace(' ·', ',')}. Choose the target kernel`,
    role: 'button',
  };
  item.backgroundColor = background === undefined ? undefined : new vscode.ThemeColor(background);
  const tooltip = new vscode.MarkdownString(programs.map(({ name, summary }) => `\`${name}\`: ${summary}`).join('\n\n'));
  tooltip.appendMarkdown('\n\nClick to choose the target kernel.');
  item.tooltip = tooltip;
  item.show();
}

/** The worst of a document's verdicts. */
function verdictOf(programs: readonly ProgramLens[]): { icon: string; words: string; background?: string } {
  const count = (verdict: ProgramLens['verdict']): number => programs.filter((program) => program.verdict === verdict).length;
  const some = (number: number): string => (programs.length === 1 ? '' : `${number} of ${programs.length} `);
  if (count('pending') > 0) return { icon: '$(sync~spin)', words: 'verifying' };
  if (count('rejected') > 0)
    return { icon: '$(error)', words: `${some(count('rejected'))}rejected`, background: 'statusBarItem.errorBackground' };
  if (count('error') > 0) return { icon: '$(warning)', words: `${some(count('error'))}not verified` };
  if (count('cancelled') > 0) return { icon: '$(warning)', words: `${some(count('cancelled'))}given up` };
  return { icon: '$(pass)', words: programs.length === 1 ? 'accepted' : `all ${programs.length} accepted` };
}

async function selectTargetKernel(): Promise<void> {
  const now = targetKernel();
  const items = KERNELS.map(({ label, detail }) => ({ label, detail, ...(label === now ? { description: 'chosen now' } : {}) }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: 'Target kernel',
    placeHolder: `Whose rules hold for completion, hover and the verdict? Now: Linux ${now}`,
    matchOnDetail: true,
  });
  if (!chosen || chosen.label === now) return;
  const section = vscode.workspace.getConfiguration('ebpf');
  const ofWorkspace = section.inspect('targetKernel')?.workspaceValue !== undefined;
  await section.update(
    'targetKernel',
    chosen.label,
    ofWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global,
  );
}
