// Who may import whom. The compiler refuses much of it by project references; this says the rest, with the reason.
// docs/architecture.md shows the same picture: change both in one commit.
import { readFileSync } from 'node:fs';
import tseslint from 'typescript-eslint';

/** Each room of core and the rooms whose door (`#core/<room>`) it may use. A room may always use its own files. */
const MAY_IMPORT = JSON.parse(readFileSync(new URL('core/may-import.json', import.meta.url), 'utf8'));

const WHY = {
  verifier: "the verifier and the machine never see each other: then each is the other's oracle",
  vm: "the vm knows registers, memory and instructions only; helpers and maps are its host's",
  sim: 'the simulated kernel stands above the formats and the vm; what it needs is passed to it',
  shell: 'the shell is the last room of core: only the edges use it',
  program: 'formats below do not know how programs are put together from them',
  catalog: 'tables are read from above; this room stands beside or below them',
};

const rooms = Object.keys(MAY_IMPORT);
const outside = [
  { group: ['vscode'], message: 'Only client/ says vscode: everything else must run in a terminal and in tests.' },
  { group: ['vscode-languageserver', 'vscode-languageserver/*', 'vscode-languageserver-*'], message: 'Only server/ speaks LSP.' },
  { group: ['@vscode/debugadapter', '@vscode/debugprotocol'], message: 'Only debug-adapter/ speaks DAP.' },
  { group: ['vscode-languageclient', 'vscode-languageclient/*'], message: 'Only client/ talks to the server through the client library.' },
];
const except = (...allowed) => outside.filter(({ group }) => !allowed.includes(group[0]));
const restrict = (patterns) => ({ '@typescript-eslint/no-restricted-imports': ['error', { patterns }] });

const coreRules = rooms.map((room) => ({
  files: [`core/src/${room}/**/*.ts`],
  ignores: ['**/*.test.ts'],
  rules: restrict([
    ...outside,
    { group: ['node:*', 'fs', 'path'], message: 'Core does no I/O: bytes in, values out. It runs in a browser as it is.' },
    { group: ['#toolchain', '#toolchain/*'], message: 'Core starts no process and reads no machine: toolchain is above it.' },
    { regex: '^\\.\\./\\.\\./(?!src)', message: "Use the room's door, #core/<room>." },
    {
      regex: `^(\\.\\./)+(${rooms.filter((other) => other !== room).join('|')})/`,
      message: 'Outside a room import only its door: #core/<room>.',
    },
    ...rooms
      .filter((other) => other !== room && !MAY_IMPORT[room].includes(other))
      .map((other) => ({
        group: [`#core/${other}`],
        message: `${room} may not use ${other}: ${WHY[other] ?? `${other} stands above or beside ${room}`}.`,
      })),
  ]),
}));

const edge = (folder, allowed, refused) => ({
  files: [`${folder}/src/**/*.ts`],
  rules: restrict([
    ...except(...allowed),
    ...refused.map((other) => ({
      regex: `^(\\.\\./)+${other}/`,
      message: `${folder} and ${other} never import each other: they meet in core.`,
    })),
    { regex: '^(\\.\\./)+core/', message: "Use the room's door, #core/<room>." },
    { regex: '^(\\.\\./)+toolchain/', message: 'Use #toolchain.' },
  ]),
});

export default tseslint.config(
  {
    ignores: ['dist/**', '.tsbuild/**', '.cache/**', 'node_modules/**', 'test/e2e/node_modules/**', 'test/e2e/artefacts/**', 'examples/**'],
  },
  {
    files: ['**/*.ts', '**/*.mts', '**/*.mjs'],
    extends: [tseslint.configs.base],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'no-restricted-exports': ['error', { restrictDefaultExports: { direct: true } }],
      'prefer-const': 'error',
      eqeqeq: 'error',
      'no-var': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'interface', format: ['PascalCase'], custom: { regex: '^I[A-Z]', match: false } },
      ],
    },
  },
  { files: ['*.config.mjs', '*.config.mts'], rules: { 'no-restricted-exports': 'off' } },
  ...coreRules,
  edge('toolchain', [], ['server', 'debug-adapter', 'client', 'cli']),
  edge('cli', [], ['server', 'debug-adapter', 'client']),
  edge('server', ['vscode-languageserver'], ['debug-adapter', 'client', 'cli']),
  edge('debug-adapter', ['@vscode/debugadapter'], ['server', 'client', 'cli']),
  edge('client', ['vscode', 'vscode-languageclient'], ['server', 'debug-adapter', 'cli']),
);
