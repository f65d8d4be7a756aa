// The view "eBPF Kernel" in the debug side bar: programs, maps, links, pins, devices and processes, who holds what and what would go with it,
// and the log of bpf() calls. Its actions are commands typed into the session's kernel.

import * as vscode from 'vscode';
import { KERNEL, KERNEL_COMMAND, type ShownKernel, type ShownKernelObject } from '../requests.ts';
import { SessionTree, watchStops } from '../stop-watcher.ts';

type Group = 'Programs' | 'Maps' | 'Links' | 'Pins' | 'Devices' | 'Processes' | 'bpf() calls';
const GROUPS: readonly { name: Group; icon: string }[] = [
  { name: 'Programs', icon: 'symbol-method' },
  { name: 'Maps', icon: 'database' },
  { name: 'Links', icon: 'link' },
  { name: 'Pins', icon: 'pinned' },
  { name: 'Devices', icon: 'plug' },
  { name: 'Processes', icon: 'server-process' },
  { name: 'bpf() calls', icon: 'list-ordered' },
];

export interface KernelNode {
  label: string;
  description?: string;
  tooltip?: string;
  icon?: string;
  context?: string;
  object?: ShownKernelObject;
  path?: string;
  children: readonly KernelNode[];
  open?: boolean;
}

export function activate(context: vscode.ExtensionContext): void {
  const provider = new KernelProvider();
  context.subscriptions.push(
    vscode.window.createTreeView('ebpf.kernel', { treeDataProvider: provider }),
    watchStops((session) => provider.show(session)),
    vscode.commands.registerCommand('ebpf.dumpObject', (node: KernelNode) => provider.dump(node)),
    vscode.commands.registerCommand('ebpf.pinObject', (node: KernelNode) => provider.pin(node)),
    vscode.commands.registerCommand('ebpf.unpin', (node: KernelNode) => provider.command(`rm ${node.path ?? ''}`)),
  );
}

class KernelProvider extends SessionTree<KernelNode> {
  async getChildren(node?: KernelNode): Promise<KernelNode[]> {
    if (node) return [...node.children];
    try {
      const shown = (await this.session?.customRequest(KERNEL)) as ShownKernel | undefined;
      return shown ? groupsOf(shown) : [];
    } catch {
      // The program has gone on in the meantime: the next stop fills the view again.
      return [];
    }
  }

  getTreeItem(node: KernelNode): vscode.TreeItem {
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const item = new vscode.TreeItem(node.label, node.children.length === 0 ? None : node.open ? Expanded : Collapsed);
    return Object.assign(item, {
      description: node.description,
      tooltip: node.tooltip,
      contextValue: node.context,
      ...(node.icon === undefined ? {} : { iconPath: new vscode.ThemeIcon(node.icon) }),
    });
  }

  /** What a command prints goes to the Debug Console. */
  async command(line: string): Promise<void> {
    await this.session?.customRequest(KERNEL_COMMAND, { line });
  }

  async dump({ object }: KernelNode): Promise<void> {
    if (!object) return;
    await this.command(object.kind === 'map' ? `bpftool map dump id ${object.id}` : `bpftool prog dump xlated id ${object.id}`);
    await vscode.commands.executeCommand('workbench.debug.action.focusRepl');
  }

  async pin({ object }: KernelNode): Promise<void> {
    if (!object) return;
    const path = await vscode.window.showInputBox({
      prompt: `Where to pin ${object.name}`,
      value: `/sys/fs/bpf/${object.name.replace(/\W/g, '_')}`,
    });
    if (path) await this.command(`bpftool ${object.kind} pin id ${object.id} '${path.replace(/'/g, '')}'`);
  }
}

function groupsOf(shown: ShownKernel): KernelNode[] {
  const children: Readonly<Record<Group, readonly KernelNode[]>> = {
    Programs: shown.programs.map(objectNode),
    Maps: shown.maps.map(objectNode),
    Links: shown.links.map(objectNode),
    Pins: shown.pins.map(({ path, object }) => ({ label: path, description: object, path, context: 'kernelPin', children: [] })),
    Devices: shown.devices.map(({ name, summary }) => ({ label: name, description: summary, children: [] })),
    Processes: shown.processes.map(({ pid, name, fds }) => ({
      label: name,
      description: String(pid),
      children: fds.map((label) => ({ label, children: [] })),
    })),
    'bpf() calls': [...shown.log].reverse().map(({ who, text }) => ({ label: text, description: who, tooltip: text, children: [] })),
  };
  return GROUPS.map(({ name, icon }) => ({
    label: name,
    icon,
    description: String(children[name].length),
    children: children[name],
    open: name === 'Programs',
  }));
}

function objectNode(object: ShownKernelObject): KernelNode {
  return {
    label: object.name === object.kind ? `${object.kind} ${object.id}` : object.name,
    description: `${object.kind} ${object.id}: ${object.summary} · ${object.holders.length} ${object.holders.length === 1 ? 'reference' : 'references'}`,
    object,
    context: object.kind === 'link' ? 'kernelLink' : 'kernelObject',
    children: object.holders.map(({ text, wouldGo }) => ({
      label: `held by ${text}`,
      description: wouldGo.length === 0 ? 'nothing goes with it' : `with it goes ${wouldGo.join(', ')}`,
      children: [],
    })),
  };
}
