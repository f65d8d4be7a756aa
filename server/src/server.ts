// The server's process: standard streams (`--stdio`) or Node's own channel, and the machine as host. The same bundle is the
// verifier's thread.

import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { startServer } from './language-server.ts';
import { nodeHost } from './node-host.ts';
import { serveVerifier } from './verify-worker.ts';

if (!serveVerifier())
  startServer(createConnection(ProposedFeatures.all), ({ wasmFolder, cacheFolder }) =>
    nodeHost({ ...(typeof wasmFolder === 'string' ? { wasmFolder } : {}), ...(typeof cacheFolder === 'string' ? { cacheFolder } : {}) }),
  );
