// The documents say only what is there: every path they name exists, and the import rule they show is the one lint enforces.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '#test/requirements';
import MAY_IMPORT from '../../core/may-import.json';

const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(path.join(repository, 'docs'), { recursive: true }).map((file) => path.join('docs', String(file))),
].filter((file) => file.endsWith('.md') && existsSync(path.join(repository, file)));
const roots = readdirSync(repository).filter((name) => !['node_modules', 'dist', '.git', '.cache', '.tsbuild'].includes(name));

/** Back-quoted words and link targets that begin with something of the repository's top level. */
function pathsIn(document: string): string[] {
  const text = readFileSync(path.join(repository, document), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  const quoted = [...text.matchAll(/`([^`\s]+)`/g)]
    .map((match) => match[1]!)
    .filter((word) => word.includes('/') && roots.includes(word.split('/')[0]!));
  const linked = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => path.posix.join(path.posix.dirname(document), target));
  return [...quoted, ...linked].filter((word) => !/[<>*{}]/.test(word) && !word.startsWith('dist/'));
}

describe.each(documents)('%s', (document) => {
  it('names only paths that exist', () => {
    expect(pathsIn(document).filter((named) => !existsSync(path.join(repository, named)))).toEqual([]);
  });
});

describe('docs/architecture.md', () => {
  const text = readFileSync(path.join(repository, 'docs/architecture.md'), 'utf8');

  it('shows the import rule that lint enforces', () => {
    const section = text.slice(text.indexOf('## Who may import whom'), text.indexOf('## Where do I'));
    const rows = [...section.matchAll(/^\| `([\w-]+)` \|(.*)\|$/gm)].map(([, room, cell]) => [
      room!,
      [...cell!.matchAll(/`([\w-]+)`/g)].map((match) => match[1]!),
    ]);
    expect(Object.fromEntries(rows)).toEqual(MAY_IMPORT);
  });

  it('knows every room of core', () => {
    const rooms = readdirSync(path.join(repository, 'core/src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    expect(rooms.sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });
});

// Written in pieces, or this file would name them.
const FORBIDDEN = new RegExp(`(^|[^\\w.])/(${['wo', 'fa'].join('rk|')}rm)/\\w|${['registry', 'npmjs'].join('.')}`);

describe('the repository', () => {
  it('names no path of the machine it was written on and no registry', () => {
    const files = execFileSync('git', ['ls-files'], { cwd: repository, encoding: 'utf8' })
      .split('\n')
      .filter((file) => /\.(ts|mts|mjs|md|json|jsonc|c|h|s|data|yml)$|^\.ci\//.test(file));
    const offending = files.filter((file) => FORBIDDEN.test(readFileSync(path.join(repository, file), 'utf8')));
    expect(offending).toEqual([]);
  });
});
