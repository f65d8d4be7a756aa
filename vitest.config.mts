import { defineConfig } from 'vitest/config';

// Unit tests sit beside their source; data and protocol tests sit under test/. The end-to-end test has its own runner.
export default defineConfig({
  test: {
    include: ['{core,toolchain,server,debug-adapter,cli,client}/src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/e2e/**'],
    testTimeout: 20_000,
  },
});
