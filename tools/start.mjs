// `npm start`: a VS Code with the extension and the examples, right after a clone. Desktop VS Code where there is one, else in the browser.
import path from 'node:path';
import { build, checkNode, ensureCompiler, ensureDependencies, ensureVsCode, onPath, root } from './prepare.mjs';
import { run, say } from './say.mjs';
import { freePort, quietSettings, serveVsCode } from './serve-vscode.mjs';

const examples = path.join(root, 'examples');

try {
  checkNode();
  await ensureDependencies();
  await build();
  const env = await ensureCompiler();
  const desktop = process.argv.includes('--browser') ? undefined : onPath('code', 'codium', 'code-insiders');
  await (desktop ? openDesktop(desktop, env) : openBrowser(env));
} catch (error) {
  console.error(`\nnpm start: ${error.message}`);
  process.exitCode = 1;
}

function guide() {
  console.log(`
  1. Open hello-map/hello-map.bpf.c. Type bpf_ inside the function; hover over a helper.
  2. Take the "if (!count)" block away: the verifier's squiggle comes, with the reason.
  3. Click left of a line number to set a breakpoint, then press F5.
  4. The same works in asm/count.bpf.s, which needs no compiler.
`);
}

async function openDesktop(code, env) {
  say(`opening ${code}`);
  await run(code, ['--new-window', `--extensionDevelopmentPath=${root}`, examples], { env });
  guide();
}

async function openBrowser(env) {
  const entry = await ensureVsCode();
  const port = await freePort(Number(process.env.PORT) || 8088);
  const { url, stop, ended } = await serveVsCode({
    entry,
    port,
    state: path.join(root, '.cache/vscode'),
    workspace: examples,
    extension: root,
    settings: quietSettings,
    env,
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, stop);
  say('VS Code is ready. Open this address in a browser on this machine:');
  console.log(`\n  ${url}\n`);
  guide();
  console.log('  Ctrl+C here stops it.\n');
  process.exitCode = await ended;
}
