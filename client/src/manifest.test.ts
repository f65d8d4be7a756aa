// The manifest and the client name the same commands, views and debug type: one that only one side knows does nothing when clicked.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '#test/requirements';

interface Manifest {
  contributes: {
    commands: { command: string }[];
    views: Record<string, { id: string }[]>;
    debuggers: { type: string; configurationAttributes: { launch: { properties: Record<string, { enum?: string[] }> } } }[];
    menus: Record<string, { command: string }[]>;
    configuration: { properties: Record<string, { scope?: string }> } | { properties: Record<string, { scope?: string }> }[];
  };
}

const manifest = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as Manifest;
const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(path.join(import.meta.dirname, file), 'utf8'))
  .join('\n');
const all = (pattern: RegExp): string[] => [...new Set([...sources.matchAll(pattern)].map((match) => match[1]!))].sort();

test('every command is both contributed and registered', () => {
  expect(all(/registerCommand\('(ebpf\.\w+)'/g)).toEqual(manifest.contributes.commands.map(({ command }) => command).sort());
});

test('menus name commands that exist', () => {
  const known = manifest.contributes.commands.map(({ command }) => command);
  for (const { command } of Object.values(manifest.contributes.menus).flat()) expect(known).toContain(command);
});

test('every view is both contributed and filled', () => {
  expect(all(/createTreeView\('([\w.]+)'/g)).toEqual(
    Object.values(manifest.contributes.views)
      .flat()
      .map(({ id }) => id)
      .sort(),
  );
});

test('the debug type is the one that the client serves', () => {
  expect(manifest.contributes.debuggers.map(({ type }) => type)).toEqual(all(/registerDebugAdapterDescriptorFactory\('(\w+)'/g));
});

test('what chooses a program to run is scoped to the machine: a workspace cannot set it', () => {
  const sections = [manifest.contributes.configuration].flat();
  const properties = Object.assign({}, ...sections.map((section) => section.properties)) as Record<string, { scope?: string }>;
  for (const key of all(/userValue(?:<[^(]*>)?\('([\w.]+)'\)/g)) expect([key, properties[`ebpf.${key}`]?.scope]).toEqual([key, 'machine']);
});

test('launch attributes that the adapter checks offer what it takes', () => {
  const session = readFileSync(path.join(repository, 'debug-adapter/src/session.ts'), 'utf8');
  const list = (name: string): string[] =>
    [...new RegExp(`const ${name} = \\[([^\\]]*)\\]`).exec(session)![1]!.matchAll(/'(\w+)'/g)].map((match) => match[1]!);
  const { properties } = manifest.contributes.debuggers[0]!.configurationAttributes.launch;
  expect(properties['verify']?.enum).toEqual(list('VERIFY'));
  expect(properties['engine']?.enum).toEqual(list('ENGINES'));
});
