// From a keystroke to the diagnostics, as an editor sees it: the bundled server in its own process, over its standard streams.
// Run: npm run build && npx tsx bench/keystroke.ts [FILE] [ROUNDS]. Prints medians and 95th percentiles in milliseconds.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createProtocolConnection, StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver/node';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const DELAY = 100;

interface Timings {
  compile: number;
  load: number;
  verify: number;
}

/** One keystroke: the whole way, and its parts. `rest` is what is left of the way without waiting for a pause and compiling. */
interface Sample extends Timings {
  total: number;
  rest: number;
}

async function main(): Promise<void> {
  const file = path.resolve(process.argv[2] ?? path.join(root, 'examples/hello-map/hello-map.bpf.c'));
  const rounds = Number(process.argv[3] ?? 60);
  const bundle = path.join(root, 'dist/server.js');
  if (!existsSync(bundle)) throw new Error('there is no dist/server.js: run `npm run build` first');

  const server = spawn(process.execPath, [bundle, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const connection = createProtocolConnection(new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin));
  let answered: (timings: Timings, version: number, published: number) => void = () => {};
  let published = 0;
  connection.onNotification('textDocument/publishDiagnostics', () => (published = performance.now()));
  connection.onNotification('ebpf/programsChanged', ({ timings, version }: { timings: Timings; version: number }) =>
    answered(timings, version, published),
  );
  connection.listen();

  const uri = pathToFileURL(file).href;
  const text = readFileSync(file, 'utf8');
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: {},
    initializationOptions: { settings: { diagnostics: { delay: DELAY } } },
  });
  await connection.sendNotification('initialized', {});
  await new Promise<void>((resolve) => {
    answered = () => resolve();
    void connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: file.endsWith('.c') ? 'c' : 'ebpf-asm', version: 1, text },
    });
  });

  const samples: Sample[] = [];
  for (let version = 2; version < rounds + 2; version++) {
    // A letter more at the end of the first comment, then one less: what the compiler sees changes every time.
    const changed = version % 2 === 0 ? text.replace(/(\/\/|#)[^\n]*/, '$&x') : text;
    samples.push(
      await new Promise<Sample>((resolve) => {
        const started = performance.now();
        answered = (timings, answeredVersion, at) => {
          const total = at - started;
          if (answeredVersion === version) resolve({ ...timings, total, rest: total - DELAY - timings.compile });
        };
        void connection.sendNotification('textDocument/didChange', { textDocument: { uri, version }, contentChanges: [{ text: changed }] });
      }),
    );
  }
  server.kill();

  const kept = samples.slice(Math.floor(samples.length / 6));
  console.log(
    `${path.relative(root, file)}: ${kept.length} keystrokes (the first ${samples.length - kept.length} warm up), ${DELAY} ms of pause included in the total`,
  );
  for (const part of ['total', 'compile', 'load', 'verify', 'rest'] as const) {
    const sorted = kept.map((sample) => sample[part]).sort((a, b) => a - b);
    const at = (share: number): string => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!.toFixed(1).padStart(8);
    console.log(
      `  ${{ total: 'keystroke to diagnostics', compile: 'compiler', load: 'load', verify: 'verify', rest: 'our whole share' }[part].padEnd(26)} median${at(0.5)}   95 %${at(0.95)}`,
    );
  }
}

void main();
