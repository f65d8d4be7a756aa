// A small DAP client for tests: requests with promises, events that can be waited for. Speaks over any pair of streams.

import type { Readable, Writable } from 'node:stream';

export interface DapMessage {
  seq: number;
  type: 'request' | 'response' | 'event';
  command?: string;
  event?: string;
  request_seq?: number;
  success?: boolean;
  message?: string;
  body?: unknown;
}

export class DapClient {
  private seq = 0;
  private received = Buffer.alloc(0);
  private readonly pending = new Map<number, (message: DapMessage) => void>();
  private readonly events: DapMessage[] = [];
  private waiting: (() => void)[] = [];
  /** The other side has ended. */
  closed = false;

  constructor(
    output: Readable,
    private readonly input: Writable,
  ) {
    output.on('data', (chunk: Buffer) => this.take(chunk));
    output.on('close', () => {
      this.closed = true;
      this.wake();
    });
  }

  private take(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    for (;;) {
      const end = this.received.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/.exec(this.received.subarray(0, end).toString())![1]);
      if (this.received.length < end + 4 + length) return;
      const message = JSON.parse(this.received.subarray(end + 4, end + 4 + length).toString('utf8')) as DapMessage;
      this.received = this.received.subarray(end + 4 + length);
      if (message.type === 'response') {
        this.pending.get(message.request_seq!)?.(message);
        this.pending.delete(message.request_seq!);
      } else this.events.push(message);
      this.wake();
    }
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** The whole response, refused or not. */
  ask(command: string, args: object = {}): Promise<DapMessage> {
    const seq = ++this.seq;
    const text = JSON.stringify({ seq, type: 'request', command, arguments: args });
    return new Promise((resolve) => {
      this.pending.set(seq, resolve);
      this.input.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    });
  }

  /** The body of a response that must succeed. */
  async request<Body>(command: string, args: object = {}): Promise<Body> {
    const response = await this.ask(command, args);
    if (response.success !== true) throw new Error(`${command}: ${response.message}`);
    return response.body as Body;
  }

  /** Events that have come since the last call, in order. */
  takeEvents(): DapMessage[] {
    return this.events.splice(0);
  }

  /** Waits until one of these events has come; it and those before it stay for `takeEvents`. */
  async event(...names: readonly string[]): Promise<void> {
    const deadline = Date.now() + 15_000;
    while (!this.events.some(({ event }) => names.includes(event ?? ''))) {
      if (this.closed) throw new Error(`the adapter ended before ${names.join(' or ')}`);
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no ${names.join(' or ')} event came; got ${this.events.map(({ event }) => event).join(', ')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.waiting.push(() => (clearTimeout(timer), resolve()));
      });
    }
  }
}
