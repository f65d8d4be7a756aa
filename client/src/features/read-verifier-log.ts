// "eBPF: Read a Verifier Log…": a log from the clipboard, the editor or a file becomes diagnostics on the source. The server reads and
// places it; this asks for the text, and shows the first place.

import * as path from 'node:path';
import * as vscode from 'vscode';
import { CLEAR_LOG, READ_LOG, type ReadLogAnswer } from '../requests.ts';
import { ask } from './language-server.ts';

/** A text that holds a log, and the document it stands in, if any. */
interface LogText {
  text: string;
  uri?: vscode.Uri;
  firstLine?: number;
}

const LANGUAGE = 'bpf-verifier-log';

export function activate(context: vscode.ExtensionContext): void {
  context.subscriptions.push(
    vscode.commands.registerCommand('ebpf.readVerifierLog', (target?: unknown) => read(context, target)),
    vscode.commands.registerCommand('ebpf.clearVerifierLog', () => ask(context, CLEAR_LOG, {})),
  );
}

/** From the editor's title the document itself; from the palette the user says where the log is. */
async function read(context: vscode.ExtensionContext, target: unknown): Promise<void> {
  const given = target instanceof vscode.Uri ? await fromUri(target) : await choose();
  if (!given) return;
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.toString());
  const params = { text: given.text, folders, ...(given.uri ? { uri: given.uri.toString(), firstLine: given.firstLine ?? 0 } : {}) };
  const answer = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: 'Reading the verifier log…' }, () =>
    ask<ReadLogAnswer>(context, READ_LOG, params),
  );
  if (!answer) {
    void vscode.window.showErrorMessage('The eBPF language server did not answer; see its output channel.');
    return;
  }
  const first = answer.programs.find(({ location }) => location !== undefined)?.location;
  if (first) await show(first);
  const actions = given.uri || answer.programs.length === 0 ? [] : ['Open Log'];
  const say = answer.warning ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  // Not waited for: the message may stand as long as it likes.
  void say(answer.message, ...actions).then(async (action) => {
    if (action !== 'Open Log') return;
    const document = await vscode.workspace.openTextDocument({ content: given.text, language: LANGUAGE });
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside });
  });
}

async function show({ uri, range: { start, end } }: NonNullable<ReadLogAnswer['programs'][number]['location']>): Promise<void> {
  const selection = new vscode.Range(start.line, start.character, end.line, end.character);
  const place = vscode.Uri.parse(uri);
  const open = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === place.toString());
  const logShown = vscode.window.activeTextEditor?.document.languageId === LANGUAGE;
  const viewColumn = open?.viewColumn ?? (logShown ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active);
  const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(place), { viewColumn, preview: false });
  editor.selection = new vscode.Selection(selection.start, selection.start);
  editor.revealRange(selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

async function choose(): Promise<LogText | undefined> {
  const editor = vscode.window.activeTextEditor;
  const selected = editor && !editor.selection.isEmpty;
  const name = editor && path.basename(editor.document.uri.path);
  const items: (vscode.QuickPickItem & { read: () => Promise<LogText | undefined> })[] = [
    {
      label: '$(clippy) From the clipboard',
      description: 'what the loader printed, copied from a terminal or a CI page',
      read: async () => ({ text: await vscode.env.clipboard.readText() }),
    },
    ...(editor
      ? [
          {
            label: `$(file-text) From the ${selected ? 'selection' : 'editor'}`,
            description: name ?? '',
            read: () => Promise.resolve(fromEditor(editor)),
          },
        ]
      : []),
    { label: '$(folder-opened) From a file…', description: "a saved log or a CI job's output", read: fromFile },
  ];
  // A log in front is what is meant.
  if (editor?.document.languageId === LANGUAGE)
    items.sort((a, b) => Number(b.label.includes('file-text')) - Number(a.label.includes('file-text')));
  const picked = await vscode.window.showQuickPick(items, { title: 'Read a Verifier Log', placeHolder: 'Where is the log?' });
  return picked?.read();
}

function fromEditor({ document, selection }: vscode.TextEditor): LogText {
  const range = selection.isEmpty ? undefined : selection;
  return { text: document.getText(range), uri: document.uri, firstLine: range?.start.line ?? 0 };
}

async function fromFile(): Promise<LogText | undefined> {
  const [uri] =
    (await vscode.window.showOpenDialog({
      canSelectMany: false,
      openLabel: 'Read Log',
      filters: { Logs: ['log', 'txt', 'out', 'json'], 'All files': ['*'] },
    })) ?? [];
  return uri && fromUri(uri);
}

async function fromUri(uri: vscode.Uri): Promise<LogText> {
  const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  if (open) return { text: open.getText(), uri };
  return { text: new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)), uri };
}
