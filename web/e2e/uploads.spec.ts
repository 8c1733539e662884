import { writeFile } from 'node:fs/promises';

import { expect, type Page, test } from '@playwright/test';

import { consoleErrors, csv, published, signIn, unique, uploadNew } from './steps';

/** A few megabytes of rows: enough to see them leave. */
const large = Buffer.from(`id,text\n${Array.from({ length: 60_000 }, (_, i) => `${i + 1},${'gridkeep '.repeat(6)}${i}`).join('\n')}\n`);

/** The page's network from here on, in bytes a second upwards. */
async function slow(page: Page, bytesPerSecond: number): Promise<void> {
  const network = await page.context().newCDPSession(page);
  await network.send('Network.enable');
  await network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: bytesPerSecond });
}

test.beforeEach(({ page }) => signIn(page));

test('sending shows the bytes that have left, and cancel stops it with nothing imported', async ({ page }) => {
  const errors = consoleErrors(page);
  await slow(page, 400_000);
  const name = unique('cancelled');
  const card = await uploadNew(page, csv('large.csv', large), name);
  await expect(card).toHaveAttribute('data-stage', 'sending');
  const now = async (): Promise<number> => Number(await card.getByRole('progressbar').getAttribute('aria-valuenow'));
  await expect.poll(now).toBeGreaterThan(0);
  const before = await now();
  expect(before).toBeLessThan(100);
  await expect.poll(now).toBeGreaterThan(before);
  await expect(card).toContainText(/ of .*MB.*\/s/);
  await card.getByRole('button', { name: /^Cancel/ }).click();
  await expect(card).toHaveAttribute('data-stage', 'cancelled');
  await expect(card).toContainText('Nothing was imported');
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Datasets' })).toBeVisible();
  await expect(page.getByRole('main').getByRole('link', { name })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('another tab shows the upload on its way, and a reload while sending says what happened', async ({ page, context }) => {
  await slow(page, 200_000);
  const name = unique('interrupted');
  const card = await uploadNew(page, csv('large.csv', large), name);
  await expect(card).toHaveAttribute('data-stage', 'sending');
  const here = `[data-testid="upload-card"][data-dataset="${name}"]`;
  await expect.poll(async () => Number(await card.getByRole('progressbar').getAttribute('aria-valuenow'))).toBeGreaterThan(0);
  const other = await context.newPage();
  await other.goto('/uploads');
  await expect(other.locator(here)).toHaveAttribute('data-stage', 'sending');
  // The browser asks first: bytes would be lost.
  let asked = false;
  page.on('dialog', (dialog) => {
    asked = true;
    void dialog.accept();
  });
  await page.reload();
  expect(asked).toBe(true);
  await expect(page.locator(here)).toHaveAttribute('data-stage', 'interrupted');
  await expect(page.locator(here)).toContainText('Nothing was imported');
  await page.locator(here).getByRole('button', { name: /^Cancel/ }).click();
  await expect(page.locator(here)).toHaveAttribute('data-stage', 'cancelled');
  await expect(other.locator(here)).toHaveAttribute('data-stage', 'cancelled', { timeout: 20_000 });
});

test('what was sent goes on without the page', async ({ page }) => {
  const name = unique('reloaded');
  const card = await uploadNew(page, csv('large.csv', large), name);
  await expect(card).not.toHaveAttribute('data-stage', 'sending', { timeout: 30_000 });
  await page.reload();
  await published(page.locator(`[data-testid="upload-card"][data-dataset="${name}"]`));
  await expect(page.getByRole('main').getByRole('link', { name })).toBeVisible();
});

test('a large file goes on after a reload with the parts that are missing', async ({ page }) => {
  const errors = consoleErrors(page);
  // Three parts, of which the last is short.
  const huge = Buffer.from(`id,text\n${Array.from({ length: 36_000 }, (_, i) => `${i + 1},${'gridkeep '.repeat(110)}`).join('\n')}\n`);
  expect(huge.length).toBeGreaterThan(34 * 1024 * 1024);
  await slow(page, 6_000_000);
  const name = unique('resumed');
  const last = page.waitForResponse((response) => response.url().includes('partNumber=3') && response.request().method() === 'PUT');
  const [file, changed] = [test.info().outputPath('huge.csv'), test.info().outputPath('changed.csv')];
  await writeFile(file, huge);
  await writeFile(changed, Buffer.concat([huge.subarray(0, 100), Buffer.from('X'), huge.subarray(101)]));
  let card = await uploadNew(page, file, name);
  await expect(card).toHaveAttribute('data-stage', 'sending');
  expect((await last).status()).toBe(200);

  await card.getByRole('button', { name: /^Pause/ }).click();
  await expect(card).toHaveAttribute('data-stage', 'paused');
  await card.getByRole('button', { name: /^Go on/ }).click();
  await expect(card).toHaveAttribute('data-stage', 'sending');
  page.on('dialog', (dialog) => void dialog.accept());
  await page.reload();
  card = page.locator(`[data-testid="upload-card"][data-dataset="${name}"]`);
  await expect(card).toHaveAttribute('data-stage', 'interrupted');
  await expect(card).toContainText(/MB of .*MB are kept/);

  const choose = async (chosen: string): Promise<void> => {
    const chooser = page.waitForEvent('filechooser');
    await card.getByRole('button', { name: 'Choose the same file' }).click();
    await (await chooser).setFiles(chosen);
  };
  await choose(changed);
  await expect(card.getByRole('alert')).toContainText('another content');
  await expect(card).toHaveAttribute('data-stage', 'interrupted');

  await slow(page, -1);
  const sent: string[] = [];
  page.on('request', (request) => {
    const part = /partNumber=(\d+)/.exec(request.url())?.[1];
    if (part && request.method() === 'PUT') sent.push(part);
  });
  await choose(file);
  await published(card);
  expect([...new Set(sent)].sort()).toEqual(['1', '2']);
  await expect(card.getByTestId('receipt')).toContainText('36,000 rows read');
  expect(errors).toEqual([]);
});
