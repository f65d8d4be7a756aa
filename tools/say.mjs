// Progress of the commands a person starts: one line a step, with the time since the start.
import { spawn } from 'node:child_process';

const started = Date.now();

export const say = (text) => console.log(`${((Date.now() - started) / 1000).toFixed(1).padStart(7)} s  ${text}`);

/**
 * Runs a program to its end. With `quiet`, what it prints is shown only if it fails; what it cannot do becomes one clear error.
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, quiet?: boolean }} [options]
 */
export function run(command, args, { cwd, env = process.env, quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32' && /^(npm|npx)$/.test(command),
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output = (output + chunk).slice(-20_000)));
    child.on('error', (error) => reject(new Error(`${command} could not be started: ${error.message}`)));
    child.on('close', (status) =>
      status === 0 ? resolve(output) : reject(new Error(`${[command, ...args].join(' ')} failed (exit status ${status})\n${output}`)),
    );
  });
}

/** npm's own chatter (funding, audits, updates) is not what the person asked for. */
export const npmEnvironment = {
  ...process.env,
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_loglevel: 'error',
  npm_config_update_notifier: 'false',
};
