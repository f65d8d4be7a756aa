// The extension's entry: a list of features, each with activate(context). Everything heavy is imported when it is first needed,
// so that opening a C file costs milliseconds.

import type * as vscode from 'vscode';
import * as codeLenses from './features/code-lenses.ts';
import * as debugAdapter from './features/debug-adapter.ts';
import * as debugConfiguration from './features/debug-configuration.ts';
import * as inlayHints from './features/inlay-hints.ts';
import * as installCompiler from './features/install-compiler.ts';
import * as kernelTerminal from './features/kernel-terminal.ts';
import * as kernelView from './features/kernel-view.ts';
import * as languageServer from './features/language-server.ts';
import * as mapsView from './features/maps-view.ts';
import * as readVerifierLog from './features/read-verifier-log.ts';
import * as registersView from './features/registers-view.ts';
import * as statusBar from './features/status-bar.ts';
import * as verifyCommand from './features/verify-command.ts';

const FEATURES = [
  languageServer,
  debugAdapter,
  debugConfiguration,
  kernelTerminal,
  kernelView,
  mapsView,
  registersView,
  codeLenses,
  verifyCommand,
  readVerifierLog,
  inlayHints,
  statusBar,
  installCompiler,
];

export function activate(context: vscode.ExtensionContext): void {
  for (const feature of FEATURES) feature.activate(context);
}

export function deactivate(): Promise<void> | undefined {
  return languageServer.stop();
}
