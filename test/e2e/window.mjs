// A VS Code window in a headless browser, with the verbs a person uses: open, type, hover, set a breakpoint, look.
import { createRequire } from 'node:module';
import { createWriteStream, mkdirSync } from 'node:fs';
import path from 'node:path';

const require = createRequire(import.meta.url);
const { chromium } = require('playwright-core');

const BROWSER_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Opens the window at `url`; screenshots and the browser's console go to `artefacts`. */
export async function openWindow(url, artefacts, executablePath) {
  mkdirSync(artefacts, { recursive: true });
  const browser = await chromium.launch({ executablePath, headless: true, args: BROWSER_ARGUMENTS });
  const context = await browser.newContext({ viewport: { width: 1500, height: 1000 }, deviceScaleFactor: 1 });
  const page = await context.newPage();
  page.setDefaultTimeout(40_000);
  const consoleLog = createWriteStream(path.join(artefacts, 'browser-console.log'));
  page.on('console', (message) => consoleLog.write(`${message.type()} ${message.text()}\n`));
  await page.goto(url);
  await page.waitForSelector('.monaco-workbench .part.statusbar');
  await page.waitForSelector('.explorer-folders-view .monaco-list-row');
  return new Window(page, browser, artefacts);
}

class Window {
  constructor(page, browser, artefacts) {
    this.page = page;
    this.browser = browser;
    this.artefacts = artefacts;
  }

  close = () => this.browser.close();
  screenshot = (name) => this.page.screenshot({ path: path.join(this.artefacts, `${name}.png`) });
  press = (keys) => this.page.keyboard.press(keys);
  get editor() {
    return this.page.locator('.editor-group-container.active .editor-instance .monaco-editor').first();
  }

  /** Runs a command of the palette by its title. */
  async command(title) {
    await this.press('F1');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().waitFor();
    await this.press('Enter');
  }

  /** Opens a file of the workspace by its path. */
  async open(file) {
    await this.press('Control+P');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(file);
    const name = path.posix.basename(file);
    await this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: name }).first().waitFor();
    await this.press('Enter');
    await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
    await this.editor.locator('.view-line').first().waitFor();
    // The lens above a program says that the language server has read the file.
    if (name.endsWith('.bpf.c')) await this.editor.locator('.codelens-decoration').first().waitFor({ state: 'attached' });
  }

  /** Puts the cursor at line and column, both from 1. */
  async goTo(line, column = 1) {
    await this.press('Control+G');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(`:${line}:${column}`);
    await this.press('Enter');
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
  }

  type = (text) => this.page.keyboard.type(text, { delay: 15 });

  /** Points at the first place in the editor that shows the word, and gives the hover's text. */
  async hover(word) {
    const token = this.editor.locator('.view-line span span', { hasText: word }).first();
    // Lenses and hints that come in make the editor draw its lines anew: the word may be gone for a moment.
    let box = null;
    for (const end = Date.now() + 15_000; box === null && Date.now() < end;) {
      await token.waitFor();
      box = await token.boundingBox();
    }
    if (!box) throw new Error(`the editor does not show "${word}"`);
    const { x, y, width, height } = box;
    await this.page.mouse.move(x + width / 2, y + height / 2);
    await this.page.mouse.move(x + width / 2 + 2, y + height / 2);
    const text = this.page.locator('.monaco-hover:not(.hidden) .monaco-hover-content', { hasText: word }).first();
    await text.waitFor();
    await this.page.waitForTimeout(500);
    return (await text.innerText()).replace(/\u00a0/g, ' ');
  }

  /** Waits until the editor's lines show the text (or no longer do), inlay hints and lenses among them. */
  async shows(text, shown = true) {
    const spaced = text.replace(/ /g, '\u00a0');
    await this.page.waitForFunction(
      ([wanted, other, expected]) =>
        [
          ...document.querySelectorAll('.editor-group-container.active .view-lines, .editor-group-container.active .codelens-decoration'),
        ].some(({ textContent }) => textContent.includes(wanted) || textContent.includes(other)) === expected,
      [text, spaced, shown],
      // Not at every frame: the editor fetches hints when it is idle.
      { timeout: 15_000, polling: 250 },
    );
  }

  /** Text of each row of the Problems panel. */
  async problems() {
    await this.command('Problems: Focus on Problems View');
    await this.page.waitForSelector('.markers-panel');
    await this.page.waitForTimeout(300);
    return (await this.page.locator('.markers-panel .monaco-list-row').allInnerTexts()).map(flat);
  }

  async closePanel() {
    if (await this.page.locator('.part.panel').isVisible()) await this.command('View: Toggle Panel Visibility');
  }

  /** Waits until a row of the debug side bar's section shows the text, and gives the row. */
  async debugRow(text, timeout = 20_000) {
    const row = this.page.locator('.debug-viewlet .monaco-list-row, .sidebar .monaco-list-row', { hasText: text }).first();
    await row.waitFor({ timeout });
    return flat(await row.innerText());
  }

  /** Opens these sections of the debug side bar and closes the others; what a person does who wants to see them. */
  async showSections(...titles) {
    for (const header of await this.page.locator('.sidebar .pane-header').all()) {
      const title = flat(await header.locator('h3').innerText()).toLowerCase();
      const wanted = titles.some((one) => title.startsWith(one.toLowerCase()));
      if (((await header.getAttribute('aria-expanded')) === 'true') !== wanted) await header.locator('h3').click();
    }
    await this.page.waitForTimeout(600);
  }

  /** The rows of a section that `showSections` opened. */
  async sectionRows(title) {
    const pane = this.page.locator('.sidebar .pane', {
      has: this.page.locator('.pane-header h3', { hasText: new RegExp(`^\\s*${title}`, 'i') }),
    });
    await pane.locator('.monaco-list-row').first().waitFor();
    await this.page.waitForTimeout(400);
    return (await pane.locator('.monaco-list-row').allInnerTexts()).map(flat);
  }

  async expandDebugRow(text) {
    const row = this.page.locator('.sidebar .monaco-list-row', { hasText: text }).first();
    await row.waitFor();
    if ((await row.getAttribute('aria-expanded')) === 'false') await row.locator('.monaco-tl-twistie').click();
  }

  /** The Debug Console's text. */
  async debugConsole() {
    await this.command('Debug Console: Focus on Debug Console View');
    await this.page.waitForSelector('.repl');
    await this.page.waitForTimeout(300);
    return (await this.page.locator('.repl .monaco-list-row').allInnerTexts()).map(flat).join('\n');
  }

  /** Line number at which the debugger shows the program stopped. */
  async stoppedLine() {
    await this.page.waitForSelector('.debug-toolbar');
    const mark = this.editor.locator('.debug-top-stack-frame-line').first();
    await mark.waitFor();
    await this.page.waitForTimeout(250);
    const y = (await mark.boundingBox()).y;
    const numbers = this.editor.locator('.margin-view-overlays .line-numbers');
    for (const number of await numbers.all()) {
      const box = await number.boundingBox();
      if (box && Math.abs(box.y - y) < 6) return Number(await number.innerText());
    }
    return undefined;
  }
}

const flat = (text) => text.replace(/\s+/g, ' ').trim();
