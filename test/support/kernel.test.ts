// The oracle must itself be right: known programs, known answers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromHex } from '#core/bytes';
import { type KernelBridge, openKernel } from './kernel.ts';

const kernel = await openKernel();
let bridge: KernelBridge;
beforeAll(() => {
  if (kernel) bridge = kernel;
});
afterAll(() => kernel?.close());

describe.skipIf(!kernel)('kernel bridge', () => {
  it('runs a program on a packet and gives the packet back', async () => {
    const loaded = await bridge.load({ type: 'xdp', insns: fromHex('b700000002000000 9500000000000000')! });
    expect(loaded.verdict).toBe('loaded');
    const data = new Uint8Array(64).fill(7);
    const run = await bridge.run(loaded.fd, { data });
    expect([run.errno, run.returnValue, run.dataOut]).toEqual([0, 2, data]);
    await bridge.closeFd(loaded.fd);
  });

  it('says why it rejects', async () => {
    const loaded = await bridge.load({ type: 'xdp', insns: fromHex('9500000000000000')! });
    expect(loaded).toMatchObject({ verdict: 'rejected', errno: 13 });
    expect(loaded.log).toContain('R0 !read_ok');
  });

  it('keeps a map', async () => {
    const map = await bridge.createMap({ type: 'hash', keySize: 4, valueSize: 8, maxEntries: 2 });
    expect(await bridge.update(map, fromHex('01000000')!, fromHex('0102030405060708')!)).toBe(0);
    expect(await bridge.keys(map, 4)).toEqual([fromHex('01000000')]);
    expect(await bridge.lookup(map, fromHex('01000000')!, 8)).toEqual(fromHex('0102030405060708'));
    expect(await bridge.lookup(map, fromHex('02000000')!, 8)).toBeUndefined();
    await bridge.closeFd(map);
  });
});
