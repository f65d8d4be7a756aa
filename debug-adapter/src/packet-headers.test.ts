// Packets as hex, and the headers that the Packet scope shows for them.
import { expect, test } from 'vitest';
import { fromHex } from '#core/bytes';
import { decodePacket } from './packet-headers.ts';

const ETHERNET = '020000000002 020000000001';
const CASES: Readonly<Record<string, readonly [hex: string, expected: readonly string[]]>> = {
  'TCP SYN': [
    `${ETHERNET} 0800 4500002800014000 4006 0000 c0000201 c0000202 9c40 0050 00000001 00000000 5002 ffff 0000 0000`,
    [
      'Ethernet 0+14: 02:00:00:00:00:01 → 02:00:00:00:00:02, 0x0800 IPv4',
      'IPv4 14+20: 192.0.2.1 → 192.0.2.2, 6 TCP',
      'TCP 34+20: 40000 → 80, SYN',
    ],
  ],
  'ping with payload': [
    `${ETHERNET} 0800 4500002100010000 4001 0000 c0000201 c0000202 0800 0000 0001 0002 68656c6c6f`,
    [
      'Ethernet 0+14: 02:00:00:00:00:01 → 02:00:00:00:00:02, 0x0800 IPv4',
      'IPv4 14+20: 192.0.2.1 → 192.0.2.2, 1 ICMP',
      'ICMP 34+8: echo request',
      'payload 42+5: 5 bytes',
    ],
  ],
  'ARP request': [
    'ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202',
    ['Ethernet 0+14: 02:00:00:00:00:01 → ff:ff:ff:ff:ff:ff, 0x0806 ARP', 'ARP 14+28: who has 192.0.2.2? tell 192.0.2.1'],
  ],
  'UDP over IPv6 in a VLAN': [
    `${ETHERNET} 8100 6007 86dd 60000000 0008 11 40 20010db8000000000000000000000001 fe800000000000000000000000000000 0035 0202 0008 0000`,
    [
      'Ethernet 0+14: 02:00:00:00:00:01 → 02:00:00:00:00:02, 0x8100 802.1Q',
      'VLAN 14+4: id 7, 0x86dd IPv6',
      'IPv6 18+40: 2001:db8::1 → fe80::, 17 UDP',
      'UDP 58+8: 53 → 514, 8 bytes',
    ],
  ],
  'a later fragment carries no header': [
    `${ETHERNET} 0800 4500001c00010010 4011 0000 c0000201 c0000202 00112233`,
    [
      'Ethernet 0+14: 02:00:00:00:00:01 → 02:00:00:00:00:02, 0x0800 IPv4',
      'IPv4 14+20: 192.0.2.1 → 192.0.2.2, 17 UDP',
      'payload 34+4: 4 bytes',
    ],
  ],
  'a cut-off header': [
    `${ETHERNET} 0800 45000014`,
    ['Ethernet 0+14: 02:00:00:00:00:01 → 02:00:00:00:00:02, 0x0800 IPv4', 'IPv4 14+4: cut off: 4 of 20 bytes; ? → ?, ?'],
  ],
  'six bytes': ['020000000002', ['Ethernet 0+6: cut off: 6 of 14 bytes; ? → 02:00:00:00:00:02, ?']],
  nothing: ['', []],
};

test.each(Object.entries(CASES))('%s', (_, [hex, expected]) => {
  expect(decodePacket(fromHex(hex)!).map(({ name, offset, size, summary }) => `${name} ${offset}+${size}: ${summary}`)).toEqual(expected);
});

test('fields carry their place in the packet', () => {
  const ip = decodePacket(fromHex(CASES['TCP SYN']![0])!)[1]!;
  expect(ip.fields.map(({ name, offset, size, text }) => `${name} ${offset}+${size} ${text}`)).toEqual([
    'version 14+1 4',
    'ihl 14+1 5',
    'tos 15+1 0x0',
    'tot_len 16+2 40',
    'id 18+2 0x1',
    'flags 20+2 0x2',
    'fragment offset 20+2 0',
    'ttl 22+1 64',
    'protocol 23+1 6 TCP',
    'check 24+2 0x0',
    'saddr 26+4 192.0.2.1',
    'daddr 30+4 192.0.2.2',
  ]);
});
