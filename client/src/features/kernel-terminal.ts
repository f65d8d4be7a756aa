// "eBPF: Open the Simulated Kernel's Terminal": `ebpfw shell` behind a Pseudoterminal, in the folder of the open program, with the event file
// that stands beside it. The shell itself, line editing included, is the command line's: here are only its keys and its text.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { toolchainSettings } from '../machine-settings.ts';
import { OPEN_TERMINAL, TERMINAL_INPUT, TERMINAL_OUTPUT } from '../requests.ts';

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    vscode.commands.registerCommand('ebpf.openKernelTerminal', () => {
      const session = vscode.debug.activeDebugSession;
      if (session?.type === 'ebpf') return show(new SessionTerminal(session));
      const place = placeOfTerminal();
      if (!place) {
        void vscode.window.showInformationMessage('Open a folder first: the terminal shows its programs and objects.');
        return undefined;
      }
      return show(new KernelTerminal(context, place));
    }),
  );
}

function show(pty: vscode.Pseudoterminal): vscode.Terminal {
  const terminal = vscode.window.createTerminal({ name: 'Simulated Kernel', iconPath: new vscode.ThemeIcon('server-environment'), pty });
  terminal.show();
  return terminal;
}

interface Place {
  folder: string;
  events: string | undefined;
}

/** The folder of the program in the editor, if it is of the workspace, or the workspace's first. */
function placeOfTerminal(): Place | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  const root = vscode.workspace.workspaceFolders?.[0]?.uri;
  if (uri?.scheme === 'file' && vscode.workspace.getWorkspaceFolder(uri)) {
    const events = uri.fsPath.replace(/(\.bpf)?\.[^./\\]+$/, '.events.json');
    return { folder: path.dirname(uri.fsPath), events: events !== uri.fsPath && existsSync(events) ? events : undefined };
  }
  return root?.scheme === 'file' ? { folder: root.fsPath, events: undefined } : undefined;
}

let terminals = 0;

/** The terminal of a debug session: its shell runs where the debugger's kernel is. */
class SessionTerminal implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  readonly onDidWrite = this.written.event;
  private readonly id = ++terminals;
  private readonly listeners: vscode.Disposable;

  constructor(private readonly session: vscode.DebugSession) {
    this.listeners = vscode.Disposable.from(
      vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session: from, event, body }) => {
        const output = body as { id: number; text: string };
        if (from === session && event === TERMINAL_OUTPUT && output.id === this.id) this.written.fire(output.text);
      }),
      vscode.debug.onDidTerminateDebugSession((ended) => {
        if (ended === session) this.written.fire('\r\nThe debug session has ended, and its kernel with it.\r\n');
      }),
    );
  }

  open(): void {
    void this.session.customRequest(OPEN_TERMINAL, { id: this.id });
  }

  handleInput(text: string): void {
    this.session.customRequest(TERMINAL_INPUT, { id: this.id, text }).then(undefined, () => undefined);
  }

  close(): void {
    this.listeners.dispose();
  }
}

class KernelTerminal implements vscode.Pseudoterminal {
  private readonly written = new vscode.EventEmitter<string>();
  private readonly closed = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.written.event;
  readonly onDidClose = this.closed.event;
  private child: ChildProcess | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly place: Place,
  ) {}

  open(): void {
    const { folder, events } = this.place;
    const child = spawn(
      process.execPath,
      [this.context.asAbsolutePath('dist/cli.js'), 'shell', '--terminal', ...(events === undefined ? [] : ['--events', events])],
      { cwd: folder, env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', EBPF_TOOLCHAIN: JSON.stringify(toolchainSettings(this.context)) } },
    );
    this.child = child;
    // A character may be cut in two between chunks.
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    child.stdout.on('data', (text: string) => this.written.fire(text));
    child.stderr.on('data', (text: string) => this.written.fire(text.replace(/\r?\n/g, '\r\n')));
    child.on('error', (error) => this.written.fire(`The simulated kernel cannot be started: ${error.message}\r\n`));
    child.on('exit', (code) => this.closed.fire(code ?? 0));
  }

  handleInput(text: string): void {
    this.child?.stdin?.write(text);
  }

  close(): void {
    this.child?.kill();
  }
}
