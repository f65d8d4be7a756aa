// Starts the language server in its own process and keeps the one connection to it.
// Knows no language feature: the server announces what it can.

import * as vscode from 'vscode';
import type { LanguageClient as Client } from 'vscode-languageclient/node';
import { zigFolders } from '../machine-settings.ts';
import { NO_COMPILER, PROGRAMS_CHANGED } from '../requests.ts';
import { offerCompiler } from './install-compiler.ts';

const LANGUAGES = ['c', 'ebpf-asm', 'bpf-verifier-log', 'python'];

let client: Promise<Client> | undefined;
const changed = new vscode.EventEmitter<vscode.Uri>();

/** Fires when what is known of a document's programs has changed. */
export const onProgramsChanged = changed.event;

export function activate(context: vscode.ExtensionContext): void {
  const startFor = (document: vscode.TextDocument): void => {
    // A script that says nothing of BPF costs nothing.
    if (document.languageId === 'python' && !/\bBPF\s*\(/.test(document.getText())) return;
    if (LANGUAGES.includes(document.languageId) || document.fileName.endsWith('.events.json')) void server(context);
  };
  vscode.workspace.textDocuments.forEach(startFor);
  context.subscriptions.push(
    changed,
    vscode.workspace.onDidOpenTextDocument(startFor),
    vscode.commands.registerCommand('ebpf.restartServer', async () => {
      await stop();
      await server(context);
    }),
  );
}

/** The running server; started by the first who asks. */
export function server(context: vscode.ExtensionContext): Promise<Client> {
  client ??= start(context).catch((cause: unknown) => {
    client = undefined;
    void vscode.window.showErrorMessage(
      `The eBPF language server does not start: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
    throw cause;
  });
  return client;
}

/** Sends a custom request; undefined while the server cannot answer. */
export async function ask<Answer>(
  context: vscode.ExtensionContext,
  method: string,
  params: object,
  token?: vscode.CancellationToken,
): Promise<Answer | undefined> {
  try {
    return await (await server(context)).sendRequest<Answer>(method, params, token);
  } catch {
    return undefined;
  }
}

async function start(context: vscode.ExtensionContext): Promise<Client> {
  const { LanguageClient, TransportKind } = await import('vscode-languageclient/node');
  const module = context.asAbsolutePath('dist/server.js');
  const started = new LanguageClient(
    'ebpf',
    'eBPF Workbench',
    {
      run: { module, transport: TransportKind.ipc },
      debug: { module, transport: TransportKind.ipc, options: { execArgv: ['--inspect=6009'] } },
    },
    {
      // The last one is the log that "eBPF: Verify" shows.
      documentSelector: [
        ...LANGUAGES.flatMap((language) => [
          { scheme: 'file', language },
          { scheme: 'untitled', language },
        ]),
        { scheme: 'ebpf-verifier', language: 'bpf-verifier-log' },
      ],
      synchronize: { configurationSection: 'ebpf' },
      initializationOptions: {
        details: true,
        zigFolders: zigFolders(context),
        settings: vscode.workspace.getConfiguration('ebpf'),
        docs: vscode.Uri.joinPath(context.extensionUri, 'docs/verifier').toString(),
      },
      // Hovers fold what only some want to see.
      markdown: { supportHtml: true },
      outputChannelName: 'eBPF Workbench',
    },
  );
  started.onNotification(PROGRAMS_CHANGED, ({ uri }: { uri: string }) => changed.fire(vscode.Uri.parse(uri)));
  started.onNotification(NO_COMPILER, ({ message }: { message: string }) => void offerCompiler(context, message));
  await started.start();
  return started;
}

export async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  // A server that never started has nothing to stop.
  await running?.then((started) => started.stop()).catch(() => undefined);
}
