// Network devices: what an event file names, and what xdp_md and __sk_buff say of them by number.

export interface Device {
  readonly name: string;
  readonly ifindex: number;
  /** Six bytes. */
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly queues: number;
}

export const LOOPBACK: Device = { name: 'lo', ifindex: 1, mac: new Uint8Array(6), mtu: 65536, queues: 1 };
/** The first byte's second bit says: given locally, not by a manufacturer. */
export const DEFAULT_DEVICE: Device = { name: 'eth0', ifindex: 2, mac: Uint8Array.of(0x02, 0, 0, 0, 0, 0x02), mtu: 1500, queues: 1 };

export class DeviceTable {
  private devices: readonly Device[] = [LOOPBACK, DEFAULT_DEVICE];

  get all(): readonly Device[] {
    return this.devices;
  }

  set(device: Device): void {
    this.devices = [...this.devices.filter(({ name, ifindex }) => name !== device.name && ifindex !== device.ifindex), device];
  }

  byName(name: string): Device | undefined {
    return this.devices.find((device) => device.name === name);
  }

  byIndex(ifindex: number): Device | undefined {
    return this.devices.find((device) => device.ifindex === ifindex);
  }

  save(): unknown {
    return this.devices;
  }

  load(state: unknown): void {
    this.devices = state as readonly Device[];
  }
}
