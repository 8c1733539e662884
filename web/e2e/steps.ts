// What a person does, for all the tests.
import { type Browser, expect, type Locator, type Page } from '@playwright/test';

/** Each worker has its own person: what one uploads would lie in the other's dock. GRIDKEEP_E2E_USER names another address. */
const MEMBER = process.env.GRIDKEEP_E2E_USER ?? (process.env.TEST_PARALLEL_INDEX === '1' ? 'grace@example.com' : 'ada@example.com');

/** Signs in through the stack's OpenID provider, by a sample sign-in's button where there is one. */
export async function signIn(page: Page, path = '/', email = MEMBER): Promise<void> {
  await page.goto(path);
  await page.getByRole('link', { name: 'Sign in' }).click();
  await expect(page.getByLabel('Email')).toBeVisible();
  expect(new URL(page.url()).hostname).toBe('127.0.0.1');
  const sample = page.getByRole('form', { name: 'Sample sign-ins' }).getByRole('button', { name: email });
  if ((await sample.count()) > 0) {
    await sample.click();
  } else {
    await page.getByLabel('Email').fill(email);
    await page.getByRole('button', { name: 'Continue' }).click();
  }
  await expect(page.getByRole('main')).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
}

let names = 0;
/** A dataset's name that no other run has. */
export const unique = (name: string): string => `${name} ${Date.now().toString(36)}${(names += 1)}`;

export type Files = string | { name: string; mimeType: string; buffer: Buffer };

/** Chooses a file for a new dataset, or by *Upload rows* for the one on the screen; the dialog stays open. */
export async function chooseFile(page: Page, file: Files, button: 'Upload a file' | 'Upload rows' = 'Upload a file'): Promise<Locator> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: button }).first().click();
  await (await chooser).setFiles(file);
  return page.getByRole('dialog', { name: 'Upload a file' });
}

/** Sends what the dialog has chosen straight in, without a look at it first. */
export async function sendUnseen(dialog: Locator): Promise<void> {
  const preview = dialog.getByRole('checkbox', { name: 'Preview before import' });
  if (await preview.isChecked()) await preview.click({ force: true });
  await expect(preview).not.toBeChecked();
  await dialog.getByRole('button', { name: 'Upload', exact: true }).click();
}

/** Uploads into a new dataset and gives the dock's card of this very upload. */
export async function uploadNew(page: Page, file: Files, name: string): Promise<Locator> {
  await page.goto('/');
  const dialog = await chooseFile(page, file);
  await dialog.getByLabel('Name of the dataset').fill(name);
  await dialog.getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(dialog).toBeHidden();
  return page.locator(`[data-testid="upload-card"][data-dataset="${name}"]`);
}

export async function published(card: Locator): Promise<void> {
  await expect(card).toHaveAttribute('data-stage', 'published', { timeout: 60_000 });
}

export const csv = (name: string, text: string | Buffer): Files => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

/** The text of one cell, by the row's position and the column's name, once it is there. */
export async function cellAt(page: Page, row: number, column: string): Promise<string> {
  const cell = await cellOf(page, row, column);
  await expect(cell.locator('.grid-bone')).toHaveCount(0);
  return (await cell.innerText()).trim();
}

/** One cell; its column must be on screen. */
export async function cellOf(page: Page, row: number, column: string): Promise<Locator> {
  const grid = page.getByRole('grid');
  const index = await grid.getByRole('columnheader', { name: new RegExp(`(^|\\s)${column}$`) }).getAttribute('aria-colindex');
  return grid.locator(`[role="row"][aria-rowindex="${row + 1}"] [aria-colindex="${index ?? ''}"]`);
}

/** Moves the focus to a column's header by the keyboard. */
export async function goToHeader(page: Page, at: number): Promise<void> {
  const grid = page.getByRole('grid');
  await grid.locator('[tabindex="0"]').focus();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowUp');
  for (let i = 0; i < at; i += 1) await page.keyboard.press('ArrowRight');
  await expect(grid.locator(`[data-cell="-1:${at}"]`)).toBeFocused();
}

/** What a browser's console must not say: refusals of the content security policy, and script errors. */
export function consoleErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    // A page that asks who is there is told 401 before the sign-in; the browser logs that itself.
    // The provider's pages, on the other host, are not ours.
    const isOurs = !message.location().url.startsWith('http://127.0.0.1');
    if (message.type() === 'error' && isOurs && !message.text().includes('status of 401')) errors.push(message.text());
  });
  return errors;
}

export const beginEditing = (page: Page): Promise<void> => page.getByRole('button', { name: 'Edit in grid view' }).click();

/** Types over one cell, whose column must be on screen. */
export async function typeInto(page: Page, row: number, column: string, text: string): Promise<void> {
  await (await cellOf(page, row, column)).click();
  await page.keyboard.type(text);
  await page.keyboard.press('Enter');
}

/** Ends the edit session as one version. */
export async function publishWith(page: Page, message: string): Promise<void> {
  await page.getByRole('button', { name: 'Exit grid view' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: /What you changed/ }).fill(message);
  await dialog.getByRole('button', { name: 'Keep and publish' }).click();
}

/** The dataset in the address. */
export const datasetId = (page: Page): string => /dst_[0-9a-z]{26}/.exec(page.url())?.[0] ?? '';

/** What was just done, with its way back. */
export const news = (page: Page): Locator => page.getByRole('status', { name: 'News' });

/** Somebody with the same dataset open, in a browser of their own. */
export async function another(browser: Browser, dataset: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await signIn(page);
  await page.goto(`/datasets/${dataset}`);
  await expect(page.locator('[data-cell="0:-1"]')).toHaveText('1');
  await expect(page.getByRole('grid')).toHaveAttribute('aria-busy', 'false');
  return page;
}

export interface Change {
  op: 'insert' | 'update' | 'delete';
  row_id?: string;
  cells?: Record<string, string | null>;
}

/** A commit past the page: what somebody else's edit session sends. */
export async function commit(page: Page, dataset: string, base: number, message: string, changes: readonly Change[]): Promise<void> {
  const answer = await page.request.post(`/api/v1/datasets/${dataset}/commits`, {
    headers: { origin: new URL(page.url()).origin, 'idempotency-key': unique('commit') },
    data: { base_version: base, message, changes },
  });
  expect(answer.status(), await answer.text()).toBe(201);
}
