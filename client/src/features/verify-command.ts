// "eBPF: Verify": the verdict on each program of a file with the verifier's log, as a read-only document beside the source,
// so that it is painted, folded and searched like any other log.

import * as path from 'node:path';
import * as vscode from 'vscode';
import { VERIFY } from '../requests.ts';
import { ask } from './language-server.ts';

const SCHEME = 'ebpf-verifier';

export function activate(context: vscode.ExtensionContext): void {
  const logs = new Logs();
  context.subscriptions.push(
    logs,
    vscode.workspace.registerTextDocumentContentProvider(SCHEME, logs),
    vscode.commands.registerCommand('ebpf.verify', (target?: vscode.Uri, program?: string) => verify(context, logs, target, program)),
    vscode.commands.registerCommand('ebpf.showLog', () => logs.showLast()),
  );
}

class Logs implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();
  private last: vscode.Uri | undefined;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }

  async show(uri: vscode.Uri, text: string): Promise<void> {
    this.texts.set(uri.toString(), text);
    this.last = uri;
    this.changed.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, 'bpf-verifier-log');
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true, preview: true });
  }

  async showLast(): Promise<void> {
    if (this.last) await this.show(this.last, this.texts.get(this.last.toString()) ?? '');
    else void vscode.window.showInformationMessage('Nothing has been verified yet: run "eBPF: Verify" on a .bpf.c or .bpf.s file.');
  }

  dispose(): void {
    this.changed.dispose();
  }
}

async function verify(
  context: vscode.ExtensionContext,
  logs: Logs,
  target: vscode.Uri | undefined,
  program: string | undefined,
): Promise<void> {
  const uri = target ?? vscode.window.activeTextEditor?.document.uri;
  if (!uri || uri.scheme === SCHEME) {
    void vscode.window.showInformationMessage('Open a .bpf.c or .bpf.s file in the editor to verify it.');
    return;
  }
  const params = { uri: uri.toString(), ...(program === undefined ? {} : { program }) };
  const answer = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Verifying…' }, () =>
    ask<{ text: string } | null>(context, VERIFY, params),
  );
  if (!answer) {
    void vscode.window.showWarningMessage(
      `${path.basename(uri.path)} cannot be verified: it holds no eBPF program that the language server knows.`,
    );
    return;
  }
  const name = `${path.basename(uri.path)}${program === undefined ? '' : ` ${program}`} (verifier)`;
  await logs.show(vscode.Uri.from({ scheme: SCHEME, path: `/${name}`, query: uri.toString() }), answer.text);
}
