// `npm run golden`: writes the golden files anew (conversations, examples, explanations). Read the difference before you commit it.
import { build, checkNode, ensureDependencies, root } from './prepare.mjs';
import { run } from './say.mjs';

try {
  checkNode();
  await ensureDependencies();
  await build();
  await run('npx', ['--no-install', 'vitest', 'run', '--update'], { cwd: root });
  await run('npx', ['--no-install', 'vitest', 'run', '--update'], { cwd: root, env: { ...process.env, EBPF_SUITE: 'protocol' } });
  await run('git', ['diff', '--stat'], { cwd: root });
} catch (error) {
  console.error(`\nnpm run golden: ${error.message}`);
  process.exitCode = 1;
}
