// A language client in this process, behind the same bytes that VS Code would send. Keeps what the server says unasked.

import { PassThrough, type Readable, type Writable } from 'node:stream';
import {
  createConnection,
  createProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type ProtocolConnection,
} from 'vscode-languageserver/node';
import type { Diagnostic } from 'vscode-languageserver';
import { startServer } from '../../server/src/language-server.ts';
import { nodeHost } from '../../server/src/node-host.ts';

export interface Published {
  uri: string;
  version?: number;
  diagnostics: Diagnostic[];
}

export interface ProgramsChanged {
  uri: string;
  version: number;
  timings: { compile: number; load: number; verify: number };
}

export class LspClient {
  readonly published: Published[] = [];
  readonly changed: ProgramsChanged[] = [];
  readonly said: { method: string; params: unknown }[] = [];
  private waiting: (() => void)[] = [];

  private constructor(private readonly connection: ProtocolConnection) {
    connection.onNotification('textDocument/publishDiagnostics', (params: Published) => this.note(() => this.published.push(params)));
    connection.onNotification('ebpf/programsChanged', (params: ProgramsChanged) => this.note(() => this.changed.push(params)));
    for (const method of ['ebpf/noCompiler', 'window/logMessage'])
      connection.onNotification(method, (params: unknown) => this.note(() => this.said.push({ method, params })));
    connection.listen();
  }

  /** The server from its sources, in this process. */
  static async start(initializationOptions: object): Promise<LspClient> {
    const up = new PassThrough();
    const down = new PassThrough();
    startServer(createConnection(new StreamMessageReader(up), new StreamMessageWriter(down)), () => nodeHost());
    return LspClient.over(down, up, initializationOptions);
  }

  /** A server of any kind, behind its streams. */
  static async over(from: Readable, to: Writable, initializationOptions: object): Promise<LspClient> {
    const client = new LspClient(createProtocolConnection(new StreamMessageReader(from), new StreamMessageWriter(to)));
    const capabilities = {
      textDocument: {
        publishDiagnostics: { relatedInformation: true, versionSupport: true },
        completion: { completionItem: { snippetSupport: true } },
      },
    };
    await client.ask('initialize', { processId: null, rootUri: null, capabilities, initializationOptions });
    client.tell('initialized', {});
    return client;
  }

  ask<T>(method: string, params: object): Promise<T> {
    return this.connection.sendRequest(method, params);
  }

  tell(method: string, params: object): void {
    void this.connection.sendNotification(method, params);
  }

  /** Until the condition gives something; looked at again whenever the server has said something. */
  async until<T>(find: () => T | undefined, milliseconds = 15_000): Promise<T> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`the server said nothing of the kind in ${milliseconds} ms; it said ${JSON.stringify(this.said)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => (clearTimeout(timer), resolve()));
      });
    }
  }

  async stop(): Promise<void> {
    await this.ask('shutdown', {});
    this.connection.end();
    this.connection.dispose();
  }

  private note(record: () => void): void {
    record();
    for (const wake of this.waiting.splice(0)) wake();
  }
}
