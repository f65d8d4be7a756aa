// Every text that stands in the editor while a program is typed: no feature may fail on any of them.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '#test/requirements';
import { Document } from '../documents.ts';
import { CParser } from '../languages/c/c-syntax.ts';
import { CProject } from '../languages/c/project.ts';
import type { Workbench } from '../languages/language-service.ts';
import { LANGUAGES } from '../languages/languages.ts';
import { nodeHost } from '../node-host.ts';
import { DEFAULT_SETTINGS } from '../settings.ts';
import { documentSymbols } from './document-symbols.ts';
import { programsOf } from './programs.ts';

const host = nodeHost();
const parser = await CParser.create(await host.readWasm('web-tree-sitter.wasm'), await host.readWasm('tree-sitter-c.wasm'));

const project = new CProject(
  host,
  () => DEFAULT_SETTINGS,
  () => [],
  () => undefined,
);
const workbench: Workbench = {
  host,
  settings: DEFAULT_SETTINGS,
  project,
  snippets: true,
  details: true,
  checked: undefined,
  others: [],
};

test.each([
  ['examples/hello-tail/hello-tail.bpf.c', 'c'],
  ['examples/hello-map/hello-map.bpf.c', 'c'],
  ['examples/asm/count.bpf.s', 'asm'],
] as const)('%s, cut off and with a hole at many places', async (file, language) => {
  const text = await readFile(path.join(repository, file), 'utf8');
  const service = LANGUAGES[language];
  let asked = 0;
  for (let at = 0; at < text.length; at += 23) {
    for (const part of [text.slice(0, at), text.slice(0, at) + text.slice(at + 17)]) {
      const document = new Document('file:///x', '/x', language, 1, part, parser);
      const position = document.lines.position(at);
      const answer = await service.complete(document, position, workbench);
      for (const item of (Array.isArray(answer) ? answer : answer.items).slice(0, 3)) expect(item.label).not.toBe('');
      await service.hover(document, position, workbench);
      service.signature?.(document, position, workbench);
      await service.definition(document, position, workbench);
      await service.typeDefinition?.(document, position, workbench);
      await service.highlights?.(document, position, workbench);
      await service.rename?.(document, position, 'other', workbench);
      const symbols = documentSymbols(document);
      for (const { range, selectionRange } of [...symbols, ...programsOf(document, undefined)]) {
        // The name stands inside its whole, as LSP demands: an editor throws the outline away otherwise.
        expect(document.lines.offset(selectionRange.start)).toBeGreaterThanOrEqual(document.lines.offset(range.start));
        expect(document.lines.offset(selectionRange.end)).toBeLessThanOrEqual(document.lines.offset(range.end));
        expect(selectionRange.end.character).toBeGreaterThan(selectionRange.start.character);
      }
      document.dispose();
      asked++;
    }
  }
  expect(asked).toBeGreaterThan(50);
});
