// "eBPF: Verify": the verdict on each program of a file with the verifier's log, in an output channel that paints logs.

import * as vscode from 'vscode';
import { VERIFY } from '../requests.ts';
import { ask } from './language-server.ts';

let channel: vscode.OutputChannel | undefined;

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    vscode.commands.registerCommand('ebpf.verify', (target?: vscode.Uri, program?: string) => verify(context, target, program)),
    vscode.commands.registerCommand('ebpf.showLog', () => output(context).show(true)),
  );
}

function output(context: vscode.ExtensionContext): vscode.OutputChannel {
  if (!channel) context.subscriptions.push((channel = vscode.window.createOutputChannel('eBPF Verifier', 'bpf-verifier-log')));
  return channel;
}

async function verify(context: vscode.ExtensionContext, target: vscode.Uri | undefined, program: string | undefined): Promise<void> {
  const uri = target ?? vscode.window.activeTextEditor?.document.uri;
  if (!uri) {
    void vscode.window.showInformationMessage('Open a .bpf.c or .bpf.s file in the editor to verify it.');
    return;
  }
  const answer = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Verifying…' }, () => ask<{ text: string }>(context, VERIFY, { uri: uri.toString(), ...(program === undefined ? {} : { program }) }));
  const shown = output(context);
  shown.replace(answer?.text ?? 'The language server gave no answer; see the output channel "eBPF Workbench".');
  shown.show(true);
}
