// Serves a real VS Code in the browser with the extension loaded from this folder. Used by `npm start` and by the end-to-end test.
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';

/** A port that nobody listens on, `wanted` if it is free. */
export function freePort(wanted = 0) {
  return new Promise((resolve) => {
    const probe = net.createServer();
    probe.once('error', () => resolve(freePort()));
    probe.listen(wanted, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const healthy = (port) =>
  new Promise((resolve) => {
    http
      .get({ host: '127.0.0.1', port, path: '/healthz' }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      })
      .on('error', () => resolve(false));
  });

/**
 * @param {{ entry: string, port: number, state: string, workspace: string, extension: string, settings: object, env: NodeJS.ProcessEnv, log?: string }} options
 *   `state` is a folder for user data; with `log` the server's words go to that file.
 * @returns {Promise<{ url: string, stop: () => void, ended: Promise<number> }>}
 */
export async function serveVsCode({ entry, port, state, workspace, extension, settings, env, log }) {
  mkdirSync(path.join(state, 'User'), { recursive: true });
  mkdirSync(path.join(state, 'extensions'), { recursive: true });
  writeFileSync(path.join(state, 'User/settings.json'), JSON.stringify(settings, null, 2));
  writeFileSync(path.join(state, 'config.yaml'), `bind-addr: 127.0.0.1:${port}\nauth: none\ncert: false\n`);
  const clean = { ...env, EXTENSIONS_GALLERY: '{}' };
  for (const name of Object.keys(clean)) if (/^(VSCODE_|npm_)|^(PASSWORD|PORT)$/.test(name)) delete clean[name];
  const output = log ? openSync(log, 'w') : 'ignore';
  const server = spawn(
    process.execPath,
    [
      entry,
      '--config',
      path.join(state, 'config.yaml'),
      '--user-data-dir',
      state,
      '--extensions-dir',
      path.join(state, 'extensions'),
      '--disable-telemetry',
      '--disable-update-check',
      '--disable-workspace-trust',
      '--disable-getting-started-override',
      '--disable-proxy',
    ],
    // Its own process group: children would stay when only the server is stopped.
    { env: clean, stdio: ['ignore', output, output], detached: process.platform !== 'win32' },
  );
  const ended = new Promise((resolve) => server.on('exit', (status) => resolve(status ?? 0)));
  let gone = false;
  ended.then(() => (gone = true));
  const stop = () => {
    try {
      process.kill(process.platform === 'win32' ? server.pid : -server.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
  };
  for (const deadline = Date.now() + 60_000; !(await healthy(port));) {
    if (gone || Date.now() > deadline) {
      stop();
      throw new Error(`VS Code's server did not start${log ? `; see ${log}` : ''}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const payload = JSON.stringify([['extensionDevelopmentPath', `vscode-remote://127.0.0.1:${port}${extension}`]]);
  return { url: `http://127.0.0.1:${port}/?folder=${encodeURIComponent(workspace)}&payload=${encodeURIComponent(payload)}`, stop, ended };
}

/** Settings under which a window shows the workspace and nothing else. */
export const quietSettings = {
  'workbench.startupEditor': 'none',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'workbench.tips.enabled': false,
  'git.enabled': false,
  'workbench.enableExperiments': false,
  'chat.commandCenter.enabled': false,
  'chat.disableAIFeatures': true,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'window.menuBarVisibility': 'compact',
};
