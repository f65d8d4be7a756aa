// The debug adapter's process: DAP over standard input and output.
// What compiler to use comes from the environment that the extension gives, never from a launch configuration, which a workspace may bring.

import { DebugSession } from '@vscode/debugadapter';
import type { ToolchainSettings } from '#toolchain';
import { EbpfDebugSession } from './session.ts';

function settingsFromEnvironment(): ToolchainSettings {
  try {
    const settings: unknown = JSON.parse(process.env['EBPF_TOOLCHAIN'] ?? '{}');
    return typeof settings === 'object' && settings !== null ? settings : {};
  } catch {
    return {};
  }
}

class Session extends EbpfDebugSession {
  constructor() {
    super(settingsFromEnvironment());
  }
}

DebugSession.run(Session);
