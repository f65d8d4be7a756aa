// The parsers that reading a BCC script takes, loaded when the first one is met: tree-sitter's grammars of Python and C.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Language, Parser } from 'web-tree-sitter';
import type { Parse, SyntaxNode } from '#core/bcc';
import { ownFolder } from './own-folder.ts';

export interface BccParsers {
  python: Parse;
  c: Parse;
}

let loading: Promise<BccParsers> | undefined;

export const bccParsers = (): Promise<BccParsers> => (loading ??= load());

async function load(): Promise<BccParsers> {
  await Parser.init({ wasmBinary: await wasm('web-tree-sitter', 'web-tree-sitter.wasm') });
  const parser = async (name: string): Promise<Parse> => {
    const made = new Parser();
    made.setLanguage(await Language.load(await wasm(name, `${name}.wasm`)));
    return (text) => {
      const tree = made.parse(text);
      if (!tree) throw new Error('the parser gave no tree');
      return tree.rootNode as SyntaxNode;
    };
  };
  return { python: await parser('tree-sitter-python'), c: await parser('tree-sitter-c') };
}

/** Beside the bundle, or in the package that brings it. */
function wasm(packageName: string, name: string): Promise<Uint8Array> {
  const bundled = import.meta.url ? undefined : path.join(__dirname, name);
  return readFile(bundled !== undefined && existsSync(bundled) ? bundled : ownFolder(`node_modules/${packageName}/${name}`));
}
