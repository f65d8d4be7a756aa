// What F5 does: completes a launch configuration, also where nobody has written one, from the file in the editor and what lies beside it.
// Reads names of files and of programs; builds nothing.

import * as path from 'node:path';
import * as vscode from 'vscode';
import { targetKernel } from '../machine-settings.ts';
import { PROGRAMS } from '../requests.ts';
import type { ProgramLens } from '../requests.ts';
import { ask } from './language-server.ts';

/** Sources and objects that hold eBPF programs. A plain .c file counts when it says so in a section. */
const PROGRAM_FILE = /\.(bpf\.(c|s|o)|bpfasm|ebpf|o)$/;

export function activate(context: vscode.ExtensionContext): void {
  const provider: vscode.DebugConfigurationProvider = {
    provideDebugConfigurations: () => [{ type: 'ebpf', request: 'launch', name: 'Debug eBPF program', program: '${file}' }],
    resolveDebugConfiguration: (_folder, configuration) => complete(configuration),
    resolveDebugConfigurationWithSubstitutedVariables: (_folder, configuration) => choose(context, configuration),
  };
  const dynamic: vscode.DebugConfigurationProvider = {
    provideDebugConfigurations: () => {
      const file = activeProgramFile();
      return file === undefined ? [] : [{ type: 'ebpf', request: 'launch', name: `Debug ${path.basename(file)}`, program: file }];
    },
  };
  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider('ebpf', provider),
    vscode.debug.registerDebugConfigurationProvider('ebpf', dynamic, vscode.DebugConfigurationProviderTriggerKind.Dynamic),
    vscode.commands.registerCommand('ebpf.debug', (target?: vscode.Uri | string, prog?: string) => debug(target, prog)),
  );
}

/** The program in the editor; for an event file, the program beside it. */
function activeProgramFile(): string | undefined {
  const document = vscode.window.activeTextEditor?.document;
  if (!document || document.uri.scheme !== 'file') return undefined;
  const file = document.fileName;
  if (document.languageId === 'python' && /\bBPF\s*\(/.test(document.getText())) return file;
  if (PROGRAM_FILE.test(file) || (document.languageId === 'c' && /\bSEC\s*\(/.test(document.getText()))) return file;
  return undefined;
}

/** No launch.json: the configuration is empty but for what VS Code adds. */
function complete(configuration: vscode.DebugConfiguration): vscode.DebugConfiguration | undefined {
  if (configuration.type) return configuration;
  const file = activeProgramFile();
  if (file === undefined) {
    void vscode.window.showInformationMessage('Open a .bpf.c, .bpf.s or .bpf.o file in the editor, then press F5.');
    return undefined;
  }
  return { ...configuration, type: 'ebpf', request: 'launch', name: `Debug ${path.basename(file)}`, program: file };
}

/** Picks what is still open: the event file, and its program when several would do. Undefined when the person gives up. */
async function choose(
  context: vscode.ExtensionContext,
  configuration: vscode.DebugConfiguration,
): Promise<vscode.DebugConfiguration | undefined> {
  const program: unknown = configuration['program'];
  if (typeof program !== 'string' || program === '') {
    void vscode.window.showErrorMessage("The launch configuration needs 'program': the path of a .bpf.c, .bpf.s or .o file.");
    return undefined;
  }
  await saveProgram(program);
  const completed: vscode.DebugConfiguration = {
    ...configuration,
    kernel: configuration['kernel'] ?? ((await scenarioDecidesKernel(configuration, program)) ? undefined : targetKernel()),
  };
  if (completed['events'] === undefined) {
    const events = await pickEvents(program);
    if (events === undefined) return undefined;
    if (events !== '') Object.assign(completed, { events });
  }
  if (completed['prog'] === undefined && completed['events'] === undefined) {
    const prog = await pickProgram(context, program);
    if (prog === undefined) return undefined;
    if (prog !== '') Object.assign(completed, { prog });
  }
  return completed;
}

/** What is debugged is what is in the editor. */
async function saveProgram(program: string): Promise<void> {
  const document = vscode.workspace.textDocuments.find(({ uri, isDirty }) => isDirty && uri.scheme === 'file' && uri.fsPath === program);
  await document?.save();
}

/** An event file may name a kernel of its own; the setting then does not overrule it. */
async function scenarioDecidesKernel(configuration: vscode.DebugConfiguration, program: string): Promise<boolean> {
  const events: unknown = configuration['events'];
  const file = typeof events === 'string' ? events : (await eventFiles(program))[0];
  if (file === undefined) return false;
  try {
    const text = new TextDecoder().decode(await vscode.workspace.fs.readFile(vscode.Uri.file(file)));
    return /"version"\s*:/.test(text);
  } catch {
    return false;
  }
}

/** Event files in the program's folder; the one of the same name first and alone. */
async function eventFiles(program: string): Promise<readonly string[]> {
  const folder = path.dirname(program);
  const base = path.basename(program).replace(/(\.bpf)?\.[^.]+$/, '');
  const entries = await Promise.resolve(vscode.workspace.fs.readDirectory(vscode.Uri.file(folder))).catch(() => []);
  const files = entries.map(([name]) => name).filter((name) => name.endsWith('.events.json'));
  if (files.includes(`${base}.events.json`)) return [path.join(folder, `${base}.events.json`)];
  return files.map((name) => path.join(folder, name));
}

/** Empty: no event file. Undefined: given up. */
async function pickEvents(program: string): Promise<string | undefined> {
  const files = await eventFiles(program);
  const base = path.basename(program).replace(/(\.bpf)?\.[^.]+$/, '');
  if (files.length === 0) return '';
  if (files.length === 1 && path.basename(files[0]!) === `${base}.events.json`) return files[0];
  const items = [
    ...files.map((file) => ({ label: path.basename(file), file })),
    { label: 'No event file', description: 'one plain event that reaches the program', file: '' },
  ];
  return (await vscode.window.showQuickPick(items, { placeHolder: 'Events that drive the program' }))?.file;
}

/** Empty: the only one, or unknown. Undefined: given up. */
async function pickProgram(context: vscode.ExtensionContext, file: string): Promise<string | undefined> {
  const answer = await ask<{ programs: readonly ProgramLens[] }>(context, PROGRAMS, { uri: vscode.Uri.file(file).toString() });
  const names = answer?.programs.map(({ name }) => name) ?? [];
  if (names.length < 2) return '';
  const all = { label: 'All programs', prog: '' };
  return (
    await vscode.window.showQuickPick([all, ...names.map((name) => ({ label: name, prog: name }))], { placeHolder: 'Program to debug' })
  )?.prog;
}

/** "Debug" from a lens, the editor's title or the palette. */
async function debug(target: vscode.Uri | string | undefined, prog: string | undefined): Promise<void> {
  const uri = typeof target === 'string' ? vscode.Uri.parse(target) : target;
  const file = uri?.fsPath ?? activeProgramFile();
  if (file === undefined) {
    void vscode.window.showInformationMessage('Open a .bpf.c, .bpf.s or .bpf.o file in the editor to debug it.');
    return;
  }
  const folder = vscode.workspace.getWorkspaceFolder(vscode.Uri.file(file));
  await vscode.debug.startDebugging(folder, {
    type: 'ebpf',
    request: 'launch',
    name: `Debug ${prog ?? path.basename(file)}`,
    program: file,
    ...(prog === undefined ? {} : { prog }),
  });
}
