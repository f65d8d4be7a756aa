// Commands that switch the inlay hints of BPF documents on and off. The hints come from the language server;
// VS Code's own `editor.inlayHints.enabled` stands above all of them.

import * as vscode from 'vscode';

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    // C has values of variables, assembly has registers.
    vscode.commands.registerCommand('ebpf.toggleValueHints', () =>
      toggle(vscode.window.activeTextEditor?.document.languageId === 'ebpf-asm' ? 'registers' : 'values'),
    ),
    vscode.commands.registerCommand('ebpf.toggleInstructionCounts', () => toggle('instructionCounts')),
  );
}

async function toggle(kind: 'values' | 'registers' | 'instructionCounts'): Promise<void> {
  const key = `inlayHints.${kind}`;
  const section = vscode.workspace.getConfiguration('ebpf');
  const target =
    section.inspect(key)?.workspaceValue === undefined ? vscode.ConfigurationTarget.Global : vscode.ConfigurationTarget.Workspace;
  const on = !section.get<boolean>(key, false);
  await section.update(key, on, target);
  const shown = vscode.workspace.getConfiguration('editor').get<string>('inlayHints.enabled', 'on');
  if (on && shown === 'off')
    void vscode.window.showInformationMessage(
      'Inlay hints are switched off in this editor: the setting "editor.inlayHints.enabled" decides.',
    );
  else vscode.window.setStatusBarMessage(`eBPF: ${NAMES[kind]} ${on ? 'shown' : 'hidden'}`, 3000);
}

const NAMES = {
  values: 'what the verifier knows is',
  registers: 'what instructions change is',
  instructionCounts: 'instructions processed are',
} as const;
