// Starts the debug adapter as a process of its own for each session, and asks the person what to do with a program that the verifier rejects.
// Everything a debugger does is the adapter's; this is the door.

import * as vscode from 'vscode';
import { toolchainSettings } from '../machine-settings.ts';
import { NEXT_EVENT, REJECTED, RUN_ANYWAY } from '../requests.ts';
import type { RejectedProgram } from '../requests.ts';

const RUN_ANYWAY_LABEL = 'Run anyway';

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory('ebpf', { createDebugAdapterDescriptor: () => describe(context) }),
    vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (session.type === 'ebpf' && event === REJECTED) void askWhetherToRun(session, body as RejectedProgram);
    }),
    vscode.commands.registerCommand('ebpf.nextEvent', async () => {
      const session = vscode.debug.activeDebugSession;
      if (session?.type === 'ebpf') await session.customRequest(NEXT_EVENT);
    }),
  );
}

/** The adapter runs in the editor's own Node: nothing else needs to be installed. */
function describe(context: vscode.ExtensionContext): vscode.DebugAdapterDescriptor {
  // Where the extension itself is being debugged, a debugger may attach to its adapter too.
  const inspect =
    context.extensionMode === vscode.ExtensionMode.Development && process.execArgv.some((word) => word.startsWith('--inspect'))
      ? ['--inspect=6010']
      : [];
  return new vscode.DebugAdapterExecutable(process.execPath, [...inspect, context.asAbsolutePath('dist/debug-adapter.js')], {
    env: { ELECTRON_RUN_AS_NODE: '1', EBPF_TOOLCHAIN: JSON.stringify(toolchainSettings(context)) },
  });
}

/** The session stands before the first instruction; going on from there runs the program. */
async function askWhetherToRun(session: vscode.DebugSession, rejected: RejectedProgram): Promise<void> {
  const detail = [rejected.message, rejected.explanation, rejected.advice].filter((line) => line !== '').join('\n\n');
  const answer = await vscode.window.showWarningMessage(
    `The kernel would refuse ${rejected.program}.`,
    { modal: true, detail },
    RUN_ANYWAY_LABEL,
  );
  if (answer === RUN_ANYWAY_LABEL) await session.customRequest(RUN_ANYWAY);
  else await vscode.debug.stopDebugging(session);
}
