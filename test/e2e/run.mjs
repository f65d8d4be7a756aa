// The end-to-end test: a real VS Code with the extension, used as a person uses it. Screenshots go to test/e2e/artefacts (ignored by git).
// `node test/e2e/run.mjs [--only NAME] [--picture]`: --picture renews the documents' pictures.
import { cpSync, mkdtempSync, mkdirSync, rmSync, copyFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureVsCode, onPath, root } from '../../tools/prepare.mjs';
import { freePort, quietSettings, serveVsCode } from '../../tools/serve-vscode.mjs';
import { openWindow } from './window.mjs';
import { scenarios } from './scenarios.mjs';

/** Screenshots that the documents show, and their names there. */
const PICTURES = {
  'debug-hello-map': 'debugging',
  'null-check': 'verifier',
  'known-hover': 'knowledge',
  'quick-fix': 'quick-fix',
  'kernel-terminal': 'terminal',
  'kernel-view': 'kernel-view',
  'bcc-finding': 'bcc',
};

const here = path.dirname(fileURLToPath(import.meta.url));
const artefacts = path.join(here, 'artefacts');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const started = Date.now();
const say = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(7)} s  ${text}`);

const temporary = mkdtempSync(path.join(os.tmpdir(), 'ebpf-e2e-'));
rmSync(artefacts, { recursive: true, force: true });
mkdirSync(artefacts, { recursive: true });
let server;
let window;
let failed = 0;
let passed = 0;
try {
  const entry = process.env.CODE_SERVER ?? (await ensureVsCode());
  const executablePath = process.env.CHROMIUM ?? onPath('chromium', 'chromium-browser', 'google-chrome');
  if (!executablePath) throw new Error('no Chromium: install one, or set CHROMIUM');
  const workspace = path.join(temporary, 'examples');
  cpSync(path.join(root, 'examples'), workspace, { recursive: true });
  const settings = {
    ...quietSettings,
    'files.autoSave': 'off',
    'debug.openDebug': 'openOnDebugBreak',
    'editor.accessibilitySupport': 'off',
    'editor.minimap.enabled': false,
    'debug.onTaskErrors': 'debugAnyway',
    // Rows of text, which a test can read, instead of a canvas.
    'terminal.integrated.gpuAcceleration': 'off',
  };
  server = await serveVsCode({
    entry,
    port: await freePort(),
    state: path.join(temporary, 'state'),
    workspace,
    extension: root,
    settings,
    env: process.env,
    log: path.join(artefacts, 'server.log'),
  });
  window = await openWindow(server.url, artefacts, executablePath);
  say('the window is open');
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (only !== undefined && only !== name) continue;
    const before = Date.now();
    try {
      await scenario(window, { say: (text) => say(`    ${text}`), workspace });
      passed++;
      say(`pass  ${name} (${((Date.now() - before) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      say(`FAIL  ${name}: ${error.stack ?? error.message}`);
      await window.screenshot(`failed-${name}`);
      // The next scenario starts from a quiet window.
      await window.press('Escape');
      await window.press('Shift+F5');
    }
  }
  if (process.argv.includes('--picture') && failed === 0) {
    mkdirSync(path.join(root, 'docs/images'), { recursive: true });
    for (const [shown, picture] of Object.entries(PICTURES))
      copyFileSync(path.join(artefacts, `${shown}.png`), path.join(root, `docs/images/${picture}.png`));
  }
} catch (error) {
  failed++;
  say(`FAIL  ${error.message}`);
} finally {
  await window?.close();
  server?.stop();
  try {
    cpSync(path.join(temporary, 'state/logs'), path.join(artefacts, 'logs'), { recursive: true });
  } catch {
    // The server wrote none.
  }
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  console.log(`end to end: ${passed} passed, ${failed} failed; screenshots in ${path.relative(root, artefacts)}`);
  process.exit(failed > 0 || passed === 0 ? 1 : 0);
}
