import { defineConfig } from 'vitest/config';

const oracle = process.env['EBPF_SUITE'] === 'oracle';
const protocol = process.env['EBPF_SUITE'] === 'protocol';

// Unit tests sit beside their source; data tests under test/. Three suites: the quick ones (npm run check), the conversations over
// LSP and DAP (npm test), and the long comparisons with a real kernel (npm run oracle). The end-to-end test has its own runner.
export default defineConfig({
  test: {
    include: oracle
      ? ['{core,toolchain,server,debug-adapter,cli,client,test}/**/*.oracle.test.ts']
      : protocol
        ? ['test/{dap,lsp,cli}/**/*.test.ts']
        : ['{core,toolchain,server,debug-adapter,cli,client}/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: [
      '**/node_modules/**',
      'test/e2e/**',
      ...(oracle ? [] : ['**/*.oracle.test.ts']),
      ...(oracle || protocol ? [] : ['test/{dap,lsp,cli}/**']),
    ],
    // Vitest leaves one core alone; with two of them that is half. Conversations are timed, and have the machine for themselves.
    // Quick tests share what they import: no room keeps state between calls.
    ...(protocol ? {} : { maxWorkers: '100%', isolate: oracle }),
    testTimeout: oracle ? 1_800_000 : 20_000,
    hookTimeout: oracle ? 1_800_000 : 60_000,
  },
});
