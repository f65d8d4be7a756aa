// `npm run oracle`: the long comparisons with a real kernel and with the corpus of programs it judged.
import { checkNode, ensureDependencies, root } from './prepare.mjs';
import { run } from './say.mjs';

try {
  checkNode();
  await ensureDependencies();
  await run('npx', ['--no-install', 'vitest', 'run'], { cwd: root, env: { ...process.env, EBPF_SUITE: 'oracle' } });
} catch (error) {
  console.error(`\nnpm run oracle: ${error.message}`);
  process.exitCode = 1;
}
