// What a person does, one function each, in this order in one window. Each leaves the window as it found it: files unchanged, nothing running.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

/** Line number (from 1) of the first line of an example that contains the text. */
const lineOf = (workspace, file, text) => {
  const index = readFileSync(path.join(workspace, file), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text));
  assert.notEqual(index, -1, `${file} has a line with ${text}`);
  return index + 1;
};

const flatText = (text) => text.replace(/\s+/g, ' ').trim();

const errors = (window) => window.editor.locator('.squiggly-error');

async function untouched(window) {
  await window.press('Escape');
  await window.command('File: Revert File');
}

export const scenarios = {
  async completion(window, { say, workspace }) {
    const file = 'hello-map/hello-map.bpf.c';
    await window.open(file);
    await window.goTo(lineOf(workspace, file, '__u64 one = 1;'), 99);
    await window.press('Enter');
    await window.type('bpf_get_');
    const rows = window.page.locator('.suggest-widget.visible .monaco-list-row');
    await rows.filter({ hasText: 'bpf_get_current_comm' }).first().waitFor();
    await window.page.waitForTimeout(400);
    await window.screenshot('completion');
    for (let i = 0; i < 'get_'.length; i++) await window.press('Backspace');
    await window.type('xdp_adj');
    await rows.filter({ hasText: 'bpf_xdp_adjust_head' }).first().waitFor();
    await window.page.waitForTimeout(600);
    await window.screenshot('completion-not-allowed');
    const struck = await window.page.locator('.suggest-widget.visible .monaco-list-row .deprecated').count();
    say(`${struck} XDP helpers struck through in a kprobe`);
    assert.ok(struck > 0, 'a helper that a kprobe may not call is struck through');
    await untouched(window);
  },

  async hover(window) {
    const file = 'hello-map/hello-map.bpf.c';
    await window.open(file);
    const text = await window.hover('bpf_map_lookup_elem');
    await window.screenshot('hover');
    for (const part of ['bpf_map_lookup_elem', 'const void *key', '3.18'])
      assert.ok(text.includes(part), `the hover says "${part}":\n${text}`);
    await window.press('Escape');
  },

  async 'what the verifier knows'(window, { say, workspace }) {
    const file = 'hello-xdp/hello-xdp.bpf.c';
    await window.open(file);
    await window.shows('data: 34 bytes proven');
    const text = await window.hover('protocol');
    assert.match(text, /Verifier: result of ip->protocol: 0 to 255/, text);
    await window.screenshot('known-hover');
    await window.press('Escape');
    // From the keyboard: the hover at the cursor, which a screen reader reads.
    await window.goTo(lineOf(workspace, file, 'if (data + sizeof(*eth)'), 7);
    await window.command('Show or Focus Hover');
    const hover = window.page.locator('.monaco-hover:not(.hidden)', { hasText: 'points into the packet' }).first();
    await hover.waitFor();
    await hover.locator('summary').first().click();
    await window.page.waitForTimeout(400);
    await window.screenshot('known-hover-registers');
    assert.match(await hover.innerText(), /R1=pkt\(r=0\)/);
    await window.press('Escape');
    await window.press('Escape');
    await window.command('Preferences: Toggle between Light/Dark Themes');
    await window.page.waitForTimeout(800);
    await window.screenshot('known-light');
    await window.command('Preferences: Toggle between Light/Dark Themes');
    await window.command('eBPF: Toggle What the Verifier Knows');
    await window.shows('data: 34 bytes proven', false);
    await window.command('eBPF: Toggle What the Verifier Knows');
    await window.shows('data: 34 bytes proven');
    say(flatText(await window.page.locator('.statusbar-item[id*="ebpf.status"]').innerText()));
  },

  async 'instructions per line'(window) {
    await window.open('hello-func/hello-func.bpf.c');
    await window.command('eBPF: Toggle Instruction Counts per Line');
    await window.shows('processed, <0.01 %');
    await window.page.waitForTimeout(300);
    await window.screenshot('instruction-counts');
    await window.command('eBPF: Toggle Instruction Counts per Line');
    await window.shows('processed, <0.01 %', false);
    await window.open('asm/count.bpf.s');
    await window.command('eBPF: Toggle What the Verifier Knows');
    await window.shows('R7=pkt(r=34)');
    await window.page.waitForTimeout(300);
    await window.screenshot('register-hints');
    await window.command('eBPF: Toggle What the Verifier Knows');
    await window.shows('R7=pkt(r=34)', false);
  },

  async 'another target kernel'(window, { say, workspace }) {
    const file = 'hello-xdp/hello-xdp.bpf.c';
    await window.open(file);
    const item = window.page.locator('.statusbar-item[id*="ebpf.status"]');
    await item.filter({ hasText: 'accepted' }).waitFor();
    await window.goTo(lineOf(workspace, file, 'packets++;'), 99);
    await window.type(' bpf_xdp_get_buff_len(ctx);');
    await item.click();
    const rows = window.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: '5.10' }).first().waitFor();
    await window.page.waitForTimeout(300);
    await window.screenshot('target-kernel');
    await rows.filter({ hasText: '5.10' }).first().click();
    await item.filter({ hasText: 'rejected' }).waitFor({ timeout: 20_000 });
    await errors(window).first().waitFor();
    say(`${flatText(await item.innerText())}; screen reader: ${await item.locator('a').first().getAttribute('aria-label')}`);
    assert.match((await window.problems()).join('\n'), /5\.18|6\.1/);
    await window.screenshot('older-kernel');
    await window.closePanel();
    await window.command('eBPF: Select Target Kernel');
    await rows.filter({ hasText: '6.18' }).first().click();
    await untouched(window);
    await item.filter({ hasText: 'accepted' }).waitFor({ timeout: 20_000 });
  },

  async 'null check'(window, { say, workspace }) {
    const file = 'hello-map/hello-map.bpf.c';
    await window.open(file);
    await window.page.waitForTimeout(3000);
    assert.equal(await errors(window).count(), 0, 'the example has no error');
    const first = lineOf(workspace, file, 'if (!count) {');
    await window.goTo(first, 1);
    for (let i = 0; i < 4; i++) await window.press('Shift+ArrowDown');
    const before = Date.now();
    await window.press('Delete');
    await errors(window).first().waitFor({ timeout: 10_000 });
    say(`squiggle after ${Date.now() - before} ms`);
    const rows = await window.problems();
    await window.screenshot('null-check');
    const all = rows.join('\n');
    assert.match(all, /map_value_or_null/, all);
    assert.match(all, /NULL/, all);
    await window.closePanel();
    await untouched(window);
  },

  async 'quick fix'(window, { say, workspace }) {
    const file = 'broken-null-check/broken-null-check.bpf.c';
    await window.open(file);
    await errors(window).first().waitFor({ timeout: 15_000 });
    await window.goTo(lineOf(workspace, file, '*count += 1;'), 4);
    const before = Date.now();
    await window.press('Control+.');
    const fix = window.page.locator('.action-widget .monaco-list-row', { hasText: 'Check `count` for NULL' });
    await fix.waitFor({ timeout: 15_000 });
    say(`fix offered, compiled and verified, after ${Date.now() - before} ms`);
    await window.page.waitForTimeout(300);
    await window.screenshot('quick-fix');
    await window.press('Enter');
    await window.page.waitForFunction(
      () => document.querySelectorAll('.editor-group-container.active .squiggly-error').length === 0,
      undefined,
      { timeout: 15_000 },
    );
    await window.shows('if (!count)');
    await window.page.waitForTimeout(600);
    await window.screenshot('quick-fixed');
    await untouched(window);
  },

  async 'helper not allowed'(window, { workspace }) {
    const file = 'hello-xdp/hello-xdp.bpf.c';
    await window.open(file);
    await window.goTo(lineOf(workspace, file, 'packets++;'), 99);
    await window.type('\n\tbpf_get_stackid(ctx, 0, 0);');
    await errors(window).first().waitFor({ timeout: 10_000 });
    const all = (await window.problems()).join('\n');
    await window.screenshot('helper-not-allowed');
    assert.match(all, /program of this type cannot use helper bpf_get_stackid#27/, all);
    await window.closePanel();
    await untouched(window);
  },

  async 'C error'(window, { workspace }) {
    const file = 'hello-xdp/hello-xdp.bpf.c';
    await window.open(file);
    await window.goTo(lineOf(workspace, file, 'packets++;'), 99);
    await window.type('\n\tnot_declared = 1;');
    await errors(window).first().waitFor({ timeout: 10_000 });
    const all = (await window.problems()).join('\n');
    assert.match(all, /undeclared identifier 'not_declared'/, all);
    await window.closePanel();
    await untouched(window);
  },

  async 'debug hello-map'(window, { say, workspace }) {
    const file = 'hello-map/hello-map.bpf.c';
    await window.open(file);
    const line = lineOf(workspace, file, '*count += 1;');
    await window.goTo(line, 1);
    await window.press('F9');
    await window.press('F5');
    assert.equal(await window.stoppedLine(), line, 'stops on the breakpoint');
    await window.closePanel();
    await window.showSections('Variables', 'eBPF Maps', 'eBPF Registers');
    say(`stopped: ${await window.debugRow('ctx')}`);
    const registers = await window.sectionRows('eBPF Registers');
    say(registers.join(' | '));
    assert.ok(
      registers.some((row) => row.includes('map_value counts[uid 1000]+0')),
      registers.join('\n'),
    );
    const maps = await window.sectionRows('eBPF Maps');
    say(maps.join(' | '));
    assert.ok(
      maps.some((row) => row.includes('counts')),
      maps.join('\n'),
    );
    await window.screenshot('debug-hello-map');
    await window.press('F10');
    await window.page.waitForTimeout(800);
    await window.screenshot('debug-hello-map-stepped');
    await window.press('F5');
    await window.page.locator('.debug-toolbar').waitFor({ state: 'hidden', timeout: 20_000 });
    const console = await window.debugConsole();
    await window.screenshot('debug-console');
    assert.match(console, /bpf_trace_printk: uid 1000 has started 2 programs/, console);
    await window.closePanel();
    await window.open(file);
    await window.goTo(line, 1);
    await window.press('F9');
  },

  async 'debug a BPF-to-BPF call'(window, { workspace }) {
    const file = 'hello-func/hello-func.bpf.c';
    await window.open(file);
    const line = lineOf(workspace, file, 'so_far = count_up(&opened, 1);');
    await window.goTo(line, 1);
    await window.press('F9');
    await window.press('F5');
    assert.equal(await window.stoppedLine(), line);
    await window.press('F11');
    await window.page.waitForTimeout(1200);
    const inside = await window.stoppedLine();
    await window.screenshot('debug-hello-func');
    assert.ok(
      inside >= lineOf(workspace, file, 'static __noinline __u64 count_up') && inside < lineOf(workspace, file, 'SEC("raw_tp/sys_enter")'),
      `steps into the function, at ${inside}`,
    );
    await window.press('Shift+F11');
    await window.page.waitForTimeout(1200);
    assert.ok((await window.stoppedLine()) >= line, 'steps out again');
    await window.press('Shift+F5');
    await window.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await window.open(file);
    await window.goTo(line, 1);
    await window.press('F9');
  },

  async 'debug assembly'(window, { say, workspace }) {
    const file = 'asm/count.bpf.s';
    await window.open(file);
    const line = lineOf(workspace, file, 'call bpf_map_lookup_elem');
    await window.goTo(line, 1);
    await window.press('F9');
    await window.press('F5');
    assert.equal(await window.stoppedLine(), line);
    await window.closePanel();
    await window.showSections('Variables', 'eBPF Maps', 'eBPF Registers');
    const registers = await window.sectionRows('eBPF Registers');
    say(registers.join(' | '));
    assert.ok(
      registers.some((row) => row.includes('fp-4')),
      registers.join('\n'),
    );
    await window.screenshot('debug-asm');
    await window.press('F10');
    await window.page.waitForTimeout(800);
    assert.equal(await window.stoppedLine(), line + 1);
    await window.press('Shift+F5');
    await window.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await window.open(file);
    await window.goTo(line, 1);
    await window.press('F9');
  },

  async 'a rejected program asks first'(window, { workspace }) {
    const file = 'broken-null-check/broken-null-check.bpf.c';
    await window.open(file);
    await window.goTo(lineOf(workspace, file, '*count += 1;'), 1);
    await window.press('F9');
    await window.press('F5');
    const dialog = window.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    await window.page.waitForTimeout(300);
    await window.screenshot('rejected');
    assert.match(await dialog.innerText(), /would refuse broken_null_check/);
    await dialog.getByRole('button', { name: 'Run anyway' }).click();
    assert.equal(await window.stoppedLine(), lineOf(workspace, file, '*count += 1;'));
    await window.press('F5');
    await window.page.waitForTimeout(1500);
    await window.press('F5');
    await window.page.waitForTimeout(1500);
    await window.screenshot('fault');
    await window.press('Shift+F5');
    await window.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await window.open(file);
    await window.goTo(lineOf(workspace, file, '*count += 1;'), 1);
    await window.press('F9');
  },

  async 'stepping back'(window, { workspace }) {
    const file = 'hello-xdp/hello-xdp.bpf.c';
    await window.open(file);
    const line = lineOf(workspace, file, 'dropped++;');
    await window.goTo(line, 1);
    await window.press('F9');
    await window.press('F5');
    assert.equal(await window.stoppedLine(), line);
    await window.press('F10');
    await window.page.waitForTimeout(700);
    assert.notEqual(await window.stoppedLine(), line);
    await window.page.locator('.debug-toolbar .codicon-debug-step-back').click();
    await window.page.waitForTimeout(1000);
    assert.equal(await window.stoppedLine(), line, 'steps back to where it was');
    await window.screenshot('step-back');
    await window.press('Shift+F5');
    await window.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await window.open(file);
    await window.goTo(line, 1);
    await window.press('F9');
  },

  async 'a BCC script'(window, { say, workspace }) {
    const file = 'bcc/hello-map.py';
    await window.open(file);
    const line = lineOf(workspace, file, 'counter_table.update(');
    await window.goTo(line, 1);
    await window.press('F9');
    await window.press('F5');
    assert.equal(await window.stoppedLine(), line, 'stops on the breakpoint inside the string');
    await window.screenshot('bcc-debug');
    await window.press('Shift+F5');
    await window.page.locator('.debug-toolbar').waitFor({ state: 'hidden', timeout: 20_000 });
    await window.open(file);
    await window.goTo(line, 1);
    await window.press('F9');
    const check = lineOf(workspace, file, 'if (seen != 0)');
    await window.goTo(check, 1);
    await window.press('End');
    await window.press('Shift+Home');
    await window.press('Delete');
    await errors(window).first().waitFor({ timeout: 20_000 });
    await window.command('View: Toggle Problems');
    say(flatText(await window.page.locator('.markers-panel').innerText()).slice(0, 300));
    await window.screenshot('bcc-finding');
    await window.closePanel();
    await untouched(window);
  },

  async 'a typo in an event file'(window) {
    const file = 'hello-xdp/hello-xdp.events.json';
    await window.open(file);
    await window.goTo(3, 1);
    await window.type('"devises": [], ');
    await window.page.locator('.monaco-editor .squiggly-warning, .monaco-editor .squiggly-error').first().waitFor({ timeout: 15_000 });
    const all = (await window.problems()).join('\n');
    await window.screenshot('event-file');
    assert.match(all, /devises/, all);
    await window.closePanel();
    await untouched(window);
  },

  async 'a verifier log of a real kernel'(window, { say, workspace }) {
    const source = 'broken-null-check/broken-null-check.bpf.c';
    const log = path.join(workspace, 'broken-null-check/loader.verifier.log');
    copyFileSync(path.join(import.meta.dirname, '../verifier-log/logs/broken-null-check.libbpf-level1.log'), log);
    await window.open('broken-null-check/loader.verifier.log');
    // The log explains itself at its sentence.
    await errors(window).first().waitFor();
    await window.command('eBPF: Read a Verifier Log');
    await window.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: 'From the editor' }).waitFor();
    await window.screenshot('verifier-log-where');
    await window.press('Enter');
    await window.page.waitForSelector('.tab[data-resource-name="broken-null-check.bpf.c"]');
    await window.page
      .locator('.notifications-toasts', { hasText: 'broken_null_check was refused at broken-null-check.bpf.c:20' })
      .waitFor();
    const problems = (await window.problems()).join('\n');
    say(problems);
    await window.screenshot('verifier-log');
    assert.match(problems, /eBPF verifier log ?\(?null-dereference/, problems);
    assert.match(problems, /if \(!count\) return 0;/, problems);
    assert.match(problems, /bpf_map_lookup_elem\(\) may return NULL here/, problems);
    await window.closePanel();
    await window.open('broken-null-check/loader.verifier.log');
    await window.goTo(lineOf(workspace, 'broken-null-check/loader.verifier.log', '(85) call bpf_map_lookup_elem'), 5);
    await window.press('F12');
    await window.page.waitForSelector('.tab.active[data-resource-name="broken-null-check.bpf.c"]');
    const line = String(lineOf(workspace, source, 'bpf_map_lookup_elem('));
    await window.page.locator('.editor-group-container.active .line-numbers.active-line-number', { hasText: line }).waitFor();
    await window.command('eBPF: Clear What a Verifier Log Said');
    const after = (await window.problems()).join('\n');
    assert.doesNotMatch(after, /the log says so here/, after);
    await window.closePanel();
    await window.command('View: Close All Editor Groups');
    await window.command('Notifications: Clear All Notifications');
    rmSync(log);
  },

  async "the simulated kernel's terminal"(window, { say }) {
    await window.open('hello-xdp/hello-xdp.bpf.c');
    await window.command("eBPF: Open the Simulated Kernel's Terminal");
    const shows = async (text) => {
      await window.page.waitForFunction(
        (wanted) =>
          document
            .querySelector('.terminal-wrapper.active .xterm-rows')
            ?.textContent.replace(/\u00a0/g, ' ')
            .includes(wanted),
        text,
        { timeout: 30_000, polling: 250 },
      );
    };
    const type = async (line, answer) => {
      await window.type(line);
      await window.press('Enter');
      if (answer !== undefined) await shows(answer);
    };
    await shows('root@simulated');
    await window.command('View: Toggle Maximized Panel');
    await window.command('Terminal: Focus Terminal');
    await type('bpftool prog load hello-xdp.bpf.o /sys/fs/bpf/hello && ls /sys/fs/bpf', 'hello');
    await type('sudo bpftool prog list', 'xdp  name hello_xdp  tag');
    await type('bpftool net attach xdp name hello_xdp dev eth0 && bpftool net list', 'eth0(2) driver id 1');
    await type('cat /sys/kernel/debug/tracing/trace_pipe', 'ping number 2 dropped');
    await window.press('Control+C');
    await shows('^C');
    await type('bpftool map dump name hello_xd.bss', '"dropped": 2');
    await window.screenshot('kernel-terminal');
    await type('bpftool net detach xdp dev eth0; rm /sys/fs/bpf/hello; bpftool prog list | wc -l');
    await shows('0');
    say('loaded, attached, traced, dumped and removed');
    await window.command('View: Toggle Maximized Panel');
    await window.closePanel();
  },

  async 'the kernel of a debug session'(window, { workspace }) {
    const file = 'hello-map/hello-map.bpf.c';
    await window.open(file);
    const line = lineOf(workspace, file, '*count += 1;');
    await window.goTo(line, 1);
    await window.press('F9');
    await window.press('F5');
    assert.equal(await window.stoppedLine(), line, 'stops on the breakpoint');
    await window.debugConsole();
    await window.type('!bpftool map update name counts key 232 3 0 0 value 41 0 0 0 0 0 0 0');
    await window.press('Enter');
    await window.closePanel();
    await window.showSections('eBPF Maps', 'eBPF Kernel');
    await window.debugRow('41');
    assert.ok(
      await window.page
        .locator('.pane-body .monaco-list-row', { hasText: '41' })
        .locator('.monaco-highlighted-label .highlight, .highlight')
        .count(),
      'the changed entry is marked',
    );
    const kernel = await window.sectionRows('eBPF Kernel');
    assert.ok(
      kernel.some((row) => row.includes('hello_map') && row.includes('references')),
      kernel.join('\n'),
    );
    await window.screenshot('kernel-view');
    await window.press('Shift+F5');
    await window.page.locator('.debug-toolbar').waitFor({ state: 'hidden', timeout: 20_000 });
    await window.open(file);
    await window.goTo(line, 1);
    await window.press('F9');
  },

  async 'activation is quick'(window, { say }) {
    await window.open('hello-map/hello-map.bpf.c');
    await window.command('Developer: Show Running Extensions');
    const row = window.page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'ebpf-workbench' }).first();
    await row.waitFor();
    const text = (await row.innerText()).replace(/\s+/g, ' ');
    const milliseconds = Number(/Activation: (\d+)\s?ms/i.exec(text)?.[1]);
    await window.screenshot('activation');
    say(text);
    assert.ok(milliseconds > 0, text);
    await window.press('Control+W');
  },
};
