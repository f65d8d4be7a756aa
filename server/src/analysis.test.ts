import { setTimeout as pause } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { Analysis } from './analysis.ts';
import { Document } from './documents.ts';
import type { Host, OpenAnswer, OpenRequest } from './host.ts';
import { DEFAULT_SETTINGS } from './settings.ts';

const URI = 'file:///x.bpf.c';

/** An analysis over a host whose compiler ends when the test says so. */
function bench() {
  const opened: (OpenRequest & { finish: (answer: Partial<OpenAnswer>) => void })[] = [];
  const host = {
    open: (request: OpenRequest) =>
      new Promise<OpenAnswer>((resolve) =>
        opened.push({
          ...request,
          finish: (answer) => resolve({ problems: [], cancelled: false, timings: { compile: 1, load: 1 }, ...answer }),
        }),
      ),
  } as unknown as Host;
  let version = 1;
  const analysis = new Analysis({
    host,
    settings: () => DEFAULT_SETTINGS,
    document: (uri) => new Document(uri, '/x.bpf.c', 'c', version, `text ${version}`, undefined),
    unsaved: () => new Map(),
    done: () => undefined,
    failed: (_, reason) => {
      throw reason;
    },
  });
  return { analysis, opened, edit: () => void version++ };
}

test('a newer text ends the compiler that runs for the older one', async () => {
  const { analysis, opened, edit } = bench();
  analysis.schedule(URI, 0);
  await vi.waitUntil(() => opened.length === 1);
  expect(opened[0]!.signal.aborted).toBe(false);
  edit();
  analysis.schedule(URI, 0);
  expect(opened[0]!.signal.aborted).toBe(true);
  opened[0]!.finish({ cancelled: true });
  await vi.waitUntil(() => opened.length === 2);
  expect(opened[1]!.text).toBe('text 2');
  expect(opened[1]!.signal.aborted).toBe(false);
  opened[1]!.finish({});
  await vi.waitUntil(() => analysis.last(URI)?.version === 2);
});

test('what is forgotten is ended, and nothing of it is known any more', async () => {
  const { analysis, opened, edit } = bench();
  analysis.schedule(URI, 0);
  await vi.waitUntil(() => opened.length === 1);
  opened[0]!.finish({});
  await vi.waitUntil(() => analysis.last(URI) !== undefined);
  edit();
  analysis.schedule(URI, 0);
  await vi.waitUntil(() => opened.length === 2);
  analysis.forget(URI);
  expect(opened[1]!.signal.aborted).toBe(true);
  expect(analysis.last(URI)).toBeUndefined();
  opened[1]!.finish({});
  await pause(5);
  expect(analysis.last(URI)).toBeUndefined();
});
