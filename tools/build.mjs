// Bundles dist/: the extension's client, the server and debug adapter processes, and the command line. `--watch` keeps going.
import { build, context } from 'esbuild';
import { copyFile, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);

// jsonc-parser's main is UMD, whose inner requires a bundler does not see.
const alias = { 'jsonc-parser': at('node_modules/jsonc-parser/lib/esm/main.js') };
const node = {
  // web-tree-sitter's ESM build asks for import.meta.url, which a CJS bundle does not have.
  alias: { ...alias, 'web-tree-sitter': at('node_modules/web-tree-sitter/web-tree-sitter.cjs') },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  absWorkingDir: root,
  logLevel: 'warning',
  minifySyntax: true,
  minifyWhitespace: !process.argv.includes('--watch'),
  minifyIdentifiers: !process.argv.includes('--watch'),
  sourcemap: process.argv.includes('--watch'),
  define: { 'import.meta.url': 'undefined' },
};
/**
 * The command line's entry requires its commands from bundles beside it: the quick one need not parse the others.
 * (require, not import(): node's ES module loader alone costs more than the command.)
 */
const commandsApart = {
  name: 'commands-apart',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\/commands\// }, ({ path: file }) => ({
      path: file.includes('conformance') ? './cli-conformance.js' : './cli-commands.js',
      external: true,
    })),
};
const bundles = [
  { ...node, entryPoints: ['client/src/extension.ts'], outfile: 'dist/client.js', external: ['vscode'] },
  { ...node, entryPoints: ['server/src/server.ts'], outfile: 'dist/server.js' },
  { ...node, entryPoints: ['debug-adapter/src/main.ts'], outfile: 'dist/debug-adapter.js' },
  {
    ...node,
    entryPoints: ['cli/src/main.ts'],
    outfile: 'dist/cli.js',
    banner: { js: '#!/usr/bin/env node' },
    plugins: [commandsApart],
    supported: { 'dynamic-import': false },
  },
  { ...node, entryPoints: ['cli/src/commands/index.ts'], outfile: 'dist/cli-commands.js' },
  { ...node, entryPoints: ['cli/src/commands/conformance.ts'], outfile: 'dist/cli-conformance.js' },
];

await mkdir(at('dist'), { recursive: true });
await copyFile(at('node_modules/web-tree-sitter/web-tree-sitter.wasm'), at('dist/web-tree-sitter.wasm'));
await copyFile(at('node_modules/tree-sitter-c/tree-sitter-c.wasm'), at('dist/tree-sitter-c.wasm'));
await copyFile(at('node_modules/tree-sitter-python/tree-sitter-python.wasm'), at('dist/tree-sitter-python.wasm'));

if (process.argv.includes('--watch')) for (const options of bundles) await (await context(options)).watch();
else await Promise.all(bundles.map((options) => build(options)));
