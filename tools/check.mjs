// `npm run check`: types, lint, unit and data tests. Quick, and the same everywhere.
import { checkNode, ensureDependencies, root } from './prepare.mjs';
import { run, say } from './say.mjs';

const steps = [
  ['types', ['tsc', '-b']],
  ['lint', ['eslint', '.']],
  ['format', ['prettier', '--check', '--log-level', 'warn', '**/*.{ts,mts,mjs}']],
  ['grammars', ['vscode-tmgrammar-test', '-g', 'test/grammars/support/c.tmLanguage.json', 'test/grammars/*.*']],
  ['unit and data tests', ['vitest', 'run']],
];

try {
  checkNode();
  await ensureDependencies();
  for (const [what, command] of steps) {
    say(what);
    await run('npx', ['--no-install', ...command], { cwd: root });
  }
  say('check passed');
} catch (error) {
  console.error(`\nnpm run check: ${error.message}`);
  process.exitCode = 1;
}
