// `npm test`: everything, right after a clone. Check, then the conversations over LSP and DAP, then the real VS Code.
// Says what it leaves out and why: a machine without a browser still tests the rest.
import path from 'node:path';
import { build, checkNode, ensureCompiler, ensureDependencies, ensureVsCode, onPath, root } from './prepare.mjs';
import { run, say } from './say.mjs';

try {
  checkNode();
  await ensureDependencies();
  say('npm run check');
  await build();
  const env = await ensureCompiler();
  await run(process.execPath, [path.join(root, 'tools/check.mjs')], { cwd: root, env });
  say('conversations over LSP and DAP, and the command line');
  await run('npx', ['--no-install', 'vitest', 'run'], { cwd: root, env: { ...env, EBPF_SUITE: 'protocol' } });
  const chromium = process.env.CHROMIUM ?? onPath('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable');
  if (chromium) {
    const entry = await ensureVsCode();
    say('a real VS Code');
    await run(process.execPath, [path.join(root, 'test/e2e/run.mjs')], {
      cwd: root,
      env: { ...env, CHROMIUM: chromium, CODE_SERVER: entry },
    });
  } else {
    const why = 'no Chromium on this machine (looked for chromium, chromium-browser, google-chrome; or set CHROMIUM)';
    if ((process.env.EBPF_REQUIRE ?? '').split(',').includes('chromium')) throw new Error(`the real VS Code cannot be tested: ${why}`);
    say(`skipped, needs chromium: ${why}`);
  }
  say('npm test passed');
} catch (error) {
  console.error(`\nnpm test: ${error.message}`);
  process.exitCode = 1;
}
